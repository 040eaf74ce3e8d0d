//! How long what is collected becomes, only run time knows: the vector grows.

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;

#[autodiff_reverse(slopes, Duplicated, Active)]
fn filtered(x: &[f64]) -> f64 {
    let some: Vec<f64> = x.iter().filter(|v| **v > 0.35).map(|v| v * v).collect();
    some.iter().sum::<f64>() * some[0]
}

fn main() {
    let mut g = [0.0; 4];
    slopes(&[0.3, 0.4, 0.5, 0.6], &mut g, 1.0);
    println!("{g:?}");
}
