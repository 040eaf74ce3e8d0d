//! Cholesky's decomposition in place, and the logarithm of the determinant with a quadratic form.

#![feature(autodiff)]

use gradients::{Numbers, Program, Version, run};
use std::autodiff::autodiff_reverse;
use std::process::ExitCode;

const N: usize = 80;

/// `p` is a matrix whose lower triangle counts, row by row; `b` the right-hand side.
#[autodiff_reverse(d_cholesky, Duplicated, Const, Active)]
fn cholesky(p: &[f64], b: &[f64]) -> f64 {
    let mut l = vec![0.0; N * N];
    for i in 0..N * N {
        l[i] = p[i];
    }
    let mut value = 0.0;
    for j in 0..N {
        for k in 0..j {
            let v = l[j * N + k];
            for i in j..N {
                l[i * N + j] -= l[i * N + k] * v;
            }
        }
        let root = l[j * N + j].sqrt();
        for i in j..N {
            l[i * N + j] /= root;
        }
        value += 2.0 * root.ln();
    }
    let mut z = vec![0.0; N];
    for i in 0..N {
        let mut sum = b[i];
        for k in 0..i {
            sum -= l[i * N + k] * z[k];
        }
        z[i] = sum / l[i * N + i];
        value += z[i] * z[i];
    }
    value
}

fn main() -> ExitCode {
    let mut numbers = Numbers::new(12);
    let mut at = numbers.take(N * N, 1.0);
    for i in 0..N {
        at[i * N + i] += 2.0 * N as f64;
    }
    let b = numbers.take(N, 10.0);
    let there = b.clone();
    let versions = vec![Version::rust(
        move |p| cholesky(p, &there),
        move |p, g| {
            d_cholesky(p, g, &b, 1.0);
        },
    )];
    run(&Program {
        name: "cholesky",
        at,
        versions,
    })
}
