//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: panic (internal compiler error)
#![feature(autodiff, c_variadic)]
use std::autodiff::*;
#[autodiff_forward(df, Dual, Dual)]
unsafe extern "C" fn f(x: f64, ...) -> f64 { //~ ERROR autodiff cannot be applied to a C-variadic function
    x
}
