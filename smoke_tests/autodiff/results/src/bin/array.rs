//! A result that is returned through memory: the compiler takes the derivative from where nothing was written.

//@ never: Assertion `
//~? ERROR returns its result through memory

#![feature(autodiff)]
use std::autodiff::autodiff_forward;

#[autodiff_forward(along, Dual, Dual)]
fn powers(x: &f64) -> [f64; 3] {
    [*x, x * x, x * x * x]
}

fn main() {
    let (value, slope) = along(&2.0, &1.0);
    println!("{value:?} {slope:?}");
}
