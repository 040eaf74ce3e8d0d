//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: a program with wrong numbers: the derivative is 0
#![feature(autodiff)]
use std::autodiff::*;
use std::hint::black_box;

#[autodiff_reverse(df, Active, Active)] //~ ERROR `Active` cannot be used for argument 1 of type `i32`
#[inline(never)]
fn f<T: std::ops::Mul<Output = T> + Copy>(x: T) -> T {
    x * x
}
fn main() {
    println!("{:?}", black_box(df::<i32>(3, 1)));
}
