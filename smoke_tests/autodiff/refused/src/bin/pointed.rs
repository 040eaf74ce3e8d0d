//! What a function pointer calls that comes from outside is not known.

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;
use std::hint::black_box;

fn square(x: f64) -> f64 {
    x * x
}

fn wave(x: f64) -> f64 {
    x.sin()
}

struct Laws {
    all: Vec<fn(f64) -> f64>,
}

#[autodiff_reverse(slope, Active, Const, Const, Active)]
fn pointed(x: f64, laws: &Laws, n: usize) -> f64 {
    (laws.all[n])(x)
}

fn main() {
    let laws = Laws {
        all: black_box(vec![square, wave]),
    };
    println!("{:?}", slope(black_box(1.3), &laws, black_box(1), 1.0));
}
