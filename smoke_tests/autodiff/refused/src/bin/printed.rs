//! Printing has no derivative.

//~? ERROR

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;

#[autodiff_reverse(slope, Active, Active)]
fn printed(x: f64) -> f64 {
    let y = x * x;
    println!("y = {y}");
    y * x
}

fn main() {
    println!("{:?}", slope(std::hint::black_box(1.3), 1.0));
}
