//! A reference as a result that is not differentiated, in reverse mode: the compiler would return any.

//@ never: Assertion `
//~? ERROR this compiler does not return a result that is `Const`

#![feature(autodiff)]
use std::autodiff::autodiff_reverse;

#[autodiff_reverse(gradient, Duplicated, Duplicated, Const)]
fn larger<'a>(x: &'a [f64; 2], y: &mut f64) -> Option<&'a f64> {
    *y = x[0] * x[1];
    x.iter().find(|v| **v > 1.0)
}

fn main() {
    let (mut d, mut y, mut dy) = ([0.0; 2], 0.0, 1.0);
    let found = gradient(&[0.5, 3.0], &mut d, &mut y, &mut dy);
    println!("{found:?}");
}
