// expect: `Const` cannot be used for argument 2 of type `fn(f64) -> f64`
// flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: derivatives that leave out what the pointer calls
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_reverse(df, Active, Const, Active)]
#[inline(never)]
fn f(x: f64, g: fn(f64) -> f64) -> f64 {
    g(x) * x
}
fn main() {
    black_box(df(2.0, black_box(f64::sin), 1.0));
}
