//! States that begin as constants.

use crate::case::Case;
use crate::{gradient, single};

pub const CASES: &[Case] = &[
    constant_vector::CASE,
    constant_structure::CASE,
    constant_table::CASE,
    constant_single::CASE,
    constant_tuple::CASE,
    constant_list::CASE,
    constant_or_input::CASE,
];

gradient!(constant_vector, [0.3, 0.5], 3, |p, n| {
    let mut s = vec![1.0, 2.0, 3.0];
    for _ in 0..n {
        for i in 0..3 {
            s[i] += p[i % 2] * p[0];
        }
    }
    s.iter().sum()
});

struct Body {
    mass: f64,
    at: [f64; 2],
}

gradient!(constant_structure, [0.3, 0.5], 3, |p, n| {
    let mut b = Body {
        mass: 2.0,
        at: [1.0, -1.0],
    };
    for _ in 0..n {
        for i in 0..2 {
            b.at[i] += p[i] * p[i] * b.mass;
        }
        b.mass *= 1.5;
    }
    b.at[0] * b.at[1] * b.mass
});

gradient!(constant_table, [0.3, 0.5], 2, |p, n| {
    let mut t = [[1.0, 2.0], [3.0, 4.0]];
    for k in 0..n {
        for i in 0..2 {
            t[i][k] += p[i] * t[k][i];
        }
    }
    t[0][0] * t[1][1] + t[0][1] * t[1][0]
});

single!(constant_single, [0.25, 0.5], 3, |p, n| {
    let mut s = [1.0_f32, 2.0];
    for _ in 0..n {
        for i in 0..2 {
            s[i] += p[i] * p[i];
        }
    }
    s[0] * s[1]
});

gradient!(constant_tuple, [0.3, 0.5], 4, |p, n| {
    let mut pair = (0.0, 1.0);
    for _ in 0..n {
        pair = (pair.1, pair.0 * p[0] + pair.1 * p[1]);
    }
    pair.0 + pair.1
});

gradient!(constant_list, [0.3, 0.5], 2, |p, n| {
    let weights = [0.5, 0.25, 0.125, 0.0625];
    let mut sum = 0.0;
    for (i, w) in weights.iter().enumerate().skip(n) {
        sum += w * p[i % 2].powi(3);
    }
    sum
});

// The first of them is an input, the others are constants.
gradient!(constant_or_input, [0.3, 0.5], 3, |p, n| {
    let mut s = [p[0], 1.0, 2.0, p[1]];
    for k in 0..n {
        s[k + 1] += s[k] * s[3 - k];
    }
    s[0] + s[1] * s[2] + s[3]
});
