//! The functions, and what Enzyme makes of them. `oracle.py` has the same functions in closed form.

use std::autodiff::{autodiff_forward, autodiff_reverse};

/// x² sin x
#[autodiff_forward(square_sine_forward, Dual, Dual)]
#[autodiff_reverse(square_sine_reverse, Active, Active)]
pub fn square_sine(x: f64) -> f64 {
    x * x * x.sin()
}

/// exp(-x²/2) ln(2 + x) + √(1 + x²) cos 3x
#[autodiff_forward(bell_forward, Dual, Dual)]
#[autodiff_reverse(bell_reverse, Active, Active)]
pub fn bell(x: f64) -> f64 {
    (-0.5 * x * x).exp() * (2.0 + x).ln() + (1.0 + x * x).sqrt() * (3.0 * x).cos()
}

/// sin(max(x, 1/2)) exp(min(2 x, 3/2))
#[autodiff_forward(clipped_forward, Dual, Dual)]
#[autodiff_reverse(clipped_reverse, Active, Active)]
pub fn clipped(x: f64) -> f64 {
    x.max(0.5).sin() * (2.0 * x).min(1.5).exp()
}

/// x sin x + exp(-x), in single precision
#[autodiff_forward(single_forward, Dual, Dual)]
#[autodiff_reverse(single_reverse, Active, Active)]
pub fn single(x: f32) -> f32 {
    x * x.sin() + (-x).exp()
}

/// The cube root by Newton's method: how often the loop turns depends on the argument.
#[autodiff_forward(cube_root_forward, Dual, Dual)]
#[autodiff_reverse(cube_root_reverse, Active, Active)]
pub fn cube_root(a: f64) -> f64 {
    let mut y = 1.0;
    while (y * y * y - a).abs() > 1e-4 * a {
        y -= (y * y * y - a) / (3.0 * y * y);
    }
    // From four digits, two more turns reach every digit of the value and of its derivative.
    for _ in 0..2 {
        y -= (y * y * y - a) / (3.0 * y * y);
    }
    y
}

/// Rosenbrock's valley in n dimensions: Σ 100 (xᵢ₊₁ - xᵢ²)² + (1 - xᵢ)²
#[autodiff_forward(rosenbrock_forward, Dual, Dual)]
#[autodiff_forward(rosenbrock_forward4, 4, Dual, Dual)]
#[autodiff_reverse(rosenbrock_reverse, Duplicated, Active)]
pub fn rosenbrock(x: &[f64]) -> f64 {
    let mut sum = 0.0;
    for i in 0..x.len() - 1 {
        let valley = x[i + 1] - x[i] * x[i];
        let slope = 1.0 - x[i];
        sum += 100.0 * valley * valley + slope * slope;
    }
    sum
}

/// A sum in which each step takes one of two branches, by the data and by the sum so far.
#[autodiff_forward(branches_forward, Dual, Dual)]
#[autodiff_reverse(branches_reverse, Duplicated, Active)]
pub fn branches(x: &[f64]) -> f64 {
    let mut sum = 0.5;
    for &value in x {
        if value > sum {
            sum += value * value;
        } else {
            sum *= (-value).exp();
        }
    }
    sum
}

/// Changes its argument in place: sᵢ becomes sin(sᵢ) times the *new* sᵢ₋₁, and s₀ its own square.
#[autodiff_forward(advance_forward, Dual)]
#[autodiff_forward(advance_forward4, 4, Dual)]
#[autodiff_reverse(advance_reverse, Duplicated)]
#[autodiff_reverse(advance_reverse4, 4, Duplicated)]
pub fn advance(state: &mut [f64]) {
    state[0] *= state[0];
    for i in 1..state.len() {
        state[i] = state[i].sin() * state[i - 1];
    }
}

/// What [`advance`] gives, written to a second slice and read again from there. No value of it is asked for.
#[autodiff_forward(advance_to_forward, Dual, DualOnly)]
#[autodiff_reverse(advance_to_reverse, Duplicated, DuplicatedOnly)]
pub fn advance_to(state: &[f64], next: &mut [f64]) {
    for i in 0..state.len() {
        next[i] = state[i];
        next[i] = if i == 0 {
            next[i] * next[i]
        } else {
            next[i].sin() * next[i - 1]
        };
    }
}

/// From (r, θ, φ) to (x, y, z), written to a second slice.
#[autodiff_forward(spherical_forward, Dual, Dual)]
#[autodiff_reverse(spherical_reverse, Duplicated, Duplicated)]
pub fn spherical(from: &[f64], to: &mut [f64]) {
    let (r, theta, phi) = (from[0], from[1], from[2]);
    to[0] = r * theta.sin() * phi.cos();
    to[1] = r * theta.sin() * phi.sin();
    to[2] = r * theta.cos();
}
