//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: panic (internal compiler error)
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_forward(df, 340282366920938463463374607431768211456, Dual, Dual)] //~ ERROR integer literal is too large
fn f(x: f64) -> f64 {
    x * x
}
