//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: panic (internal compiler error)
#![feature(autodiff)]
use std::autodiff::*;
trait T {
    #[autodiff_forward(df, Const, Dual, Dual)]
    fn f(&self, _: f64) -> f64; //~ ERROR autodiff needs plain names for arguments
}
