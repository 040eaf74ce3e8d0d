//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: an error of Enzyme that points nowhere
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_reverse(df, 2, Active, Active)] //~ ERROR `Active` cannot be used for argument 1 in a width of 2
#[inline(never)]
fn f(x: f64) -> f64 {
    x * x
}
fn main() {
    println!("{:?}", black_box(df(3.0, 1.0)));
}
