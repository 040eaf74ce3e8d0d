//! A trait object from outside calls what only run time knows.

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;
use std::hint::black_box;

trait Law {
    fn at(&self, x: f64) -> f64;
}

struct Square;
struct Wave(f64);

impl Law for Square {
    fn at(&self, x: f64) -> f64 {
        x * x
    }
}

impl Law for Wave {
    fn at(&self, x: f64) -> f64 {
        self.0 * x.sin()
    }
}

#[autodiff_reverse(slope, Active, Const, Const, Active)]
fn dynamic(x: f64, laws: &[Box<dyn Law>], n: usize) -> f64 {
    laws[n].at(x)
}

fn main() {
    let laws: Vec<Box<dyn Law>> = black_box(vec![Box::new(Square), Box::new(Wave(2.0))]);
    println!("{:?}", slope(black_box(1.3), &laws, black_box(1), 1.0));
}
