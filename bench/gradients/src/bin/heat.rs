//! An explicit heat equation with a source, in two vectors that are exchanged after each step.

#![feature(autodiff)]

use gradients::{Numbers, Program, Version, run};
use std::autodiff::autodiff_reverse;
use std::process::ExitCode;

const N: usize = 200;
const STEPS: usize = 500;

#[autodiff_reverse(d_heat, Duplicated, Const, Active)]
fn heat(start: &[f64], steps: usize) -> f64 {
    let n = start.len();
    let mut now = vec![0.0; n];
    let mut next = vec![0.0; n];
    for i in 0..n {
        now[i] = start[i];
    }
    for _ in 0..steps {
        for i in 1..n - 1 {
            next[i] =
                now[i] + 0.2 * (now[i + 1] - 2.0 * now[i] + now[i - 1]) + 0.001 * now[i] * now[i];
        }
        next[0] = next[1];
        next[n - 1] = next[n - 2];
        std::mem::swap(&mut now, &mut next);
    }
    now.iter().map(|v| v * v).sum()
}

fn main() -> ExitCode {
    let at = Numbers::new(5).take(N, 1.0);
    let versions = vec![Version::rust(
        |p| heat(p, STEPS),
        |p, g| {
            d_heat(p, g, STEPS, 1.0);
        },
    )];
    run(&Program {
        name: "heat",
        at,
        versions,
    })
}
