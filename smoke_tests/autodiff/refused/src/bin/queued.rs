//! A queue grows, and goes round in its memory.

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;
use std::collections::VecDeque;

#[autodiff_reverse(slopes, Duplicated, Active)]
fn queued(x: &[f64]) -> f64 {
    let mut window = VecDeque::new();
    let mut sum = 0.0;
    for v in x {
        window.push_back(v * v);
        if window.len() > 2 {
            sum += window.pop_front().unwrap() * v;
        }
    }
    sum
}

fn main() {
    let mut g = [0.0; 4];
    slopes(&[0.3, 0.4, 0.5, 0.6], &mut g, 1.0);
    println!("{g:?}");
}
