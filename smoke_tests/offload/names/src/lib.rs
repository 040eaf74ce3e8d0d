//! Kernels whose names are those of functions in every program.

#![feature(abi_gpu_kernel, rustc_attrs)]
#![allow(
    internal_features,
    reason = "rustc_offload_kernel is how 1.96 names kernels"
)]

use holoenzyme::grid;

/// Adds one.
///
/// # Safety
///
/// It is launched, not called.
#[rustc_offload_kernel]
#[unsafe(no_mangle)]
pub unsafe extern "gpu-kernel" fn exp(y: &mut [f64]) {
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
#[rustc_offload_kernel]
#[unsafe(no_mangle)]
pub unsafe extern "gpu-kernel" fn write(y: &mut [f64]) {
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
#[rustc_offload_kernel]
#[unsafe(no_mangle)]
pub unsafe extern "gpu-kernel" fn libm(y: &mut [f64]) {
    let i = grid::global_id_x();
    if i < y.len() {
        y[i] = y[i].sin().exp().ln_1p();
    }
}
