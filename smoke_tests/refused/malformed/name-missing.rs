//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: refused
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_forward()]
fn f(x: f64) -> f64 { //~ ERROR autodiff requires at least a name
    x * x
}
