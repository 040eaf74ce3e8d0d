//! The compiler does not hand on the seed: every derivative would be that of a seed of 1.

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;

#[autodiff_reverse(d_square, Active, Active)]
fn square(x: f64) -> f64 {
    x * x
}

fn main() {
    let weight = std::env::args().count() as f64 + 1.5;
    println!("{:?}", d_square(3.0, 1.0));
    println!("{:?}", d_square(3.0, weight)); //~ ERROR does not hand on the seed of `d_square`
}
