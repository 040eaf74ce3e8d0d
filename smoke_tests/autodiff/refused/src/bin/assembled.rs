//! Inline assembly.

//~? ERROR

#![feature(autodiff)]

use std::arch::asm;
use std::autodiff::autodiff_reverse;

#[autodiff_reverse(slope, Active, Active)]
fn assembled(x: f64) -> f64 {
    let mut y = x * x;
    // SAFETY: it adds two registers.
    unsafe { asm!("addsd {0}, {1}", inout(xmm_reg) y, in(xmm_reg) x) };
    y
}

fn main() {
    println!("{:?}", slope(std::hint::black_box(1.3), 1.0));
}
