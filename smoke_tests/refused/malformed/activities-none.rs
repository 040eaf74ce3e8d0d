// expect: expected 2 activities, but found 0
// flags: --crate-type=lib --emit=metadata
// without the patch: panic (internal compiler error)
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_reverse(df)]
fn f(x: f64) -> f64 {
    x * x
}
