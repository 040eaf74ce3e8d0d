//! A constant or the argument, chosen at run time; and branches whose other side is infinite.

use crate::case::Case;
use crate::{gradient, slope};

pub const CASES: &[Case] = &[
    default_chosen::CASE,
    argument_chosen::CASE,
    unwrapped_default::CASE,
    vector_kept::CASE,
    guarded::CASE,
];

static DEFAULT: [f64; 3] = [1.0, 2.0, 3.0];

fn energy(p: &[f64], own: bool) -> f64 {
    let s: &[f64] = if own { p } else { &DEFAULT };
    s.iter().map(|v| v * v * v).sum()
}

gradient!(default_chosen, [0.3, 0.4, 0.5], 0, |p, n| {
    energy(p, n == 1)
});
gradient!(argument_chosen, [0.3, 0.4, 0.5], 1, |p, n| {
    energy(p, n == 1)
});

gradient!(unwrapped_default, [0.3, 0.4, 0.5], 0, |p, n| {
    let s = (n == 1).then_some(p);
    s.unwrap_or(&[4.0, 5.0]).iter().map(|v| v * v * v).sum()
});

gradient!(vector_kept, [0.3, 0.4, 0.5], 0, |p, n| {
    let mut h = vec![1.0, 2.0, 3.0];
    if n == 1 {
        h = p.iter().map(|v| v * v * v).collect();
    }
    h.iter().sum()
});

// The branch that is taken is constant: the other one's infinite slope must not come through as NaN.
slope!(guarded, 0.0, 0, |x, _n| {
    if x == 0.0 { 0.0 } else { x * x * x.abs().ln() }
});
