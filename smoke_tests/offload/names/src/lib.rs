//! Kernels whose names are those of functions in every program.

#![feature(macro_attr)]

use holoenzyme::{grid, offload_kernel};

/// Adds one.
///
/// # Safety
///
/// It is launched, not called.
#[offload_kernel]
#[unsafe(no_mangle)]
pub unsafe fn exp(y: &mut [f64]) {
    let i = grid::global_id_x();
    if i < y.len() {
        y[i] += 1.0;
    }
}

/// Doubles.
///
/// # Safety
///
/// It is launched, not called.
#[offload_kernel]
#[unsafe(no_mangle)]
pub unsafe fn write(y: &mut [f64]) {
    let i = grid::global_id_x();
    if i < y.len() {
        y[i] *= 2.0;
    }
}

/// Calls what is in the host's libm.
///
/// # Safety
///
/// It is launched, not called.
#[offload_kernel]
#[unsafe(no_mangle)]
pub unsafe fn libm(y: &mut [f64]) {
    let i = grid::global_id_x();
    if i < y.len() {
        y[i] = y[i].sin().exp().ln_1p();
    }
}
