//! The gradients against central differences, and the fit against the certified values.

use std::path::Path;

use misra1a::{
    Observation, digits, fit, model, model_gradient, read, sum_of_squares, sum_of_squares_gradient,
};

fn data() -> Vec<Observation> {
    read(Path::new("data/misra1a.csv")).unwrap()
}

/// Central differences with a step near the best one, the cube root of the rounding error, relative to each parameter.
fn central_differences(f: impl Fn(&[f64; 2]) -> f64, at: [f64; 2]) -> [f64; 2] {
    [0, 1].map(|i| {
        let step = at[i] * f64::EPSILON.cbrt();
        let (mut above, mut below) = (at, at);
        above[i] += step;
        below[i] -= step;
        (f(&above) - f(&below)) / (above[i] - below[i])
    })
}

fn assert_close(gradient: [f64; 2], expected: [f64; 2], tolerance: f64) {
    for (got, wanted) in gradient.into_iter().zip(expected) {
        assert!(
            ((got - wanted) / wanted).abs() < tolerance,
            "{gradient:?} is not {expected:?}"
        );
    }
}

#[test]
fn the_gradient_of_the_model_is_right() {
    for b in [[500.0, 1e-4], [250.0, 5e-4], [238.94, 5.5e-4]] {
        for x in [77.6, 378.4, 760.0] {
            let mut gradient = [0.0; 2];
            let value = model_gradient(&b, &mut gradient, x, 1.0);
            assert!((value - model(&b, x)).abs() <= 1e-12 * value);
            assert_close(gradient, central_differences(|b| model(b, x), b), 1e-8);
            let decay = (-b[1] * x).exp();
            assert_close(gradient, [1.0 - decay, b[0] * x * decay], 1e-12);
        }
    }
}

#[test]
fn the_gradient_of_the_sum_of_squares_is_right() {
    let data = data();
    for b in [[500.0, 1e-4], [250.0, 5e-4]] {
        let mut gradient = [0.0; 2];
        let value = sum_of_squares_gradient(&b, &mut gradient, &data, 1.0);
        assert!((value - sum_of_squares(&b, &data)).abs() <= 1e-12 * value);
        assert_close(
            gradient,
            central_differences(|b| sum_of_squares(b, &data), b),
            1e-7,
        );
    }
}

#[test]
fn both_starts_reach_the_certified_values() {
    for start in [[500.0, 1e-4], [250.0, 5e-4]] {
        let found = fit(&data(), start).unwrap();
        assert!(
            digits(found.parameters[0], 2.389_421_291_8e2) >= 6.0,
            "{found:?}"
        );
        assert!(
            digits(found.parameters[1], 5.501_564_318_1e-4) >= 6.0,
            "{found:?}"
        );
        assert!(
            digits(found.residual, 1.245_513_889_4e-1) >= 6.0,
            "{found:?}"
        );
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = read(Path::new("data/nowhere.csv")).unwrap_err();
    assert!(
        format!("{error:#}").starts_with("reading data/nowhere.csv: "),
        "{error:#}"
    );
}
