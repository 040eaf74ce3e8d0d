//! What an offloaded kernel needs, the same on every target: [`offload_kernel`] marks it, it asks which thread of the
//! grid it is ([`grid`]), and the host launches it ([`offload!`]) on one of its devices ([`device`]).
//!
//! A kernel is an ordinary function in a library crate, compiled once for each target and once for the program:
//!
//! ```ignore
//! #![cfg_attr(any(target_arch = "nvptx64", target_arch = "amdgpu"), no_std)]
//! #![feature(macro_attr)]
//!
//! #[holoenzyme::offload_kernel]
//! #[unsafe(no_mangle)]
//! pub fn saxpy(a: f64, x: &[f64], y: &mut [f64]) {
//!     let i = holoenzyme::grid::global_id_x();
//!     if i < y.len() {
//!         y[i] += a * x[i];
//!     }
//! }
//! ```
//!
//! The program launches it:
//!
//! ```ignore
//! // SAFETY: `x` is as long as `y`, and each thread writes an element of its own.
//! unsafe {
//!     holoenzyme::offload! {
//!         kernel = saxpy,
//!         workgroup_dim = [5, 1, 1],
//!         thread_dim = [32, 1, 1],
//!         args = (2.0, &x[..], &mut y[..]),
//!     }
//! }?;
//! ```
//!
//! `cargo offload run` compiles it for the virtual host device, and `cargo offload run --device sm_90` for a GPU.
//!
//! On a GPU the crate also brings the panic handler: a thread that panics (an index out of bounds, for one) traps,
//! which ends the launch with an error.

#![no_std]
#![cfg_attr(
    any(target_arch = "nvptx64", target_arch = "amdgpu"),
    feature(core_intrinsics)
)]
#![cfg_attr(
    any(target_arch = "nvptx64", target_arch = "amdgpu"),
    expect(
        internal_features,
        reason = "a trap, and AMD's dispatch packet, have no other name"
    )
)]
#![cfg_attr(target_arch = "nvptx64", feature(stdarch_nvptx))]
#![cfg_attr(target_arch = "amdgpu", feature(gpu_intrinsics, stdarch_amdgpu))]
#![cfg_attr(
    not(any(target_arch = "nvptx64", target_arch = "amdgpu")),
    feature(thread_local)
)]
// Macros stand for what users need no feature for.
#![feature(allow_internal_unstable, cfg_version, macro_attr)]
#![allow(internal_features, reason = "allow_internal_unstable is one")]

#[cfg(not(any(target_arch = "nvptx64", target_arch = "amdgpu")))]
pub mod device;
pub mod grid;
mod kernel;
#[cfg(not(any(target_arch = "nvptx64", target_arch = "amdgpu")))]
pub mod launch;

/// There is nobody to tell on a GPU: the thread traps, and the runtime reports the launch as failed.
#[cfg(any(target_arch = "nvptx64", target_arch = "amdgpu"))]
#[panic_handler]
fn trap(_: &core::panic::PanicInfo) -> ! {
    core::intrinsics::abort()
}
