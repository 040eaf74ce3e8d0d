//! Checks a gradient, then measures it beside its function.

use crate::heap;
use crate::numbers::Numbers;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

/// Gives the value at a point.
pub type Primal = Box<dyn Fn(&[f64]) -> f64>;
/// Adds the gradient at a point to the second slice.
pub type Gradient = Box<dyn Fn(&[f64], &mut [f64])>;

/// A function and its gradient, in one language.
pub struct Version {
    pub language: &'static str,
    pub primal: Primal,
    pub gradient: Gradient,
}

impl Version {
    /// The version in Rust.
    pub fn rust(
        primal: impl Fn(&[f64]) -> f64 + 'static,
        gradient: impl Fn(&[f64], &mut [f64]) + 'static,
    ) -> Self {
        Self {
            language: "rust",
            primal: Box::new(primal),
            gradient: Box::new(gradient),
        }
    }

    /// The version in C.
    pub fn c(
        primal: impl Fn(&[f64]) -> f64 + 'static,
        gradient: impl Fn(&[f64], &mut [f64]) + 'static,
    ) -> Self {
        Self {
            language: "c",
            primal: Box::new(primal),
            gradient: Box::new(gradient),
        }
    }
}

/// A program: its name, where its gradient is taken, and its versions.
pub struct Program {
    pub name: &'static str,
    pub at: Vec<f64>,
    pub versions: Vec<Version>,
}

/// Seconds that a program is measured for, unless the first argument says otherwise.
const SECONDS: f64 = 1.0;
/// Rounds of a program at least, however long they take.
const ROUNDS: usize = 10;
/// What the gradient along a direction may differ by from the best central difference, as a part of the scale that
/// `directional` gives.
const TOLERANCE: f64 = 1e-5;

/// Checks and measures all versions, and prints a line of JSON for each; fails where a gradient is wrong.
#[must_use]
pub fn run(program: &Program) -> ExitCode {
    let seconds = std::env::args()
        .nth(1)
        .and_then(|word| word.parse().ok())
        .unwrap_or(SECONDS);
    let mut good = true;
    let mut right = Vec::new();
    for version in &program.versions {
        match check(program, version) {
            Ok(error) => right.push((version, error)),
            Err(problem) => {
                good = false;
                let (name, language) = (program.name, version.language);
                println!(
                    r#"{{"program": "{name}", "language": "{language}", "wrong": "{problem}"}}"#
                );
            }
        }
    }
    let versions: Vec<&Version> = right.iter().map(|(version, _)| *version).collect();
    for ((version, error), times) in right.iter().zip(time(program, &versions, seconds)) {
        report(program, version, *error, &times);
    }
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The largest error of the gradient along some directions, or what is wrong with it.
fn check(program: &Program, version: &Version) -> Result<f64, String> {
    let n = program.at.len();
    let mut gradient = vec![0.0; n];
    (version.gradient)(&program.at, &mut gradient);
    let mut numbers = Numbers::new(99);
    let mut worst = 0.0_f64;
    for _ in 0..4 {
        let direction = numbers.take(n, 1.0);
        let along: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
        let (difference, scale) = directional(program, version, &direction);
        let error = (along - difference).abs() / scale;
        if error.is_nan() || error > TOLERANCE {
            return Err(format!(
                "along a direction the gradient is {along}, and central differences give {difference}"
            ));
        }
        worst = worst.max(error);
    }
    Ok(worst)
}

/// The central difference along a direction at the step where neighbouring steps agree best, and the scale of errors.
fn directional(program: &Program, version: &Version, direction: &[f64]) -> (f64, f64) {
    let value = |step: f64| {
        let moved: Vec<f64> = program
            .at
            .iter()
            .zip(direction)
            .map(|(x, d)| x + step * d)
            .collect();
        (version.primal)(&moved)
    };
    let steps: Vec<f64> = (2..=9).map(|digits| 10_f64.powi(-digits)).collect();
    let found: Vec<f64> = steps
        .iter()
        .map(|&h| (value(h) - value(-h)) / (2.0 * h))
        .collect();
    let gap = |i: usize| (found[i] - found[i - 1]).abs();
    let best = (1..found.len())
        .min_by(|&a, &b| gap(a).total_cmp(&gap(b)))
        .unwrap_or(1);
    (
        found[best],
        found[best]
            .abs()
            .max(1e-6 * value(0.0).abs())
            .max(f64::MIN_POSITIVE),
    )
}

/// Nanoseconds of each call.
#[derive(Default)]
struct Times {
    primal: Vec<f64>,
    gradient: Vec<f64>,
}

/// Measures all versions in turn, so that a change of the machine meets each of them.
fn time(program: &Program, versions: &[&Version], seconds: f64) -> Vec<Times> {
    let mut all: Vec<Times> = versions.iter().map(|_| Times::default()).collect();
    let mut gradient = vec![0.0; program.at.len()];
    let start = Instant::now();
    while all.iter().any(|times| times.primal.len() < ROUNDS)
        || start.elapsed().as_secs_f64() < seconds * versions.len() as f64
    {
        if versions.is_empty() {
            break;
        }
        for (version, times) in versions.iter().zip(&mut all) {
            times.primal.push(nanoseconds(|| {
                black_box((version.primal)(black_box(&program.at)));
            }));
            times.gradient.push(nanoseconds(|| {
                gradient.fill(0.0);
                (version.gradient)(black_box(&program.at), black_box(&mut gradient));
            }));
        }
    }
    all
}

fn nanoseconds(f: impl FnOnce()) -> f64 {
    let start = Instant::now();
    f();
    start.elapsed().as_nanos() as f64
}

fn report(program: &Program, version: &Version, error: f64, times: &Times) {
    let mut gradient = vec![0.0; program.at.len()];
    let primal_heap = heap::count(|| {
        black_box((version.primal)(black_box(&program.at)));
    });
    let heap = heap::count(|| (version.gradient)(black_box(&program.at), black_box(&mut gradient)));
    let (primal, primal_median) = best_and_median(&times.primal);
    let (gradient, gradient_median) = best_and_median(&times.gradient);
    println!(
        concat!(
            r#"{{"program": "{}", "language": "{}", "inputs": {}, "error": {:e}, "rounds": {}, "primal_ns": {}, "#,
            r#""primal_median_ns": {}, "gradient_ns": {}, "gradient_median_ns": {}, "primal_peak_bytes": {}, "#,
            r#""gradient_peak_bytes": {}, "gradient_left_bytes": {}, "gradient_allocations": {}}}"#
        ),
        program.name,
        version.language,
        program.at.len(),
        error,
        times.primal.len(),
        primal,
        primal_median,
        gradient,
        gradient_median,
        primal_heap.peak,
        heap.peak,
        heap.left,
        heap.calls,
    );
}

fn best_and_median(times: &[f64]) -> (f64, f64) {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    (sorted[0], sorted[sorted.len() / 2])
}
