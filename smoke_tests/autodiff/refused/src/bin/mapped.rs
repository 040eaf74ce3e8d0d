//! A hash map keeps numbers where their keys say.

//~? ERROR

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;
use std::collections::HashMap;

#[autodiff_reverse(slopes, Duplicated, Active)]
fn mapped(x: &[f64]) -> f64 {
    let mut sums: HashMap<usize, f64> = HashMap::new();
    for (i, v) in x.iter().enumerate() {
        *sums.entry(i % 2).or_insert(0.0) += v * v;
    }
    sums[&0] * sums[&1]
}

fn main() {
    let mut g = [0.0; 3];
    slopes(&[0.3, 0.4, 0.5], &mut g, 1.0);
    println!("{g:?}");
}
