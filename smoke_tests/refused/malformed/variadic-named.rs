//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: accepted
#![feature(autodiff, c_variadic)]
use std::autodiff::*;
#[autodiff_forward(df, Dual, Const, Dual)]
unsafe extern "C" fn f(x: f64, mut args: ...) -> f64 { //~ ERROR autodiff cannot be applied to a C-variadic function
    x
}
