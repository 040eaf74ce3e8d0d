//! A number or a box in one place, and only run time knows which.

//~? ERROR

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;
use std::hint::black_box;

#[inline(never)]
fn pick(x: &[f64], n: usize) -> Result<Box<f64>, f64> {
    if n > 2 { Err(x[1]) } else { Ok(Box::new(x[0])) }
}

#[autodiff_reverse(slope, Duplicated, Const, Active)]
fn shared(x: &[f64], n: usize) -> f64 {
    match pick(x, n) {
        Ok(boxed) => *boxed * x[1],
        Err(number) => number * number,
    }
}

fn main() {
    let mut gradient = [0.0; 3];
    println!(
        "{:?}",
        slope(
            &black_box([1.3, 0.7, 0.2]),
            &mut gradient,
            black_box(1),
            1.0
        )
    );
}
