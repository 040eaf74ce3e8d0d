//! A vector that grows is moved in memory, and its shadow is not.

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;

#[autodiff_reverse(slopes, Duplicated, Const, Active)]
fn grown(x: &[f64], n: usize) -> f64 {
    let mut y = Vec::new();
    for k in 0..n {
        y.push(x[k % x.len()] * x[0]);
    }
    y.iter().sum()
}

fn main() {
    let mut g = [0.0; 3];
    slopes(&[0.3, 0.4, 0.5], &mut g, std::hint::black_box(7), 1.0);
    println!("{g:?}");
}
