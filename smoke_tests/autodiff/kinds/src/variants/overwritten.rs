//! Loops that read elements which the same turn or a later one overwrites.

use crate::case::Case;
use crate::{gradient, in_place};

pub const CASES: &[Case] = &[
    last_element::CASE,
    next_backwards::CASE,
    last_backwards::CASE,
    strided::CASE,
    table::CASE,
    time_steps::CASE,
    until::CASE,
    mirrored::CASE,
    by_square::CASE,
    halves::CASE,
    split::CASE,
    triangle::CASE,
    eliminated::CASE,
    accumulated::CASE,
    in_chunks::CASE,
    ping_pong::CASE,
    convolved::CASE,
];

/// Numbers around 1.3, for what multiplies them.
const TEN: [f64; 10] = [1.3, 1.6, 1.2, 0.96, 1.5, 1.1, 0.94, 1.4, 1.05, 1.25];

in_place!(last_element, TEN, 0, |x, _n| {
    for i in 1..x.len() {
        x[i] *= x[i - 1];
    }
});

in_place!(next_backwards, TEN, 0, |x, _n| {
    for i in (0..x.len() - 1).rev() {
        x[i] *= x[i + 1];
    }
});

in_place!(last_backwards, TEN, 0, |x, _n| {
    for i in (1..x.len()).rev() {
        x[i] *= x[i - 1];
    }
});

in_place!(strided, TEN, 3, |x, n| {
    let mut i = 0;
    while i + n < x.len() {
        x[i] = x[i].sin() * x[i + n];
        i += 1;
    }
});

in_place!(
    table,
    [1.3, 1.6, 1.2, 0.96, 1.5, 1.1, 0.94, 1.4, 1.05],
    3,
    |x, n| {
        let rows = x.len() / n;
        for i in 0..rows - 1 {
            for j in 0..n - 1 {
                x[i * n + j] *= x[(i + 1) * n + j + 1] + x[i * n + j + 1];
            }
        }
    }
);

in_place!(time_steps, TEN, 4, |x, n| {
    for _ in 0..n {
        for i in 1..x.len() - 1 {
            x[i] += 0.1 * (x[i - 1] * x[i + 1] - x[i] * x[i]);
        }
    }
});

// Both the end of the loop and what is read depend on what was written.
in_place!(until, TEN, 0, |x, _n| {
    let mut i = 0;
    while x[i] < 1.55 && i + 2 < x.len() {
        x[i] = x[i + 1] * x[i + 2];
        i += 1;
    }
});

in_place!(mirrored, TEN, 0, |x, _n| {
    let n = x.len();
    for i in 0..n {
        x[i] *= x[n - 1 - i];
    }
});

in_place!(by_square, TEN, 0, |x, _n| {
    let n = x.len();
    for i in 0..n {
        x[i] *= x[(i * i + 1) % n];
    }
});

in_place!(halves, TEN, 0, |x, _n| {
    let n = x.len() / 2;
    for i in 0..n {
        x[i] *= x[i + n];
        x[i + n] = x[i + n].sin();
    }
});

fn multiply(a: &mut f64, b: &f64) {
    *a *= *b;
    *a += b.sin();
}

in_place!(split, TEN, 0, |x, _n| {
    for i in 0..x.len() - 1 {
        let (left, right) = x.split_at_mut(i + 1);
        multiply(&mut left[i], &right[0]);
    }
});

in_place!(triangle, [0.3, 0.6, 0.2, 0.96, 0.5], 5, |x, n| {
    for i in 0..n {
        for j in i + 1..n {
            x[i] += x[j] * x[i];
        }
    }
});

// Gauss' elimination.
in_place!(
    eliminated,
    [4.3, 1.6, 1.2, 0.96, 5.5, 1.1, 0.94, 1.4, 6.05],
    3,
    |x, n| {
        for k in 0..n {
            for i in k + 1..n {
                let factor = x[i * n + k] / x[k * n + k];
                for j in k..n {
                    x[i * n + j] -= factor * x[k * n + j];
                }
            }
        }
    }
);

in_place!(accumulated, [1.3, 1.6, 1.2, 0.96, 1.5], 5, |x, n| {
    for i in 0..n {
        let mut s = 0.0;
        for j in 0..n {
            s += x[j] * x[j];
        }
        x[i] = s / 10.0;
    }
});

in_place!(in_chunks, TEN, 0, |x, _n| {
    for c in x.chunks_exact_mut(2) {
        let a = c[0];
        c[0] = a * c[1];
        c[1] = a.sin() + c[1] * c[1];
    }
    for i in 0..x.len() - 1 {
        x[i + 1] += x[i] * x[i + 1];
    }
});

fn step(a: &[f64], b: &mut [f64]) {
    for i in 0..b.len() {
        b[i] = a[i] * a[(i + 1) % a.len()] + b[i] * 0.5;
    }
}

in_place!(ping_pong, [1.3, 0.6, 0.2, 0.96, 0.5, 1.1], 3, |x, n| {
    let half = x.len() / 2;
    let (mut a, mut b) = x.split_at_mut(half);
    for _ in 0..n {
        step(a, b);
        std::mem::swap(&mut a, &mut b);
    }
});

// In single steps of a window, over a copy of the argument.
gradient!(convolved, TEN, 3, |x, n| {
    let mut y = vec![0.0; x.len()];
    for i in 0..x.len() {
        y[i] = x[i] * x[i];
    }
    for _ in 0..n {
        for i in 0..y.len() - 2 {
            y[i] = 0.25 * y[i] + 0.5 * y[i + 1] * y[i + 2] + 0.25 * y[i + 2];
        }
    }
    y[0] + 2.0 * y[1] + 3.0 * y[2]
});
