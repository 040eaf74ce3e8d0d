//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: a program with wrong numbers
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_forward(df, 4, Dual, Dualv)] //~ ERROR invalid return activity Dualv
#[inline(never)]
fn f(x: f64) -> f64 {
    x * x
}
fn main() {
    println!("{:?}", black_box(df(2.0, 1.0, 1.0, 1.0, 1.0)));
}
