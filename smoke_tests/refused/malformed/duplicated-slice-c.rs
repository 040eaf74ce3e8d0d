//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: internal compiler error
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_reverse(df, Duplicated, Active)] //~ ERROR `Duplicated` cannot be used for argument 1 of type `&[f64]`
#[inline(never)]
#[allow(improper_ctypes_definitions)]
extern "C" fn f(x: &[f64]) -> f64 {
    x[0] * x[0]
}
fn main() {
    black_box(df(&[3.0], &mut [0.0], 1.0));
}
