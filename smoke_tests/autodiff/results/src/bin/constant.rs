//! A result that is not differentiated, in reverse mode: the compiler asks Enzyme for it, and does not say so.

//@ never: Assertion `
//~? ERROR this compiler does not return a result that is `Const`

#![feature(autodiff)]
use std::autodiff::autodiff_reverse;

#[autodiff_reverse(gradient, Duplicated, Const)]
fn square(x: &mut f64) -> f64 {
    *x *= *x;
    *x
}

fn main() {
    let (mut x, mut dx) = (3.0, 1.0);
    let value = gradient(&mut x, &mut dx);
    println!("{value} {dx}");
}
