//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: refused
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_reverse(df, Active)] //~ ERROR expected 2 activities, but found 1
fn f(x: f64) -> f64 {
    x * x
}
