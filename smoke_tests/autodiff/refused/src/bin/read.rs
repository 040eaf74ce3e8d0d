//! A number that is read from a text.

//~? ERROR

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;

#[autodiff_reverse(slope, Active, Const, Active)]
fn read(x: f64, text: &str) -> f64 {
    let scale: f64 = text.parse().unwrap();
    scale * x * x
}

fn main() {
    println!(
        "{:?}",
        slope(std::hint::black_box(1.3), std::hint::black_box("2.5"), 1.0)
    );
}
