//! A static that is written once is written all the same: the first call is not the second one.

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;
use std::sync::OnceLock;

static SCALE: OnceLock<f64> = OnceLock::new();

#[autodiff_reverse(slope, Active, Active)]
fn once(x: f64) -> f64 {
    SCALE.get_or_init(|| 2.5) * x
}

fn main() {
    println!("{:?}", slope(std::hint::black_box(1.3), 1.0));
}
