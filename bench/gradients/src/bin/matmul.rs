//! The product of two dense matrices, and a weighted sum of squares of what comes out.

#![feature(autodiff)]

use gradients::{Numbers, Program, Version, run};
use std::autodiff::autodiff_reverse;
use std::process::ExitCode;

const N: usize = 96;

/// `p` has both matrices, row by row.
#[autodiff_reverse(d_matmul, Duplicated, Const, Active)]
fn matmul(p: &[f64], weights: &[f64]) -> f64 {
    let (a, b) = p.split_at(N * N);
    let mut c = vec![0.0; N * N];
    for i in 0..N {
        for k in 0..N {
            let v = a[i * N + k];
            for j in 0..N {
                c[i * N + j] += v * b[k * N + j];
            }
        }
    }
    let mut sum = 0.0;
    for i in 0..N * N {
        sum += weights[i] * c[i] * c[i];
    }
    sum
}

fn main() -> ExitCode {
    let mut numbers = Numbers::new(7);
    let at = numbers.take(2 * N * N, 1.0);
    let weights = numbers.take(N * N, 1.0);
    #[cfg(feature = "c")]
    let c = c::version(weights.clone());
    let there = weights.clone();
    let versions = vec![
        Version::rust(
            move |p| matmul(p, &there),
            move |p, g| {
                d_matmul(p, g, &weights, 1.0);
            },
        ),
        #[cfg(feature = "c")]
        c,
    ];
    run(&Program {
        name: "matmul",
        at,
        versions,
    })
}

#[cfg(feature = "c")]
mod c {
    use gradients::Version;

    #[link(name = "gradients_c", kind = "static")]
    unsafe extern "C" {
        fn c_matmul(p: *const f64, weights: *const f64) -> f64;
        fn c_matmul_gradient(p: *const f64, g: *mut f64, weights: *const f64);
    }

    pub fn version(weights: Vec<f64>) -> Version {
        let there = weights.clone();
        // SAFETY: c/matmul.c has the same sizes.
        Version::c(
            move |p| unsafe { c_matmul(p.as_ptr(), there.as_ptr()) },
            move |p, g| unsafe {
                c_matmul_gradient(p.as_ptr(), g.as_mut_ptr(), weights.as_ptr());
            },
        )
    }
}
