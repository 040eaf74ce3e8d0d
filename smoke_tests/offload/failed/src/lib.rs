//! Kernels, the later ones of which cannot run to their end.

#![cfg_attr(any(target_arch = "nvptx64", target_arch = "amdgpu"), no_std)]
#![feature(abi_gpu_kernel, rustc_attrs)]
#![allow(
    internal_features,
    reason = "rustc_offload_kernel is how 1.96 names kernels"
)]

use holoenzyme::grid;

/// Works.
///
/// # Safety
///
/// It is launched, not called.
#[rustc_offload_kernel]
#[unsafe(no_mangle)]
pub unsafe extern "gpu-kernel" fn add_one(sum: &mut i32) {
    *sum += 1;
}

/// Writes past the end of a slice.
///
/// # Safety
///
/// It is launched, not called.
#[rustc_offload_kernel]
#[unsafe(no_mangle)]
pub unsafe extern "gpu-kernel" fn overrun(sums: &mut [i32]) {
    sums[grid::global_id_x() + sums.len()] += 1;
}

/// Waits for the other threads of its block.
///
/// # Safety
///
/// It is launched, not called.
#[rustc_offload_kernel]
#[unsafe(no_mangle)]
pub unsafe extern "gpu-kernel" fn wait(sums: &mut [i32]) {
    sums[grid::global_id_x()] += 1;
    grid::barrier();
    sums[grid::global_id_x()] += 1;
}
