//! A text of a number that is differentiated.

//~? ERROR

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;

#[autodiff_reverse(slope, Active, Active)]
fn formatted(x: f64) -> f64 {
    let text = format!("{:.3}", x * x);
    x * text.parse::<f64>().unwrap()
}

fn main() {
    println!("{:?}", slope(std::hint::black_box(1.3), 1.0));
}
