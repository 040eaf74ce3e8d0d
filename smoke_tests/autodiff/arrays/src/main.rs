//! Derivatives of functions of the crate ndarray.

#![feature(autodiff)]

use ndarray::{Array1, ArrayView1, ArrayView2};
use std::autodiff::autodiff_reverse;

#[autodiff_reverse(dot_reverse, Duplicated, Active)]
fn dot(x: &[f64]) -> f64 {
    let v = ArrayView1::from(x);
    v.dot(&v)
}

#[autodiff_reverse(neighbours_reverse, Duplicated, Active)]
fn neighbours(x: &[f64]) -> f64 {
    let v = ArrayView1::from(x);
    v.iter()
        .zip(v.iter().skip(1))
        .map(|(a, b)| a * b)
        .sum::<f64>()
}

#[autodiff_reverse(table_reverse, Duplicated, Active)]
fn table(x: &[f64]) -> f64 {
    let m = ArrayView2::from_shape((2, 2), x).expect("there are four");
    m[[0, 0]] * m[[1, 1]] - m[[0, 1]] * m[[1, 0]]
}

#[autodiff_reverse(mapped_reverse, Duplicated, Active)]
fn mapped(x: &[f64]) -> f64 {
    let v: Array1<f64> = ArrayView1::from(x).mapv(|v| v * v);
    v.sum()
}

fn print<const N: usize>(case: &str, x: [f64; N], d: impl Fn(&[f64], &mut [f64], f64) -> f64) {
    let mut slopes = [0.0; N];
    let value = d(&std::hint::black_box(x), &mut slopes, 1.0);
    println!(
        r#"{{"case": "{case}", "values": {:?}}}"#,
        [&[value], slopes.as_slice()].concat()
    );
}

fn main() {
    print("dot", [1.0, 2.0, 3.0], dot_reverse);
    print("neighbours", [1.0, 2.0, 3.0], neighbours_reverse);
    print("table", [1.0, 2.0, 3.0, 4.0], table_reverse);
    print("mapped", [1.0, 2.0, 3.0], mapped_reverse);
    println!(r#"{{"done": 4}}"#);
}
