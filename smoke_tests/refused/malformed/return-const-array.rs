//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: a program that returns uninitialised memory
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_reverse(df, Duplicated, Const)] //~ ERROR `Const` cannot be used for a return value of type `[f64; 4]`
#[inline(never)]
fn f(x: &f64) -> [f64; 4] {
    [*x * *x; 4]
}
fn main() {
    let mut d = 0.0;
    println!("{:?}", df(black_box(&2.0), &mut d));
}
