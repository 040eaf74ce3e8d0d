//@ compile-flags: --crate-type=lib --emit=metadata
// without the patch: refused
#![feature(autodiff)]
use std::autodiff::*;
#[autodiff_forward(df, Foo, Dual)] //~ ERROR did not recognize Activity: `Foo`
fn f(x: f64) -> f64 {
    x * x
}
