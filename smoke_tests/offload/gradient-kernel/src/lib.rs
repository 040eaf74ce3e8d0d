//! A kernel that calls a derivative.

#![cfg_attr(any(target_arch = "nvptx64", target_arch = "amdgpu"), no_std)]
#![feature(macro_attr)]
#![feature(autodiff)]

use core::autodiff::autodiff_reverse;
use holoenzyme::{grid, offload_kernel};

/// How many terms `curve` has: they are kept for the way back.
const TERMS: usize = 4;

/// (x + x²/2 + ... )/(1 + x²): a loop, a product and a quotient.
#[autodiff_reverse(curve_slope, Active, Active)]
fn curve(x: f64) -> f64 {
    let mut power = 1.0;
    let mut sum = 0.0;
    let mut term = 0;
    while term < TERMS {
        power *= x;
        sum += power / (term + 1) as f64;
        term += 1;
    }
    sum / (1.0 + x * x)
}

/// The value and the derivative of the curve, for each thread at its own point.
///
/// # Safety
///
/// It is launched, not called; the slices are of one length.
#[offload_kernel]
#[unsafe(no_mangle)]
pub unsafe fn slopes(at: &[f64], values: &mut [f64], slopes: &mut [f64]) {
    let i = grid::global_id_x();
    if i < at.len() {
        (values[i], slopes[i]) = curve_slope(at[i], 1.0);
    }
}
