//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: LLVM abort
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_reverse(df, Active, Active)] //~ ERROR `Active` cannot be used for argument 1 of type `Vec<f64>`
#[inline(never)]
fn f(x: Vec<f64>) -> f64 {
    x[0]
}
fn main() {
    black_box(df(vec![1.0], 1.0));
}
