//! An explicit heat equation that keeps every step, in one vector of two dimensions; the conductivity is asked for too.

#![feature(autodiff)]

use gradients::{Numbers, Program, Version, run};
use std::autodiff::autodiff_reverse;
use std::process::ExitCode;

const N: usize = 200;
const STEPS: usize = 500;

/// `p` has the start, then the conductivity at each place.
#[autodiff_reverse(d_heat, Duplicated, Const, Active)]
fn heat(p: &[f64], steps: usize) -> f64 {
    let mut u = vec![0.0; (steps + 1) * N];
    for i in 0..N {
        u[i] = p[i];
    }
    for t in 0..steps {
        for i in 1..N - 1 {
            let (left, here, right) = (u[t * N + i - 1], u[t * N + i], u[t * N + i + 1]);
            u[(t + 1) * N + i] =
                here + p[N + i] * (right - 2.0 * here + left) + 0.001 * here * here;
        }
        u[(t + 1) * N] = u[(t + 1) * N + 1];
        u[(t + 1) * N + N - 1] = u[(t + 1) * N + N - 2];
    }
    let mut sum = 0.0;
    for i in 0..N {
        sum += u[steps * N + i] * u[steps * N + i];
    }
    sum
}

fn main() -> ExitCode {
    let mut numbers = Numbers::new(6);
    let mut at = numbers.take(N, 1.0);
    at.extend((0..N).map(|_| 0.2 + 0.05 * numbers.one()));
    let versions = vec![Version::rust(
        |p| heat(p, STEPS),
        |p, g| {
            d_heat(p, g, STEPS, 1.0);
        },
    )];
    run(&Program {
        name: "heat_grid",
        at,
        versions,
    })
}
