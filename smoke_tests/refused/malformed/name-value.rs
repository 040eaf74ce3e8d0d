//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: accepted: the value is ignored
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_forward(df = 1, Dual, Dual)] //~ ERROR autodiff needs a name for the function to generate
fn f(x: f64) -> f64 {
    x * x
}
