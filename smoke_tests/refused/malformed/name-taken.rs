//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: refused
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_forward(g, Dual, Dual)]
fn f(x: f64) -> f64 {
    x * x
}
fn g() {} //~ ERROR the name `g` is defined multiple times
