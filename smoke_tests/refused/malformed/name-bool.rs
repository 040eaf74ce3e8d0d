//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: panic (internal compiler error)
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_forward(true, Dual, Dual)] //~ ERROR autodiff needs a name for the function to generate
fn f(x: f64) -> f64 {
    x * x
}
