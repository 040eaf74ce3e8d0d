//! What lives for one turn of a loop: arrays, tables, vectors, structures; and turns that end early.

use crate::case::Case;
use crate::{gradient, single, slope};

pub const CASES: &[Case] = &[
    euler::CASE,
    oscillator::CASE,
    tables::CASE,
    cloned::CASE,
    collected::CASE,
    nested::CASE,
    left_early::CASE,
    newton::CASE,
    recursive::CASE,
    continued_fraction::CASE,
    runge_kutta_single::CASE,
];

// Explicit steps, each through a vector of its own.
gradient!(euler, [0.3, 0.5, 0.8], 4, |p, n| {
    let mut s = vec![1.0, 0.5, 0.25];
    for _ in 0..n {
        let mut k = vec![0.0; 3];
        for i in 0..3 {
            k[i] = p[i] * s[(i + 1) % 3] * s[i];
        }
        for i in 0..3 {
            s[i] += 0.1 * k[i];
        }
    }
    s.iter().sum()
});

#[derive(Clone, Copy)]
struct State {
    place: [f64; 2],
    speed: [f64; 2],
}

impl State {
    fn pushed(self, p: &[f64], h: f64) -> Self {
        let mut next = self;
        for i in 0..2 {
            next.speed[i] -= h * (p[i] * self.place[i] + p[2] * self.place[i].powi(3));
        }
        for i in 0..2 {
            next.place[i] += h * next.speed[i];
        }
        next
    }
}

// A structure is the state, and each turn makes a new one.
gradient!(oscillator, [1.5, 0.7, 0.2], 6, |p, n| {
    let mut s = State {
        place: [1.0, 0.5],
        speed: [0.0, 0.1],
    };
    for _ in 0..n {
        s = s.pushed(p, 0.1);
    }
    s.place[0] * s.speed[0] + s.place[1] * s.speed[1]
});

// Powers of a matrix, each in a table of its own.
gradient!(tables, [0.3, 0.5, 0.8, 0.1], 4, |p, n| {
    let a = [[p[0], p[1]], [p[2], p[3]]];
    let mut m = [[1.0, 0.0], [0.0, 1.0]];
    for _ in 0..n {
        let mut c = [[0.0; 2]; 2];
        for i in 0..2 {
            for j in 0..2 {
                for k in 0..2 {
                    c[i][j] += m[i][k] * a[k][j];
                }
            }
        }
        m = c;
    }
    m[0][0] + 2.0 * m[0][1] + 3.0 * m[1][0] + 4.0 * m[1][1]
});

gradient!(cloned, [0.3, 0.5, 0.8], 3, |p, n| {
    let mut s = p.to_vec();
    for _ in 0..n {
        let old = s.clone();
        for i in 0..s.len() {
            s[i] = old[i] + 0.3 * old[(i + 1) % old.len()] * old[i];
        }
    }
    s[0] + 2.0 * s[1] + 3.0 * s[2]
});

gradient!(collected, [0.3, 0.5, 0.8], 3, |p, n| {
    let mut s: Vec<f64> = p.iter().map(|v| v * v).collect();
    for _ in 0..n {
        s = s.iter().map(|v| v.sin() + 0.5 * v).collect();
    }
    s[0] + 2.0 * s[1] + 3.0 * s[2]
});

// A buffer in the inner loop.
gradient!(nested, [0.3, 0.5, 0.8], 3, |p, n| {
    let mut sum = 0.0;
    for i in 0..n {
        let mut row = [0.0; 3];
        for j in 0..3 {
            let mut powers = [1.0; 3];
            for k in 1..3 {
                powers[k] = powers[k - 1] * p[j] * (i + 1) as f64;
            }
            row[j] = powers[1] + powers[2];
        }
        sum += row[0] * row[1] * row[2];
    }
    sum
});

gradient!(left_early, [0.3, 0.5, 0.8, 0.9, 0.7], 100, |p, n| {
    let mut s = [1.0, 1.0];
    for i in 0..n {
        let t = [s[0] + p[i % 5] * s[1], s[1] + p[(i + 1) % 5] * s[0]];
        if t[0] > 20.0 {
            break;
        }
        s = t;
    }
    s[0] * s[1]
});

// Newton's method for a circle and a parabola, which turns as often as it must.
gradient!(newton, [4.0, 0.5], 0, |p, _n| {
    let mut s = [1.0, 1.0];
    loop {
        let r = [s[0] * s[0] + s[1] * s[1] - p[0], s[1] - p[1] * s[0] * s[0]];
        if r[0].abs() + r[1].abs() < 1e-3 {
            break;
        }
        let j = [[2.0 * s[0], 2.0 * s[1]], [-2.0 * p[1] * s[0], 1.0]];
        let determinant = j[0][0] * j[1][1] - j[0][1] * j[1][0];
        s[0] -= (r[0] * j[1][1] - r[1] * j[0][1]) / determinant;
        s[1] -= (r[1] * j[0][0] - r[0] * j[1][0]) / determinant;
    }
    s[0] + 2.0 * s[1]
});

fn halved(x: &[f64]) -> f64 {
    match x {
        [] => 1.0,
        [v] => *v,
        _ => {
            let (left, right) = x.split_at(x.len() / 2);
            halved(left) * halved(right) + 0.1 * halved(left)
        }
    }
}

gradient!(recursive, [0.3, 0.5, 0.8, 0.9, 0.7], 0, |x, _n| {
    halved(x)
});

slope!(continued_fraction, 0.7, 8, |x, n| {
    let mut f = x;
    for k in (1..=n).rev() {
        f = k as f64 + x / f;
    }
    f
});

single!(runge_kutta_single, [0.25, 0.5], 4, |p, n| {
    let mut s = [1.0_f32, 0.5];
    for _ in 0..n {
        let k = [p[0] * s[1], p[1] * s[0] * s[0]];
        let half = [s[0] + 0.125 * k[0], s[1] + 0.125 * k[1]];
        let k = [p[0] * half[1], p[1] * half[0] * half[0]];
        for i in 0..2 {
            s[i] += 0.25 * k[i];
        }
    }
    s[0] * s[1]
});
