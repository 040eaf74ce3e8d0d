//! The log-likelihood of a Gaussian mixture with diagonal covariances.

#![feature(autodiff)]

use gradients::{Numbers, Program, Version, run};
use std::autodiff::autodiff_reverse;
use std::process::ExitCode;

const K: usize = 25;
const D: usize = 10;
const POINTS: usize = 1000;

/// `p` has the weights (as logarithms), then the means, then the logarithms of the inverse deviations.
#[autodiff_reverse(d_gmm, Duplicated, Const, Active)]
fn gmm(p: &[f64], points: &[f64]) -> f64 {
    let (weights, rest) = p.split_at(K);
    let (means, scales) = rest.split_at(K * D);
    let mut terms = vec![0.0; K];
    let mut sum = 0.0;
    for x in points.chunks_exact(D) {
        for k in 0..K {
            let mut square = 0.0;
            let mut logs = 0.0;
            for d in 0..D {
                let q = scales[k * D + d];
                let z = (x[d] - means[k * D + d]) * q.exp();
                square += z * z;
                logs += q;
            }
            terms[k] = weights[k] + logs - 0.5 * square;
        }
        sum += log_sum_exp(&terms);
    }
    sum - POINTS as f64 * log_sum_exp(weights)
}

fn log_sum_exp(x: &[f64]) -> f64 {
    let mut most = x[0];
    for &v in x {
        if v > most {
            most = v;
        }
    }
    let mut sum = 0.0;
    for &v in x {
        sum += (v - most).exp();
    }
    most + sum.ln()
}

fn main() -> ExitCode {
    let mut numbers = Numbers::new(1);
    let at = numbers.take(K + 2 * K * D, 0.5);
    let points = numbers.take(POINTS * D, 2.0);
    #[cfg(feature = "c")]
    let c = c::version(points.clone());
    let there = points.clone();
    let versions = vec![
        Version::rust(
            move |p| gmm(p, &there),
            move |p, g| {
                d_gmm(p, g, &points, 1.0);
            },
        ),
        #[cfg(feature = "c")]
        c,
    ];
    run(&Program {
        name: "gmm",
        at,
        versions,
    })
}

#[cfg(feature = "c")]
mod c {
    use gradients::Version;

    #[link(name = "gradients_c", kind = "static")]
    unsafe extern "C" {
        fn c_gmm(p: *const f64, points: *const f64) -> f64;
        fn c_gmm_gradient(p: *const f64, g: *mut f64, points: *const f64);
    }

    pub fn version(points: Vec<f64>) -> Version {
        let there = points.clone();
        // SAFETY: c/gmm.c has the same sizes.
        Version::c(
            move |p| unsafe { c_gmm(p.as_ptr(), there.as_ptr()) },
            move |p, g| unsafe {
                c_gmm_gradient(p.as_ptr(), g.as_mut_ptr(), points.as_ptr());
            },
        )
    }
}
