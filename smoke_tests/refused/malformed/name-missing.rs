// expect: autodiff requires at least a name
// flags: --crate-type=lib --emit=metadata
// without the patch: refused
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_forward()]
fn f(x: f64) -> f64 {
    x * x
}
