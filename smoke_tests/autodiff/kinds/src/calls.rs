//! Calls whose target only run time decides.

use crate::case::Case;
use crate::slope;

pub const CASES: &[Case] = &[by_pointer::CASE, by_trait::CASE, by_table::CASE];

fn square(x: f64) -> f64 {
    x * x
}

fn triple(x: f64) -> f64 {
    x * 3.0
}

struct Law {
    f: fn(f64) -> f64,
    k: f64,
}

slope!(by_pointer, 0.3, 1, |x, n| {
    let laws = [Law { f: square, k: 1.0 }, Law { f: triple, k: 2.0 }];
    (laws[n % 2].f)(x) * laws[n % 2].k
});

trait Shape {
    fn area(&self, x: f64) -> f64;
}

struct Square(f64);
struct Wave;

impl Shape for Square {
    fn area(&self, x: f64) -> f64 {
        self.0 * x * x
    }
}

impl Shape for Wave {
    fn area(&self, x: f64) -> f64 {
        x.sin()
    }
}

slope!(by_trait, 0.3, 1, |x, n| {
    let shapes: [&dyn Shape; 2] = [&Square(2.0), &Wave];
    shapes[n % 2].area(x)
});

static LAWS: [fn(f64) -> f64; 2] = [square, triple];

slope!(by_table, 0.3, 1, |x, n| { LAWS[n % 2](x) });
