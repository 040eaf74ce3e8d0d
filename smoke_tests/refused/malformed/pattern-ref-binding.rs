//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: an error of Enzyme that points nowhere
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_forward(df, Dual, Dual)]
#[inline(never)]
fn f(ref x: f64) -> f64 { //~ ERROR autodiff needs plain names for arguments
    *x * *x
}
fn main() {
    println!("{:?}", black_box(df(5.0, 1.0)));
}
