//! A kernel that shows that it ran.

#![cfg_attr(any(target_arch = "nvptx64", target_arch = "amdgpu"), no_std)]
#![feature(macro_attr)]

use holoenzyme::offload_kernel;

/// Adds a number.
///
/// # Safety
///
/// It is launched, not called.
#[offload_kernel]
#[unsafe(no_mangle)]
pub unsafe fn mark(number: i32, sum: &mut i32) {
    *sum += number;
}
