//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: accepted: there is nothing to differentiate
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_reverse(df, Active, Active)] //~ ERROR `Active` cannot be used for a return value of type `i64`
#[inline(never)]
fn f(x: f64) -> i64 {
    x as i64
}
fn main() {
    black_box(df(1.0, 1));
}
