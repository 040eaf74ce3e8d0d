//! Derivatives of two types, side by side: the compiler takes them as a tuple of Rust, Enzyme gives a structure of C.

//@ never: Cannot cast
//@ never: float
//~? ERROR return the result of this derivative in different ways

#![feature(autodiff)]
use std::autodiff::autodiff_reverse;

#[autodiff_reverse(gradient, Active, Active, Active)]
fn product(x: f32, y: f64) -> f64 {
    f64::from(x) * y
}

fn main() {
    println!("{:?}", gradient(2.0, 3.0, 1.0));
}
