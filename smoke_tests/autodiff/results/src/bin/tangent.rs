//! A result that is not differentiated, in forward mode: the compiler gives its tangent for it. A macro wrote it.

//@ never: Assertion `
//~? ERROR this compiler returns the tangent of a result that is `Const`

#![feature(autodiff)]
use std::autodiff::autodiff_forward;

macro_rules! along {
    ($name:ident, $function:ident) => {
        #[autodiff_forward($name, Dual, Const)]
        fn $function(x: &mut f64) -> f64 {
            *x *= *x;
            *x
        }
    };
}

along!(squared, square);

fn main() {
    let (mut x, mut dx) = (3.0, 1.0);
    let value = squared(&mut x, &mut dx);
    println!("{value} {dx}");
}
