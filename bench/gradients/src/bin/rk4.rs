//! The Lorenz system by Runge-Kutta's method of fourth order, with small arrays.

#![feature(autodiff)]

use gradients::{Program, Version, run};
use std::autodiff::autodiff_reverse;
use std::process::ExitCode;

const STEPS: usize = 100_000;
const H: f64 = 1e-5;

fn axpy<const N: usize>(a: f64, x: &[f64; N], y: &[f64; N]) -> [f64; N] {
    std::array::from_fn(|i| a * x[i] + y[i])
}

fn slope(s: &[f64; 3], p: &[f64]) -> [f64; 3] {
    [
        p[0] * (s[1] - s[0]),
        s[0] * (p[1] - s[2]) - s[1],
        s[0] * s[1] - p[2] * s[2],
    ]
}

/// `p` has the three parameters, then the start.
#[autodiff_reverse(d_rk4, Duplicated, Const, Active)]
fn rk4(p: &[f64], steps: usize) -> f64 {
    let mut s = [p[3], p[4], p[5]];
    for _ in 0..steps {
        let k1 = slope(&s, p);
        let k2 = slope(&axpy(H / 2.0, &k1, &s), p);
        let k3 = slope(&axpy(H / 2.0, &k2, &s), p);
        let k4 = slope(&axpy(H, &k3, &s), p);
        for i in 0..3 {
            s[i] += H / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]);
        }
    }
    s[0] * s[0] + s[1] * s[1] + s[2] * s[2]
}

fn main() -> ExitCode {
    let versions = vec![Version::rust(
        |p| rk4(p, STEPS),
        |p, g| {
            d_rk4(p, g, STEPS, 1.0);
        },
    )];
    run(&Program {
        name: "rk4",
        at: vec![10.0, 28.0, 8.0 / 3.0, 1.0, 2.0, 3.0],
        versions,
    })
}
