//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: panic (internal compiler error)
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_forward(df, Dual, Const, Dual)]
fn f(x: f64, _: f64) -> f64 { //~ ERROR autodiff needs plain names for arguments
    x
}
