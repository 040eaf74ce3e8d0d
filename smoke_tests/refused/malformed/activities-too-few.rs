// expect: expected 2 activities, but found 1
// flags: --crate-type=lib --emit=metadata
// without the patch: refused
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_reverse(df, Active)]
fn f(x: f64) -> f64 {
    x * x
}
