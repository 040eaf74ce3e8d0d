//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: refused
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_forward(df, Dual)]
struct S; //~ ERROR autodiff must be applied to function
