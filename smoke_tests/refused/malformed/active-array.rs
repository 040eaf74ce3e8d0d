//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: LLVM abort
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_reverse(df, Active, Active)] //~ ERROR `Active` cannot be used for argument 1 of type `[f64; 2]`
#[inline(never)]
fn f(x: [f64; 2]) -> f64 {
    x[0] * x[1]
}
fn main() {
    black_box(df([2.0, 3.0], 1.0));
}
