// expect: expected 2 activities, but found 0
// flags: --crate-type=lib --emit=metadata
// without the patch: panic (internal compiler error)
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_forward(df, 4)]
fn f(x: f64) -> f64 {
    x * x
}
