//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: panic (internal compiler error)
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_reverse(df, Active, Active)]
#[inline(never)]
fn f(x: &[f64]) -> f64 { //~ ERROR Active can not be used for this type
    x[0]
}
fn main() {
    black_box(df(&[1.0], 1.0));
}
