//! The kernels: one source for NVIDIA, AMD and the host.

#![cfg_attr(any(target_arch = "nvptx64", target_arch = "amdgpu"), no_std)]
#![feature(macro_attr)]

use holoenzyme::{grid, offload_kernel};

/// yᵢ += a xᵢ, one thread for each element.
///
/// # Safety
///
/// It is launched, not called; `x` is as long as `y`.
#[offload_kernel]
#[unsafe(no_mangle)]
pub unsafe fn saxpy(a: f64, x: &[f64], y: &mut [f64]) {
    let i = grid::global_id_x();
    if i < y.len() {
        y[i] += a * x[i];
    }
}

/// Numbers that a thread writes into its place.
pub const NUMBERS: usize = 12;

/// Each thread of a grid of two dimensions writes where it stands, and how large the grid is.
///
/// # Safety
///
/// It is launched, not called; `places` has [`NUMBERS`] elements for each thread.
#[offload_kernel]
#[unsafe(no_mangle)]
pub unsafe fn stand(width: u32, places: &mut [u32]) {
    let place = grid::global_id_y() * width as usize + grid::global_id_x();
    let mut at = place * NUMBERS;
    let parts = [
        grid::thread_idx(),
        grid::block_idx(),
        grid::block_dim(),
        grid::grid_dim(),
    ];
    for part in parts {
        for number in [part.x, part.y, part.z] {
            places[at] += number;
            at += 1;
        }
    }
}
