//! Launches the kernels, and calls the program's own functions of the same names.

use holoenzyme::{device, offload};
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
    // SAFETY: each thread writes an element of its own.
    unsafe {
        offload! {
            kernel = exp,
            workgroup_dim = BLOCKS,
            thread_dim = THREADS,
            args = (&mut y[..]),
        }
    }
    .unwrap();
    print("exp", &y);
    y = numbers;
    // SAFETY: each thread writes an element of its own.
    unsafe {
        offload! {
            kernel = write,
            workgroup_dim = BLOCKS,
            thread_dim = THREADS,
            args = (&mut y[..]),
        }
    }
    .unwrap();
    print("write", &y);
    y = numbers;
    // SAFETY: each thread writes an element of its own.
    unsafe {
        offload! {
            kernel = libm,
            workgroup_dim = BLOCKS,
            thread_dim = THREADS,
            args = (&mut y[..]),
        }
    }
    .unwrap();
    print("libm", &y);
    println!(r#"{{"done": 5}}"#);
}

/// Debug prints an f64 so that it reads back as the same number.
fn print(case: &str, values: &[f64]) {
    println!(r#"{{"case": "{case}", "values": {values:?}}}"#);
}
