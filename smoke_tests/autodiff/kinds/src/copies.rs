//! What is swapped, moved and copied.

use crate::case::Case;
use crate::gradient;

pub const CASES: &[Case] = &[
    mem_swap::CASE,
    slices_swapped::CASE,
    moved_left::CASE,
    copied_back::CASE,
    to_vec::CASE,
];

pub fn weigh(y: &[f64]) -> f64 {
    y.iter()
        .enumerate()
        .map(|(i, v)| (i + 1) as f64 * v * v)
        .sum()
}

gradient!(mem_swap, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 0, |x, _n| {
    let (mut a, mut b) = ([x[0], x[1], 1.0, 2.0], [x[2], x[3], x[4], x[5]]);
    std::mem::swap(&mut a, &mut b);
    weigh(&a) + weigh(&b[1..])
});

gradient!(slices_swapped, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 1, |p, n| {
    let (mut a, mut b) = (vec![0.0; 3], vec![0.0; 3]);
    for i in 0..3 {
        a[i] = p[i] * p[i];
        b[i] = p[3 + i] * 2.0;
    }
    a.swap_with_slice(&mut b);
    a[n % 3] + 10.0 * b[n % 3]
});

gradient!(moved_left, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2, |x, n| {
    let mut y = [0.0; 6];
    for i in 0..6 {
        y[i] = x[i] * 1.5;
    }
    y.copy_within(n.., 0);
    weigh(&y)
});

// A heat equation whose new state is copied over the old one.
gradient!(
    copied_back,
    [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
    3,
    |p, n| {
        let mut a = [0.0; 8];
        for i in 0..8 {
            a[i] = p[i];
        }
        for _ in 0..n {
            let mut b = [0.0; 8];
            for i in 0..8 {
                b[i] = a[i]
                    + 0.1 * (a[(i + 1) % 8] - 2.0 * a[i] + a[(i + 7) % 8])
                    + 0.05 * a[i] * a[i];
            }
            a = b;
        }
        weigh(&a)
    }
);

gradient!(to_vec, [0.3, 0.4], 3, |x, n| {
    let mut y = x.to_vec();
    for k in 0..n {
        y[k % 2] *= 2.0;
    }
    weigh(&y)
});
