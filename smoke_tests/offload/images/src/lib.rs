//! A kernel that shows that it ran, on whichever device.

#![cfg_attr(any(target_arch = "nvptx64", target_arch = "amdgpu"), no_std)]
#![feature(abi_gpu_kernel, rustc_attrs)]
#![allow(
    internal_features,
    reason = "rustc_offload_kernel is how 1.96 names kernels"
)]

// The panic handler of GPUs.
use holoenzyme as _;

/// Adds a number.
///
/// # Safety
///
/// It is launched, not called.
#[rustc_offload_kernel]
#[unsafe(no_mangle)]
pub unsafe extern "gpu-kernel" fn mark(number: i32, sum: &mut i32) {
    *sum += number;
}
