//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: accepted: a function of the name `3`
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_forward(3, Dual, Dual)] //~ ERROR autodiff needs a name for the function to generate
fn f(x: f64) -> f64 {
    x * x
}
