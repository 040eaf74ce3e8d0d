//! Kernels, the later ones of which cannot run to their end.

#![cfg_attr(any(target_arch = "nvptx64", target_arch = "amdgpu"), no_std)]
#![feature(macro_attr)]

use holoenzyme::{grid, offload_kernel};

/// Works.
///
/// # Safety
///
/// It is launched, not called.
#[offload_kernel]
#[unsafe(no_mangle)]
pub unsafe fn add_one(sum: &mut i32) {
    *sum += 1;
}

/// Writes past the end of a slice.
///
/// # Safety
///
/// It is launched, not called.
#[offload_kernel]
#[unsafe(no_mangle)]
pub unsafe fn overrun(sums: &mut [i32]) {
    sums[grid::global_id_x() + sums.len()] += 1;
}

/// Waits for the other threads of its block.
///
/// # Safety
///
/// It is launched, not called.
#[offload_kernel]
#[unsafe(no_mangle)]
pub unsafe fn wait(sums: &mut [i32]) {
    sums[grid::global_id_x()] += 1;
    grid::barrier();
    sums[grid::global_id_x()] += 1;
}
