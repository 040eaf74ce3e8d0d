//! Sends sets of scalars, and prints the bits that arrive, each u64 as its lower and its upper half.

use holoenzyme::{device, offload};
use scalars::{SCALARS, pair, scalars};

fn main() {
    let device = device::default().expect("no device");
    println!(
        r#"{{"device": {}, "uid": "{}"}}"#,
        device.number, device.uid
    );
    let mut bits = [0; SCALARS];

    // SAFETY: one thread writes.
    unsafe {
        offload! {
            kernel = scalars,
            args = (
                true,
                -1_i8,
                0x81_u8,
                -2_i16,
                &mut bits[..],
                0x8001_u16,
                -3_i32,
                0x8000_0001_u32,
                -0.1_f32,
                -4_i64,
                0x8000_0000_0000_0001_u64,
                -0.1_f64,
                0x0123_4567_89ab_cdef_usize,
                '🦀',
            ),
        }
    }
    .unwrap();
    print("negative", &bits);
    // SAFETY: one thread writes.
    unsafe {
        offload! {
            kernel = scalars,
            args = (
                false,
                i8::MIN,
                u8::MAX,
                i16::MIN,
                &mut bits[..],
                u16::MAX,
                i32::MIN,
                u32::MAX,
                f32::MIN_POSITIVE,
                i64::MIN,
                u64::MAX,
                f64::MIN_POSITIVE,
                usize::MAX,
                char::MAX,
            ),
        }
    }
    .unwrap();
    print("extreme", &bits);
    // Numbers that are none, with a payload; the smallest numbers that there are; negative zero is in `zero`.
    // SAFETY: one thread writes.
    unsafe {
        offload! {
            kernel = scalars,
            args = (
                true,
                i8::MAX,
                1_u8,
                i16::MAX,
                &mut bits[..],
                1_u16,
                i32::MAX,
                1_u32,
                f32::from_bits(0xffc1_2345),
                i64::MAX,
                1_u64,
                f64::from_bits(0x7ff8_dead_beef_cafe),
                1_usize,
                'a',
            ),
        }
    }
    .unwrap();
    print("not a number", &bits);
    // SAFETY: one thread writes.
    unsafe {
        offload! {
            kernel = scalars,
            args = (
                false,
                0_i8,
                0_u8,
                0_i16,
                &mut bits[..],
                0_u16,
                0_i32,
                0_u32,
                -0.0_f32,
                0_i64,
                0_u64,
                -0.0_f64,
                0_usize,
                '\0',
            ),
        }
    }
    .unwrap();
    print("zero", &bits);

    let mut number = 0.5;
    // SAFETY: one thread writes.
    unsafe {
        offload! {
            kernel = pair,
            args = (200_u8, &mut number),
        }
    }
    .unwrap();
    println!(r#"{{"case": "pair", "values": [{number:?}]}}"#);
    println!(r#"{{"done": 6}}"#);
}

fn print(case: &str, bits: &[u64]) {
    let halves: Vec<u64> = bits
        .iter()
        .flat_map(|number| [number & 0xffff_ffff, number >> 32])
        .collect();
    println!(r#"{{"case": "{case}", "values": {halves:?}}}"#);
}
