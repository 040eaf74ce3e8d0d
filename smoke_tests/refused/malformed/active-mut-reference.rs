//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: LLVM abort
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_reverse(df, Active, Active)]
#[inline(never)]
fn f(x: &mut f64) -> f64 { //~ ERROR Active can not be used for this type
    *x * *x
}
fn main() {
    let mut a = 1.0;
    black_box(df(&mut a, 1.0));
}
