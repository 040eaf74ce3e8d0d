//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: refused
#![feature(autodiff)]
use std::autodiff::*;
extern "C" {
    #[autodiff_reverse(df, Active, Active)]
    fn f(x: f64) -> f64; //~ ERROR autodiff must be applied to function
}
