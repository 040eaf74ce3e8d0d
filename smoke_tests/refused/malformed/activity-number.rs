//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: panic (internal compiler error)
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_forward(df, 1.5, Dual)] //~ ERROR did not recognize Activity: `1.5`
fn f(x: f64) -> f64 {
    x * x
}
