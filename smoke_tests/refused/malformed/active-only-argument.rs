//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: accepted: the derivative is lost
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_reverse(df, ActiveOnly, Active)] //~ ERROR ActiveOnly can not be used in Reverse Mode
#[inline(never)]
fn f(x: f64) -> f64 {
    x * x
}
fn main() {
    black_box(df(1.0, 1.0));
}
