//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: LLVM abort
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_reverse(df, Active, Active, Active)] //~ ERROR `Active` cannot be used for argument 1 of type `fn(f64) -> f64`
#[inline(never)]
fn f(g: fn(f64) -> f64, x: f64) -> f64 {
    g(x)
}
fn main() {
    black_box(df(f64::sin, 1.0, 1.0));
}
