//! Threads compute where Enzyme does not look.

//~? ERROR

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;
use std::thread;

#[autodiff_reverse(slopes, Duplicated, Active)]
fn threaded(x: &[f64]) -> f64 {
    let (left, right) = x.split_at(x.len() / 2);
    thread::scope(|scope| {
        let first = scope.spawn(|| left.iter().map(|v| v * v).sum::<f64>());
        let second: f64 = right.iter().map(|v| v * v * v).sum();
        first.join().unwrap() + second
    })
}

fn main() {
    let mut g = [0.0; 4];
    slopes(&[0.3, 0.4, 0.5, 0.6], &mut g, 1.0);
    println!("{g:?}");
}
