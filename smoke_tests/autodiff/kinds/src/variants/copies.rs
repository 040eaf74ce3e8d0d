//! What is swapped, moved and copied, in other ways.

use crate::case::Case;
use crate::copies::weigh;
use crate::{gradient, in_place, single};

pub const CASES: &[Case] = &[
    moved_right::CASE,
    moved_in_loop::CASE,
    moved_onto_itself::CASE,
    inserted::CASE,
    removed::CASE,
    moved_single::CASE,
    rows_copied::CASE,
    owned::CASE,
    concatenated::CASE,
    elements_swapped::CASE,
    reversed::CASE,
    replaced::CASE,
    taken::CASE,
    filled::CASE,
    fields_swapped::CASE,
    ring::CASE,
    boxed::CASE,
];

const SEVEN: [f64; 7] = [1.3, 1.6, 1.2, 0.96, 1.5, 1.1, 0.94];

gradient!(moved_right, SEVEN, 3, |x, n| {
    let mut y = x.to_vec();
    let end = y.len() - n;
    y.copy_within(..end, n);
    weigh(&y)
});

gradient!(moved_in_loop, SEVEN, 4, |x, n| {
    let mut y = x.to_vec();
    let last = y.len() - 1;
    for i in 0..n {
        y.copy_within(1.., 0);
        y[last] = y[0] * y[1] + i as f64;
    }
    weigh(&y)
});

gradient!(moved_onto_itself, SEVEN, 3, |x, n| {
    let mut y = x.to_vec();
    y.copy_within(n.., n);
    weigh(&y)
});

gradient!(inserted, SEVEN, 2, |x, n| {
    let mut y = x.to_vec();
    y.insert(n, x[0] * x[1]);
    weigh(&y)
});

gradient!(removed, SEVEN, 2, |x, n| {
    let mut y = x.to_vec();
    let gone = y.remove(n);
    weigh(&y) + 3.0 * gone * gone
});

single!(moved_single, [1.25, 1.5, 0.75, 2.0], 1, |x, n| {
    let mut y = [0.0_f32; 4];
    for i in 0..4 {
        y[i] = x[i] * x[i];
    }
    y.copy_within(n.., 0);
    y[0] + 2.0 * y[1] + 3.0 * y[2] + 4.0 * y[3]
});

gradient!(rows_copied, [1.3, 1.6, 1.2, 0.96, 1.5, 1.1], 2, |x, n| {
    let mut rows = [[0.0; 3]; 3];
    for i in 0..2 {
        rows[i].copy_from_slice(&x[3 * i..3 * i + 3]);
    }
    rows[2] = rows[n - 1];
    for j in 0..3 {
        rows[1][j] *= rows[2][j];
    }
    weigh(&rows[0]) + weigh(&rows[1]) + weigh(&rows[2])
});

gradient!(owned, [0.3, 0.4, 0.5], 2, |x, n| {
    let (mut a, b): (Vec<f64>, Vec<f64>) = (x.to_owned(), Vec::from(x));
    let c: Vec<f64> = x.iter().copied().collect();
    for k in 0..n {
        a[k] *= b[k + 1] * c[k];
    }
    weigh(&a) + weigh(&b) + weigh(&c)
});

gradient!(concatenated, [0.3, 0.4, 0.5], 2, |x, n| {
    let mut y = Vec::with_capacity(6);
    y.extend_from_slice(x);
    y.extend_from_slice(&x[..n]);
    for i in 0..y.len() {
        y[i] *= y[i];
    }
    weigh(&y)
});

in_place!(elements_swapped, SEVEN, 2, |x, n| {
    for i in 0..n {
        x.swap(i, x.len() - 1 - 2 * i);
        x[i] *= x[i + 1];
    }
});

in_place!(reversed, SEVEN, 0, |x, _n| {
    x.reverse();
    for i in 0..x.len() {
        x[i] *= x[i] * (i + 1) as f64;
    }
});

gradient!(replaced, [0.3, 0.4, 0.5], 3, |x, n| {
    let mut now = [x[0], x[1], x[2]];
    let mut sum = 0.0;
    for k in 0..n {
        let next = [now[1] * now[2], now[2] + now[0], now[0] * 0.5];
        let old = std::mem::replace(&mut now, next);
        sum += old[k % 3] * now[0];
    }
    sum
});

gradient!(taken, [0.3, 0.4, 0.5], 3, |x, n| {
    let mut now: Vec<f64> = x.iter().map(|v| v * 2.0).collect();
    for _ in 0..n {
        let old = std::mem::take(&mut now);
        now = old.iter().map(|v| v * v + old[0]).collect();
    }
    weigh(&now)
});

gradient!(filled, [0.3, 0.4, 0.5], 2, |x, n| {
    let mut y = [1.0; 5];
    y[n..].fill(x[0] * x[1]);
    y[n] *= x[2];
    weigh(&y)
});

struct Pair {
    a: f64,
    b: f64,
}

gradient!(fields_swapped, [0.3, 0.4, 0.5], 3, |x, n| {
    let mut p = Pair { a: x[0], b: x[1] };
    for _ in 0..n {
        std::mem::swap(&mut p.a, &mut p.b);
        p.a *= x[2] + p.b;
    }
    p.a + 2.0 * p.b * p.b
});

// A buffer that is written round and round.
gradient!(ring, [0.3, 0.4, 0.5], 7, |x, n| {
    let mut ring = [x[0], x[1], x[2]];
    for k in 0..n {
        ring[k % 3] = 0.9 * ring[(k + 1) % 3] + ring[k % 3] * ring[(k + 2) % 3];
    }
    weigh(&ring)
});

gradient!(boxed, [0.3, 0.4, 0.5], 2, |x, n| {
    let mut b = Box::new([x[0] * x[0], x[1], x[2]]);
    for k in 0..n {
        let c = b.clone();
        b[k] = c[k + 1] * c[0];
    }
    weigh(b.as_slice())
});
