//! What is not right yet (November 2026): it ends the compiler or the program, or is refused. No test asks for it; what
//! comes right goes to the proof, or among the variants. `cargo autodiff run --features open` tells.

use crate::case::Case;
use crate::copies::weigh;
use crate::{gradient, in_place, slope};

pub const CASES: &[Case] = &[
    binomial::CASE,
    neighbours::CASE,
    hidden::CASE,
    rotated_left::CASE,
    rotated_right::CASE,
    vectors_swapped::CASE,
    sorted::CASE,
    vectors_of_steps::CASE,
];

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

const SEVEN: [f64; 7] = [1.3, 1.6, 1.2, 0.96, 1.5, 1.1, 0.94];

// Refused: the type of what is moved is not known.
in_place!(rotated_left, SEVEN, 3, |x, n| {
    x.rotate_left(n);
    for i in 0..x.len() {
        x[i] *= x[i] * (i + 1) as f64;
    }
});

in_place!(rotated_right, SEVEN, 2, |x, n| {
    x.rotate_right(n);
    for i in 0..x.len() {
        x[i] *= x[i] * (i + 1) as f64;
    }
});

// Refused, too: what is swapped are the headers of the vectors.
gradient!(vectors_swapped, [0.3, 0.4, 0.5, 0.6], 3, |x, n| {
    let mut now = vec![0.0; 4];
    let mut next = vec![0.0; 4];
    for i in 0..4 {
        now[i] = x[i];
    }
    for _ in 0..n {
        for i in 0..4 {
            next[i] = now[i] + 0.3 * now[(i + 1) % 4] * now[i];
        }
        std::mem::swap(&mut now, &mut next);
    }
    weigh(&now)
});

// Every step is kept, in a vector of vectors that has its length from the beginning.
gradient!(vectors_of_steps, [0.3, 0.5, 0.8], 4, |p, n| {
    let mut steps = vec![vec![0.0; 3]; n + 1];
    for i in 0..3 {
        steps[0][i] = p[i];
    }
    for t in 0..n {
        for i in 0..3 {
            steps[t + 1][i] = steps[t][i] + 0.2 * steps[t][(i + 1) % 3] * steps[t][i];
        }
    }
    steps[n][0] + steps[n / 2][1] * steps[n][2]
});

gradient!(sorted, SEVEN, 0, |x, _n| {
    let mut y: Vec<f64> = x.iter().map(|v| v * v).collect();
    y.sort_by(|a, b| a.partial_cmp(b).unwrap());
    weigh(&y)
});
