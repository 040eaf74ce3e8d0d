//! Loops: local arrays and vectors in them, elements that are overwritten, states that begin as constants.

use crate::case::Case;
use crate::{gradient, in_place};

pub const CASES: &[Case] = &[
    orbit::CASE,
    next_element::CASE,
    replaced_each_turn::CASE,
    drift::CASE,
    midpoint::CASE,
    zeroed::CASE,
    mapped::CASE,
];

fn axpy<const N: usize>(a: f64, x: &[f64; N], y: &[f64; N]) -> [f64; N] {
    std::array::from_fn(|i| a * x[i] + y[i])
}

fn pull(s: &[f64; 4], p: &[f64]) -> [f64; 4] {
    let r3 = (s[0] * s[0] + s[1] * s[1]).powf(1.5);
    [s[2], s[3], -p[0] * s[0] / r3, -p[1] * s[1] / r3]
}

// Small arrays in a loop (Runge-Kutta), which Enzyme made again on the way back.
gradient!(orbit, [0.3, 0.47], 5, |p, n| {
    let mut s = [1.0, 0.2, 0.1, 0.9];
    let h = 0.1;
    for _ in 0..n {
        let k1 = pull(&s, p);
        let k2 = pull(&axpy(h / 2.0, &k1, &s), p);
        let k3 = pull(&axpy(h / 2.0, &k2, &s), p);
        let k4 = pull(&axpy(h, &k3, &s), p);
        for i in 0..4 {
            s[i] += h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]);
        }
    }
    s[0] + s[1]
});

// What is read is overwritten in the next turn.
in_place!(next_element, [1.5, 0.7, 1.2], 0, |x, _n| {
    for i in 0..x.len() - 1 {
        x[i] *= x[i + 1];
    }
});

// A vector of its own in each turn, which then takes the place of the last one.
gradient!(replaced_each_turn, [0.1, 0.2, 0.3, 0.4], 3, |p, n| {
    let mut a = vec![0.0; 4];
    for i in 0..4 {
        a[i] = p[i];
    }
    for _ in 0..n {
        let mut b = vec![0.0; 4];
        for i in 0..4 {
            b[i] = a[i] * a[(i + 1) % 4] + a[i].sin();
        }
        a = b;
    }
    a[0] + 2.0 * a[1] + 3.0 * a[2] + 4.0 * a[3]
});

// Start values that are constants: forward mode took them for their own tangents.
gradient!(drift, [0.3, 0.47], 3, |p, n| {
    let mut s = [1.0, 2.0];
    for _ in 0..n {
        for i in 0..2 {
            s[i] += p[i] * p[i] * p[i];
        }
    }
    s[0] + s[1]
});

gradient!(midpoint, [0.3, 0.47], 3, |p, n| {
    let mut s = [1.0, 2.0];
    let rhs = |s: &[f64; 2]| [p[0] * s[1], s[0] * p[1] * s[1]];
    for _ in 0..n {
        let k = rhs(&s);
        let k: [f64; 2] = rhs(&std::array::from_fn(|i| s[i] + 0.05 * k[i]));
        for i in 0..2 {
            s[i] += 0.1 * k[i];
        }
    }
    s[0] + s[1]
});

// A local array that begins as zeros, and is filled in a loop.
gradient!(zeroed, [10.0, 28.0, 2.5], 5, |p, n| {
    let mut s = [p[0] * 0.0 + 1.0, p[1] * 0.0 + 1.0, p[2] * 0.0 + 1.0];
    let h = 0.01;
    let f = |s: &[f64; 3]| {
        [
            p[0] * (s[1] - s[0]),
            s[0] * (p[1] - s[2]) - s[1],
            s[0] * s[1] - p[2] * s[2],
        ]
    };
    for _ in 0..n {
        let a = f(&s);
        let mut u = [0.0; 3];
        for i in 0..3 {
            u[i] = s[i] + h / 2.0 * a[i];
        }
        let b = f(&u);
        for i in 0..3 {
            s[i] += h * b[i];
        }
    }
    s[0] + s[1] + s[2]
});

// An array that a closure makes in each turn: a type error in one mode ended rustc in the other.
gradient!(mapped, [0.3, 0.47], 3, |p, n| {
    let mut s = [1.0, 2.0, 3.0];
    for _ in 0..n {
        let m: [f64; 3] = std::array::from_fn(|i| s[i] * p[0] + p[1]);
        for i in 0..3 {
            s[i] += 0.1 * m[i] * m[i];
        }
    }
    s[0] + s[1] + s[2]
});
