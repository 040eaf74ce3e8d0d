//! Kernels over slices: one for each element type.

#![cfg_attr(any(target_arch = "nvptx64", target_arch = "amdgpu"), no_std)]
#![feature(macro_attr)]

use holoenzyme::{grid, offload_kernel};

/// An element with padding inside and at its end.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Particle {
    /// One byte, and three of padding.
    pub kind: u8,
    /// In space.
    pub position: [f32; 3],
    /// Two bytes, and six of padding.
    pub charge: i16,
    /// Aligned to eight bytes.
    pub mass: f64,
}

/// What a kernel does to the element of a thread, given the one in front of it.
macro_rules! kernel {
    ($name:ident, $element:ty, |$from:ident, $to:ident| $change:expr) => {
        /// Changes `to` by `from`, and writes both lengths.
        ///
        /// # Safety
        ///
        /// It is launched, not called; `from` is as long as `to`, and `lengths` has two elements.
        #[offload_kernel]
        #[unsafe(no_mangle)]
        pub unsafe fn $name(from: &[$element], to: &mut [$element], lengths: &mut [u64]) {
            let i = grid::global_id_x();
            if i == 0 {
                lengths[0] = from.len() as u64;
                lengths[1] = to.len() as u64;
            }
            if i < to.len() {
                let ($from, $to) = (&from[i], &mut to[i]);
                $change;
            }
        }
    };
}

kernel!(bytes, u8, |from, to| *to = to.wrapping_add(*from));
kernel!(shorts, u16, |from, to| *to = to.wrapping_mul(*from));
kernel!(singles, f32, |from, to| *to = *to * 2.0 + *from);
kernel!(doubles, f64, |from, to| *to = *to * 2.0 + *from);
kernel!(points, [f32; 3], |from, to| {
    to[0] += from[2];
    to[1] += from[1];
    to[2] += from[0];
});
kernel!(particles, Particle, |from, to| {
    to.kind = from.kind + 1;
    to.position[2] += from.position[0];
    to.charge -= from.charge;
    to.mass *= from.mass;
});

/// Has more arguments than a host's registers take, so that some are passed on the stack.
///
/// # Safety
///
/// It is launched, not called; the slices are equally long.
#[offload_kernel]
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments, reason = "that is what is tested")]
pub unsafe fn many(a: u8, b: f64, x: &[f64], y: &[f64], c: u16, z: &[f64], to: &mut [f64], d: i64) {
    let i = grid::global_id_x();
    if i < to.len() {
        #[allow(clippy::cast_precision_loss, reason = "a small number")]
        let d = d as f64;
        to[i] = f64::from(a) + b * x[i] + f64::from(c) * y[i] + z[i] + d;
    }
}
