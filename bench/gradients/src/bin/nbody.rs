//! Bodies that attract each other, by the leapfrog method.

#![feature(autodiff)]

use gradients::{Numbers, Program, Version, run};
use std::autodiff::autodiff_reverse;
use std::process::ExitCode;

const BODIES: usize = 30;
const STEPS: usize = 20;
const H: f64 = 0.01;

/// Pushes every body by what all others do to it.
fn push(at: &[f64], speed: &mut [f64], masses: &[f64], by: f64) {
    for i in 0..BODIES {
        let mut force = [0.0; 3];
        for j in 0..BODIES {
            if i == j {
                continue;
            }
            let d = [
                at[3 * j] - at[3 * i],
                at[3 * j + 1] - at[3 * i + 1],
                at[3 * j + 2] - at[3 * i + 2],
            ];
            let square = d[0] * d[0] + d[1] * d[1] + d[2] * d[2] + 0.01;
            let pull = masses[j] / (square * square.sqrt());
            force[0] += pull * d[0];
            force[1] += pull * d[1];
            force[2] += pull * d[2];
        }
        speed[3 * i] += by * force[0];
        speed[3 * i + 1] += by * force[1];
        speed[3 * i + 2] += by * force[2];
    }
}

/// `p` has the masses, then places, then speeds.
#[autodiff_reverse(d_nbody, Duplicated, Const, Active)]
fn nbody(p: &[f64], steps: usize) -> f64 {
    let masses = &p[..BODIES];
    let mut at = vec![0.0; 3 * BODIES];
    let mut speed = vec![0.0; 3 * BODIES];
    for i in 0..3 * BODIES {
        at[i] = p[BODIES + i];
        speed[i] = p[4 * BODIES + i];
    }
    for _ in 0..steps {
        push(&at, &mut speed, masses, H / 2.0);
        for i in 0..3 * BODIES {
            at[i] += H * speed[i];
        }
        push(&at, &mut speed, masses, H / 2.0);
    }
    at.iter().map(|v| v * v).sum()
}

fn main() -> ExitCode {
    let mut numbers = Numbers::new(9);
    let mut at: Vec<f64> = (0..BODIES).map(|_| 1.5 + numbers.one()).collect();
    at.extend(numbers.take(6 * BODIES, 1.0));
    let versions = vec![Version::rust(
        |p| nbody(p, STEPS),
        |p, g| {
            d_nbody(p, g, STEPS, 1.0);
        },
    )];
    run(&Program {
        name: "nbody",
        at,
        versions,
    })
}
