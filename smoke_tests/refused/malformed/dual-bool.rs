//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: an error of Enzyme that points nowhere
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_forward(df, Dual, Dual, Dual)] //~ ERROR `Dual` cannot be used for argument 1 of type `bool`
#[inline(never)]
fn f(n: bool, x: f64) -> f64 {
    if n {
        x * x
    } else {
        0.0
    }
}
fn main() {
    println!("{:?}", black_box(df(true, true, 2.0, 1.0)));
}
