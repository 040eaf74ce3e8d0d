//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: a program that ends with a segmentation fault
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_forward(df, Dual, Dual)] //~ ERROR `Dual` cannot be used for a return value of type `Vec<f64>`
#[inline(never)]
fn f(x: f64) -> Vec<f64> {
    vec![x * x]
}
fn main() {
    println!("{:?}", black_box(df(2.0, 1.0)));
}
