//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: LLVM abort
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_reverse(df, Duplicated, Active)] //~ ERROR `Active` cannot be used for a return value of type `&f64`
#[inline(never)]
fn f(x: &'static f64) -> &'static f64 {
    x
}
fn main() {
    let mut d: &'static mut f64 = Box::leak(Box::new(0.0));
    black_box(df(&1.0, d, &1.0));
}
