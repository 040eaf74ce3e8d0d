//! A cell of long short-term memory over a sequence, and the squared error of what it predicts.

#![feature(autodiff)]

use gradients::{Numbers, Program, Version, run};
use std::autodiff::autodiff_reverse;
use std::process::ExitCode;

const HIDDEN: usize = 24;
const INPUT: usize = 12;
const STEPS: usize = 40;
const ROW: usize = HIDDEN + INPUT + 1;
const WEIGHTS: usize = 4 * HIDDEN * ROW + HIDDEN;

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// One gate before its activation: weights for the input, for the state, and a bias.
fn gate(row: &[f64], x: &[f64], h: &[f64]) -> f64 {
    let mut sum = row[ROW - 1];
    for i in 0..INPUT {
        sum += row[i] * x[i];
    }
    for i in 0..HIDDEN {
        sum += row[INPUT + i] * h[i];
    }
    sum
}

#[autodiff_reverse(d_lstm, Duplicated, Const, Const, Active)]
fn lstm(weights: &[f64], inputs: &[f64], targets: &[f64]) -> f64 {
    let mut h = vec![0.0; HIDDEN];
    let mut c = vec![0.0; HIDDEN];
    let mut next = vec![0.0; HIDDEN];
    let mut loss = 0.0;
    for t in 0..STEPS {
        let x = &inputs[t * INPUT..][..INPUT];
        for j in 0..HIDDEN {
            let row = |which: usize| &weights[(which * HIDDEN + j) * ROW..][..ROW];
            let forget = sigmoid(gate(row(0), x, &h));
            let input = sigmoid(gate(row(1), x, &h));
            let output = sigmoid(gate(row(2), x, &h));
            let change = gate(row(3), x, &h).tanh();
            c[j] = forget * c[j] + input * change;
            next[j] = output * c[j].tanh();
        }
        let mut predicted = 0.0;
        for j in 0..HIDDEN {
            h[j] = next[j];
            predicted += weights[4 * HIDDEN * ROW + j] * h[j];
        }
        loss += (predicted - targets[t]) * (predicted - targets[t]);
    }
    loss
}

fn main() -> ExitCode {
    let mut numbers = Numbers::new(3);
    let at = numbers.take(WEIGHTS, 0.3);
    let inputs = numbers.take(STEPS * INPUT, 1.0);
    let targets = numbers.take(STEPS, 1.0);
    let (inputs2, targets2) = (inputs.clone(), targets.clone());
    let versions = vec![Version::rust(
        move |w| lstm(w, &inputs, &targets),
        move |w, g| {
            d_lstm(w, g, &inputs2, &targets2, 1.0);
        },
    )];
    run(&Program {
        name: "lstm",
        at,
        versions,
    })
}
