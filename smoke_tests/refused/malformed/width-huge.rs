//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: takes all memory, then aborts
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_forward(df, 4294967295, Dual, Dual)] //~ ERROR autodiff width must be between 1 and 65535
fn f(x: f64) -> f64 {
    x * x
}
