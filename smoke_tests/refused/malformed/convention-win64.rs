//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: a program that ends with an illegal instruction
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_reverse(df, Duplicated, Active, Active)] //~ ERROR a function of convention
#[inline(never)]
extern "win64" fn f(x: &f64, y: f64) -> f64 {
    x * y
}
fn main() {
    black_box(df(&2.0, &mut 0.0, 3.0, 1.0));
}
