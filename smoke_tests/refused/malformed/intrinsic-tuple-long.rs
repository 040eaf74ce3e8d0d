//@ compile-flags: --crate-type=bin -Copt-level=3 -Clto=fat -Zautodiff=Enable
// without the patch: accepted
#![feature(autodiff, rustc_attrs, core_intrinsics)]
fn f(x: f64) -> f64 {
    x * x
}
#[rustc_autodiff(Forward, 1, Dual, Dual)]
#[inline(never)]
fn df(x: f64, bx: f64) -> (f64, f64) {
    core::intrinsics::autodiff(f as fn(f64) -> f64, df, (x, bx, x)) //~ ERROR expected arguments of type `(f64, f64)`
}
fn main() {
    std::hint::black_box(df(1.0, 1.0));
}
