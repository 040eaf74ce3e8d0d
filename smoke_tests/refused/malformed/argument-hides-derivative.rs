//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: panic (internal compiler error)
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_forward(df, Dual, Dual)]
#[inline(never)]
fn f(df: f64) -> f64 { //~ ERROR argument `df` hides the function of that name
    df * df
}
fn main() {
    println!("{:?}", black_box(df(5.0, 1.0)));
}
