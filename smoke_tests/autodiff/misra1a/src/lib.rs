//! Nonlinear least squares for y = b₁ (1 - exp(-b₂ x)), with the derivatives that Enzyme makes.

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;
use std::path::Path;

use anyhow::{Context, ensure};
use levenberg_marquardt::{LeastSquaresProblem, LevenbergMarquardt};
use nalgebra::{DVector, Dyn, OMatrix, Owned, U2, Vector2};
use serde::Deserialize;
use thiserror::Error;

/// One measurement: volume `y` at pressure `x`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
pub struct Observation {
    pub y: f64,
    pub x: f64,
}

/// Reads measurements from a CSV file with the columns `y` and `x`; lines that start with `#` are comments.
///
/// # Errors
///
/// The file cannot be read, a row is not two numbers, or there are fewer rows than parameters.
pub fn read(path: &Path) -> anyhow::Result<Vec<Observation>> {
    let observations: Vec<Observation> = csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .from_path(path)
        .and_then(|reader| reader.into_deserialize().collect())
        .with_context(|| format!("reading {}", path.display()))?;
    ensure!(
        observations.len() >= 2,
        "{} has {} rows, and two parameters need at least two",
        path.display(),
        observations.len()
    );
    Ok(observations)
}

/// The model; its gradient with respect to `b` comes from the compiler.
#[autodiff_reverse(model_gradient, Duplicated, Const, Active)]
pub fn model(b: &[f64; 2], x: f64) -> f64 {
    b[0] * (1.0 - (-b[1] * x).exp())
}

/// The sum of squared residuals; the compiler differentiates through the loop over the data.
#[autodiff_reverse(sum_of_squares_gradient, Duplicated, Const, Active)]
pub fn sum_of_squares(b: &[f64; 2], data: &[Observation]) -> f64 {
    let mut sum = 0.0;
    for observation in data {
        let residual = model(b, observation.x) - observation.y;
        sum += residual * residual;
    }
    sum
}

/// The optimizer did not end at a minimum.
#[derive(Debug, Error)]
#[error("the fit from ({}, {}) did not converge: {reason}", .start[0], .start[1])]
pub struct NotConverged {
    start: [f64; 2],
    reason: String,
}

/// Where the optimizer ended.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    /// b₁, b₂
    pub parameters: [f64; 2],
    /// The sum of squared residuals there.
    pub residual: f64,
    /// How often the residuals were evaluated.
    pub evaluations: usize,
}

/// Fits the model by Levenberg and Marquardt's method.
///
/// # Errors
///
/// The optimizer gives up.
pub fn fit(data: &[Observation], start: [f64; 2]) -> Result<Fit, NotConverged> {
    let problem = Problem {
        data,
        parameters: start,
    };
    let (problem, report) = LevenbergMarquardt::new().minimize(problem);
    if !report.termination.was_successful() {
        return Err(NotConverged {
            start,
            reason: format!("{:?}", report.termination),
        });
    }
    Ok(Fit {
        parameters: problem.parameters,
        residual: sum_of_squares(&problem.parameters, data),
        evaluations: report.number_of_evaluations,
    })
}

struct Problem<'a> {
    data: &'a [Observation],
    parameters: [f64; 2],
}

impl LeastSquaresProblem<f64, Dyn, U2> for Problem<'_> {
    type ResidualStorage = Owned<f64, Dyn>;
    type JacobianStorage = Owned<f64, Dyn, U2>;
    type ParameterStorage = Owned<f64, U2>;

    fn set_params(&mut self, parameters: &Vector2<f64>) {
        self.parameters = (*parameters).into();
    }

    fn params(&self) -> Vector2<f64> {
        self.parameters.into()
    }

    fn residuals(&self) -> Option<DVector<f64>> {
        let residuals = self
            .data
            .iter()
            .map(|observation| model(&self.parameters, observation.x) - observation.y);
        Some(DVector::from_iterator(self.data.len(), residuals))
    }

    fn jacobian(&self) -> Option<OMatrix<f64, Dyn, U2>> {
        let mut jacobian = OMatrix::<f64, Dyn, U2>::zeros(self.data.len());
        for (mut row, observation) in jacobian.row_iter_mut().zip(self.data) {
            let mut gradient = [0.0; 2];
            model_gradient(&self.parameters, &mut gradient, observation.x, 1.0);
            row.copy_from_slice(&gradient);
        }
        Some(jacobian)
    }
}

/// How many digits of `value` agree with `certified`: -log₁₀ of the relative difference.
#[must_use]
pub fn digits(value: f64, certified: f64) -> f64 {
    -((value - certified) / certified).abs().log10()
}
