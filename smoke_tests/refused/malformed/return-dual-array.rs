//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: a program that returns uninitialised memory
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_forward(df, Dual, Dual)] //~ ERROR `Dual` cannot be used for a return value of type `[f64; 2]`
#[inline(never)]
fn f(x: f64) -> [f64; 2] {
    [x * x; 2]
}
fn main() {
    println!("{:?}", black_box(df(2.0, 1.0)));
}
