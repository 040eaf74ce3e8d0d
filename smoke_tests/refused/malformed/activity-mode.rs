//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: refused
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_reverse(df, Dual, Active)] //~ ERROR Dual can not be used in Reverse Mode
fn f(x: f64) -> f64 {
    x * x
}
