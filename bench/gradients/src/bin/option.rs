//! The price of an American option by a binomial tree, folded back in one vector.

#![feature(autodiff)]

use gradients::{Program, Version, run};
use std::autodiff::autodiff_reverse;
use std::process::ExitCode;

const STEPS: usize = 500;

/// `p` has the price, the strike, the volatility, the rate and the time.
#[autodiff_reverse(d_option, Duplicated, Const, Active)]
fn option(p: &[f64], steps: usize) -> f64 {
    let (price, strike, volatility, rate, time) = (p[0], p[1], p[2], p[3], p[4]);
    let dt = time / steps as f64;
    let up = (volatility * dt.sqrt()).exp();
    let discount = (-rate * dt).exp();
    let chance = (1.0 / discount - 1.0 / up) / (up - 1.0 / up);
    let mut v = vec![0.0; steps + 1];
    let mut s = vec![0.0; 2 * steps + 1];
    s[0] = price * (-volatility * dt.sqrt() * steps as f64).exp();
    for i in 1..=2 * steps {
        s[i] = s[i - 1] * up;
    }
    for i in 0..=steps {
        v[i] = (strike - s[2 * i]).max(0.0);
    }
    for k in (0..steps).rev() {
        for i in 0..=k {
            let held = discount * (chance * v[i + 1] + (1.0 - chance) * v[i]);
            v[i] = held.max(strike - s[2 * i + steps - k]);
        }
    }
    v[0]
}

fn main() -> ExitCode {
    let versions = vec![Version::rust(
        |p| option(p, STEPS),
        |p, g| {
            d_option(p, g, STEPS, 1.0);
        },
    )];
    run(&Program {
        name: "option",
        at: vec![100.3, 105.1, 0.31, 0.043, 1.07],
        versions,
    })
}
