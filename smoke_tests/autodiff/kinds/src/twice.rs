//! Derivatives of derivatives: what Enzyme made is differentiated once more.

use std::autodiff::autodiff_reverse;

use crate::case::Case;
use crate::gradient;

pub const CASES: &[Case] = &[curvature::CASE];

#[autodiff_reverse(rows_gradient, Duplicated, Const, Active)]
fn rows(x: &[f64], n: usize) -> f64 {
    let mut rows = vec![vec![0.0; 2]; n];
    for row in &mut rows {
        row[0] = x[0] * x[1];
        row[1] = x[1] * x[1];
    }
    rows[0][0] * rows[n - 1][0] + rows[1][1] * x[0]
}

// The shadows of vectors that a call made have tangents.
gradient!(curvature, [0.5, 1.5], 4, |x, n| {
    let mut gradient = [0.0; 2];
    rows_gradient(x, &mut gradient, n, 1.0);
    gradient[0] + 2.0 * gradient[1]
});
