//! A natural cubic spline: its coefficients by elimination, then the squared distance from data.

#![feature(autodiff)]

use gradients::{Numbers, Program, Version, run};
use std::autodiff::autodiff_reverse;
use std::process::ExitCode;

const KNOTS: usize = 2000;
const POINTS: usize = 20_000;

/// `y` has the values at the knots 0, 1, 2, ...; the data are `(place, value)`.
#[autodiff_reverse(d_spline, Duplicated, Const, Active)]
fn spline(y: &[f64], data: &[(f64, f64)]) -> f64 {
    let n = y.len();
    // Second derivatives: a system with 4 on the diagonal and 1 beside it.
    let mut diagonal = vec![0.0; n];
    let mut m = vec![0.0; n];
    diagonal[0] = 1.0;
    for i in 1..n - 1 {
        let factor = if i == 1 { 0.0 } else { 1.0 / diagonal[i - 1] };
        diagonal[i] = 4.0 - factor;
        m[i] = 6.0 * (y[i + 1] - 2.0 * y[i] + y[i - 1]) - factor * m[i - 1];
    }
    for i in (1..n - 1).rev() {
        m[i] = (m[i] - m[i + 1]) / diagonal[i];
    }
    let mut sum = 0.0;
    for &(place, value) in data {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let i = place as usize;
        let (left, right) = (place - i as f64, i as f64 + 1.0 - place);
        let found = m[i] * right * right * right / 6.0
            + m[i + 1] * left * left * left / 6.0
            + (y[i] - m[i] / 6.0) * right
            + (y[i + 1] - m[i + 1] / 6.0) * left;
        sum += (found - value) * (found - value);
    }
    sum
}

fn main() -> ExitCode {
    let mut numbers = Numbers::new(11);
    let at = numbers.take(KNOTS, 1.0);
    let last = (KNOTS - 1) as f64;
    let data: Vec<(f64, f64)> = (0..POINTS)
        .map(|_| ((0.5 + 0.499 * numbers.one()) * last, numbers.one()))
        .collect();
    let there = data.clone();
    let versions = vec![Version::rust(
        move |y| spline(y, &there),
        move |y, g| {
            d_spline(y, g, &data, 1.0);
        },
    )];
    run(&Program {
        name: "spline",
        at,
        versions,
    })
}
