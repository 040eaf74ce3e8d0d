//! Kernels that write down the bits of what they are given by value.

#![cfg_attr(any(target_arch = "nvptx64", target_arch = "amdgpu"), no_std)]
#![feature(macro_attr)]

use holoenzyme::offload_kernel;

/// Numbers that [`scalars`] writes.
pub const SCALARS: usize = 13;

/// Writes the bits of every argument, signed ones extended to 64 bits.
///
/// # Safety
///
/// It is launched, not called; `bits` has [`SCALARS`] elements.
#[offload_kernel]
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments, reason = "one of each")]
#[allow(clippy::cast_sign_loss, reason = "bits are what is looked at")]
pub unsafe fn scalars(
    truth: bool,
    i8: i8,
    u8: u8,
    i16: i16,
    bits: &mut [u64],
    u16: u16,
    i32: i32,
    u32: u32,
    f32: f32,
    i64: i64,
    u64: u64,
    f64: f64,
    usize: usize,
    letter: char,
) {
    let found = [
        u64::from(truth),
        i64::from(i8) as u64,
        u64::from(u8),
        i64::from(i16) as u64,
        u64::from(u16),
        i64::from(i32) as u64,
        u64::from(u32),
        u64::from(f32.to_bits()),
        i64 as u64,
        u64,
        f64.to_bits(),
        usize as u64,
        u64::from(u32::from(letter)),
    ];
    let mut place = 0;
    while place < SCALARS {
        bits[place] = found[place];
        place += 1;
    }
}

/// Two arguments, the narrow one first: rustc keeps a pair in another order than it is written in.
///
/// # Safety
///
/// It is launched, not called.
#[offload_kernel]
#[unsafe(no_mangle)]
pub unsafe fn pair(byte: u8, number: &mut f64) {
    *number += f64::from(byte);
}
