//! A static that is written is state that outlives the call.

//~? ERROR

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;

static mut SCRATCH: [f64; 2] = [0.0; 2];

#[autodiff_reverse(slope, Active, Const, Active)]
fn written(x: f64, n: usize) -> f64 {
    // SAFETY: there is one thread.
    unsafe {
        SCRATCH[n % 2] = x * x;
        SCRATCH[1] * x
    }
}

fn main() {
    println!(
        "{:?}",
        slope(std::hint::black_box(1.3), std::hint::black_box(1), 1.0)
    );
}
