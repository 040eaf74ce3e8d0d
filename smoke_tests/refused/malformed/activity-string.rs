//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: panic (internal compiler error)
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_forward(df, "Dual", Dual)] //~ ERROR did not recognize Activity
fn f(x: f64) -> f64 {
    x * x
}
