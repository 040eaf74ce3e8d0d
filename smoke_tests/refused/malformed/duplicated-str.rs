//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: panic (internal compiler error)
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_reverse(df, Duplicated, Active, Active)] //~ ERROR `Duplicated` cannot be used for argument 1 of type `&str`
#[inline(never)]
fn f(s: &str, x: f64) -> f64 {
    x * x * s.len() as f64
}
fn main() {
    let mut t = String::from("abc");
    println!("{:?}", black_box(df("abc", &mut t, 2.0, 1.0)));
}
