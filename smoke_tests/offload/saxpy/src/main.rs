//! Launches the kernels and prints what came back, one JSON object a line; `oracle.py` knows what is right.

use holoenzyme::{device, offload};
use saxpy::{NUMBERS, saxpy, stand};

/// More than one block and than one warp, and no multiple of either.
const LENGTH: u32 = 150;
const THREADS: u32 = 32;

fn main() {
    let device = device::default().expect("no device");
    println!(
        r#"{{"device": {}, "uid": "{}"}}"#,
        device.number, device.uid
    );

    let x: Vec<f64> = (0..LENGTH).map(|i| f64::from(i).sqrt()).collect();
    let mut y: Vec<f64> = (0..LENGTH).map(|i| 1.0 / f64::from(i + 1)).collect();
    let blocks = LENGTH.div_ceil(THREADS);
    // SAFETY: each thread writes what is its own.
    unsafe {
        offload! {
            kernel = saxpy,
            workgroup_dim = [blocks, 1, 1],
            thread_dim = [THREADS, 1, 1],
            args = (2.0_f64, &x[..], &mut y[..]),
        }
    }
    .unwrap();
    print("saxpy", &y);

    let (blocks, threads) = ([2, 3, 1], [3, 4, 1]);
    let width = blocks[0] * threads[0];
    let count = (width * blocks[1] * threads[1]) as usize;
    // A thread adds to 1000, so that one that never ran, and one that ran twice, can be told.
    let mut places = vec![1000_u32; count * NUMBERS];
    // SAFETY: each thread writes what is its own.
    unsafe {
        offload! {
            kernel = stand,
            workgroup_dim = blocks,
            thread_dim = threads,
            args = (width, &mut places[..]),
        }
    }
    .unwrap();
    for (name, column) in ["thread", "block", "block size", "grid size"]
        .iter()
        .zip(0..)
    {
        let column = column * 3;
        let numbers: Vec<f64> = places
            .chunks(NUMBERS)
            .flat_map(|place| &place[column..column + 3])
            .map(|&number| f64::from(number))
            .collect();
        print(name, &numbers);
    }
    println!(r#"{{"done": 6}}"#);
}

/// Debug prints an f64 so that it reads back as the same number.
fn print(case: &str, values: &[f64]) {
    println!(r#"{{"case": "{case}", "values": {values:?}}}"#);
}
