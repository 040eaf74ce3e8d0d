//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: refused with a cast that nobody wrote
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_forward(df, Dual, Dual)]
fn f(f: f64) -> f64 { //~ ERROR argument `f` hides the function of that name
    f
}
