//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: LLVM abort
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_forward(df, 4, Dual, Const)] //~ ERROR `Const` cannot be used for a return value of type `(f64, f64)`
#[inline(never)]
fn f(x: f64) -> (f64, f64) {
    (x * x, x)
}
fn main() {
    black_box(df(3.0, 1.0, 1.0, 1.0, 1.0));
}
