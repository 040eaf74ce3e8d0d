//! The length of a vector, squared, and its gradient.

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;

#[autodiff_reverse(gradient, Duplicated, Active)]
fn length_squared(x: &[f64; 3]) -> f64 {
    x.iter().map(|value| value * value).sum()
}

fn main() {
    let mut slopes = [0.0; 3];
    let value = gradient(&[1.0, 2.0, 3.0], &mut slopes, 1.0);
    println!("{value} {slopes:?}");
}
