//! Launches the kernels, and calls the program's own functions of the same names.

#![feature(core_intrinsics)]
#![allow(
    internal_features,
    reason = "core::intrinsics::offload is how 1.96 names launches"
)]

use core::intrinsics::offload;
use holoenzyme::device;
use names::{exp, libm, write};
use std::hint::black_box;

const BLOCKS: [u32; 3] = [2, 1, 1];
const THREADS: [u32; 3] = [2, 1, 1];

fn main() {
    let device = device::default().expect("no device");
    println!(
        r#"{{"device": {}, "uid": "{}"}}"#,
        device.number, device.uid
    );
    let numbers = black_box([0.0, 0.25, 0.5, 0.75]);
    print("program", &numbers.map(f64::exp));

    let mut y = numbers;
    offload::<_, _, ()>(exp, BLOCKS, THREADS, (&mut y[..],));
    print("exp", &y);
    y = numbers;
    offload::<_, _, ()>(write, BLOCKS, THREADS, (&mut y[..],));
    print("write", &y);
    y = numbers;
    offload::<_, _, ()>(libm, BLOCKS, THREADS, (&mut y[..],));
    print("libm", &y);
    println!(r#"{{"done": 5}}"#);
}

/// Debug prints an f64 so that it reads back as the same number.
fn print(case: &str, values: &[f64]) {
    println!(r#"{{"case": "{case}", "values": {values:?}}}"#);
}
