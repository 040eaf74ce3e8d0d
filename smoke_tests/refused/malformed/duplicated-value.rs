//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: refused
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_reverse(df, Duplicated, Active)]
fn f(x: f64) -> f64 { //~ ERROR Duplicated can not be used for this type
    x * x
}
