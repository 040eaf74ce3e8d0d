//! A fast logarithm: the bits of a number, as a number.

//~? ERROR this computes with the bits of numbers

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;

#[autodiff_reverse(slope, Active, Active)]
fn digits(x: f64) -> f64 {
    x.to_bits() as f64 * f64::EPSILON - 1023.0
}

fn main() {
    println!("{:?}", slope(std::hint::black_box(1.3), 1.0));
}
