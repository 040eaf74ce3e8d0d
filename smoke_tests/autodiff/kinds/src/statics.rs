//! Statics, iterators that remember, and what benchmarks are full of.

use crate::case::Case;
use crate::{gradient, slope};
use std::sync::OnceLock;

pub const CASES: &[Case] = &[once::CASE, neighbours::CASE, hidden::CASE];

static SCALE: OnceLock<f64> = OnceLock::new();

slope!(once, 0.3, 0, |x, _n| {
    SCALE.get_or_init(|| 2.5) * x * x * x
});

gradient!(neighbours, [1.0, 2.0, 3.0], 0, |x, _n| {
    let mut it = x.iter().peekable();
    let mut s = 0.0;
    while let Some(v) = it.next() {
        if let Some(next) = it.peek() {
            s += v * **next;
        }
    }
    s
});

slope!(hidden, 2.0, 0, |x, _n| { std::hint::black_box(x * x) * x });
