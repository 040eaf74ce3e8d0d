//! A network of two layers, and the cross-entropy of what it says of a batch.

#![feature(autodiff)]

use gradients::{Numbers, Program, Version, run};
use std::autodiff::autodiff_reverse;
use std::process::ExitCode;

const INPUT: usize = 32;
const HIDDEN: usize = 48;
const CLASSES: usize = 10;
const BATCH: usize = 64;
const WEIGHTS: usize = HIDDEN * (INPUT + 1) + CLASSES * (HIDDEN + 1);

/// `activation(W x + b)`, the bias last in each row.
fn layer(weights: &[f64], x: &[f64], out: &mut [f64], activation: impl Fn(f64) -> f64) {
    let row = x.len() + 1;
    for i in 0..out.len() {
        let w = &weights[i * row..][..row];
        let mut sum = w[row - 1];
        for j in 0..x.len() {
            sum += w[j] * x[j];
        }
        out[i] = activation(sum);
    }
}

#[autodiff_reverse(d_network, Duplicated, Const, Const, Active)]
fn network(weights: &[f64], inputs: &[f64], labels: &[usize]) -> f64 {
    let (first, second) = weights.split_at(HIDDEN * (INPUT + 1));
    let mut hidden = [0.0; HIDDEN];
    let mut scores = [0.0; CLASSES];
    let mut loss = 0.0;
    for b in 0..labels.len() {
        layer(first, &inputs[b * INPUT..][..INPUT], &mut hidden, f64::tanh);
        layer(second, &hidden, &mut scores, |v| v);
        let mut sum = 0.0;
        for &score in &scores {
            sum += score.exp();
        }
        loss += sum.ln() - scores[labels[b]];
    }
    loss / labels.len() as f64
}

fn main() -> ExitCode {
    let mut numbers = Numbers::new(10);
    let at = numbers.take(WEIGHTS, 0.3);
    let inputs = numbers.take(BATCH * INPUT, 1.0);
    let labels: Vec<usize> = (0..BATCH).map(|i| i * 7 % CLASSES).collect();
    let (inputs2, labels2) = (inputs.clone(), labels.clone());
    let versions = vec![Version::rust(
        move |w| network(w, &inputs, &labels),
        move |w, g| {
            d_network(w, g, &inputs2, &labels2, 1.0);
        },
    )];
    run(&Program {
        name: "network",
        at,
        versions,
    })
}
