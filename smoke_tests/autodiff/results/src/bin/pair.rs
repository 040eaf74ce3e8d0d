//! Two numbers in one argument: the compiler takes the second for the tangent of the first.

//@ never: Assertion `
//~? ERROR this compiler takes `(f64, f64)`, by value and `Dual`

#![feature(autodiff)]
use std::autodiff::autodiff_forward;

#[autodiff_forward(along, Dual, DualOnly)]
fn product(x: (f64, f64)) -> f64 {
    x.0 * x.1
}

fn main() {
    println!("{}", along((2.0, 3.0), (1.0, 0.0)));
}
