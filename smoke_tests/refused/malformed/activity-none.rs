//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: panic (internal compiler error)
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_reverse(df, Active, Active, None)] //~ ERROR did not recognize Activity: `None`
fn f(x: f64) -> f64 {
    x * x
}
