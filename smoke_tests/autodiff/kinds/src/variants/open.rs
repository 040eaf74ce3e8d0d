//! What is still wrong, or ends the compiler or the program (November 2026): in the proof as soon as it is right.

use crate::case::Case;
use crate::{gradient, slope};

pub const CASES: &[Case] = &[binomial::CASE, neighbours::CASE, hidden::CASE];

// A recursion backwards in one vector.
gradient!(binomial, [0.31, 0.47], 5, |p, n| {
    let m = n + 1;
    let mut v = vec![0.0; m + 1];
    for i in 0..=m {
        v[i] = (p[0] * p[0] * i as f64 - p[1]).max(0.0);
    }
    for k in (0..m).rev() {
        for i in 0..=k {
            v[i] = 0.5 * (v[i] + v[i + 1]);
        }
    }
    v[0]
});

// An iterator that remembers what comes next.
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
