//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: accepted: the arguments are ignored
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_forward(df, Dual(4), Dual)] //~ ERROR did not recognize Activity: `Dual(4)`
fn f(x: f64) -> f64 {
    x * x
}
