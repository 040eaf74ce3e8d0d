//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: panic (internal compiler error)
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_forward(df, 0, Dual, Dual)] //~ ERROR autodiff width must be between 1 and 65535, but is 0
#[inline(never)]
fn f(x: f64) -> f64 {
    x * x
}
fn main() {
    black_box(df(1.0));
}
