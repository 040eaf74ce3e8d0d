//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: a program with wrong numbers: the seeds are ignored
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_reverse(df, Active, Active)] //~ ERROR `Active` cannot be used for a return value of type `(f64, f64)`
#[inline(never)]
fn f(x: f64) -> (f64, f64) {
    (3.0 * x, x * x)
}
fn main() {
    println!("{:?}", black_box(df(5.0, (1.0, 0.0))));
}
