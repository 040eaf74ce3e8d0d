//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: panic (internal compiler error)
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_reverse(df, Duplicated, Active, Active)] //~ ERROR `Duplicated` cannot be used for argument 1 of type `&dyn Fn(f64) -> f64`
#[inline(never)]
fn f(s: &dyn Fn(f64) -> f64, x: f64) -> f64 {
    s(x)
}
fn main() {
    println!("{:?}", black_box(df(&|x| x * x, &mut |x| x, 2.0, 1.0)));
}
