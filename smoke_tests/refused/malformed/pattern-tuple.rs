//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: panic (internal compiler error)
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_forward(df, Dual, Dual)]
fn f((a, b): (f64, f64)) -> f64 { //~ ERROR autodiff needs plain names for arguments
    a * b
}
