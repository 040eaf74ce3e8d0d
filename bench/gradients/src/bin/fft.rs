//! A fast Fourier transform of radix two, in place, and a weighted sum of the powers.

#![feature(autodiff)]

use gradients::{Numbers, Program, Version, run};
use std::autodiff::autodiff_reverse;
use std::process::ExitCode;

const BITS: u32 = 13;
const N: usize = 1 << BITS;

/// `p` has the real parts, then the imaginary ones; `roots` the cosines and sines of the N-th roots of unity.
#[autodiff_reverse(d_fft, Duplicated, Const, Const, Active)]
fn fft(p: &[f64], roots: &[f64], weights: &[f64]) -> f64 {
    let mut re = vec![0.0; N];
    let mut im = vec![0.0; N];
    for i in 0..N {
        let j = i.reverse_bits() >> (usize::BITS - BITS);
        re[j] = p[i];
        im[j] = p[N + i];
    }
    let mut half = 1;
    while half < N {
        let stride = N / (2 * half);
        for start in (0..N).step_by(2 * half) {
            for k in 0..half {
                let (wr, wi) = (roots[2 * k * stride], roots[2 * k * stride + 1]);
                let (i, j) = (start + k, start + k + half);
                let tr = re[j] * wr - im[j] * wi;
                let ti = re[j] * wi + im[j] * wr;
                re[j] = re[i] - tr;
                im[j] = im[i] - ti;
                re[i] += tr;
                im[i] += ti;
            }
        }
        half *= 2;
    }
    let mut sum = 0.0;
    for i in 0..N {
        sum += weights[i] * (re[i] * re[i] + im[i] * im[i]);
    }
    sum
}

fn main() -> ExitCode {
    let mut numbers = Numbers::new(8);
    let at = numbers.take(2 * N, 1.0);
    let weights = numbers.take(N, 1.0);
    let turn = -2.0 * std::f64::consts::PI / N as f64;
    let roots: Vec<f64> = (0..N / 2)
        .flat_map(|k| [(turn * k as f64).cos(), (turn * k as f64).sin()])
        .collect();
    #[cfg(feature = "c")]
    let c = c::version(roots.clone(), weights.clone());
    let (roots2, weights2) = (roots.clone(), weights.clone());
    let versions = vec![
        Version::rust(
            move |p| fft(p, &roots2, &weights2),
            move |p, g| {
                d_fft(p, g, &roots, &weights, 1.0);
            },
        ),
        #[cfg(feature = "c")]
        c,
    ];
    run(&Program {
        name: "fft",
        at,
        versions,
    })
}

#[cfg(feature = "c")]
mod c {
    use gradients::Version;

    #[link(name = "gradients_c", kind = "static")]
    unsafe extern "C" {
        fn c_fft(p: *const f64, roots: *const f64, weights: *const f64) -> f64;
        fn c_fft_gradient(p: *const f64, g: *mut f64, roots: *const f64, weights: *const f64);
    }

    pub fn version(roots: Vec<f64>, weights: Vec<f64>) -> Version {
        let (roots2, weights2) = (roots.clone(), weights.clone());
        // SAFETY: c/fft.c has the same sizes.
        Version::c(
            move |p| unsafe { c_fft(p.as_ptr(), roots2.as_ptr(), weights2.as_ptr()) },
            move |p, g| unsafe {
                c_fft_gradient(p.as_ptr(), g.as_mut_ptr(), roots.as_ptr(), weights.as_ptr());
            },
        )
    }
}
