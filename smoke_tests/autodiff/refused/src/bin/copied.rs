//! A copy of an enumeration that holds itself, and a number where it holds an index or a vector.

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;
use std::hint::black_box;

#[derive(Clone)]
enum Term {
    Input(usize),
    Number(f64),
    Sum(Vec<Term>),
    Product(Vec<Term>),
}

fn value(term: &Term, x: &[f64]) -> f64 {
    match term {
        Term::Input(i) => x[*i],
        Term::Number(v) => *v,
        Term::Sum(terms) => terms.iter().map(|term| value(term, x)).sum(),
        Term::Product(terms) => terms.iter().map(|term| value(term, x)).product(),
    }
}

#[autodiff_reverse(slope, Duplicated, Active)]
fn copied(x: &[f64]) -> f64 {
    let inner = Term::Product(vec![
        Term::Input(0),
        Term::Number(x[1]),
        Term::Sum(vec![Term::Number(x[2])]),
    ]);
    let copy = Term::Sum(vec![inner, Term::Number(x[0])]).clone();
    value(&copy, x)
}

fn main() {
    let mut gradient = [0.0; 3];
    println!(
        "{:?}",
        slope(&black_box([1.3, 0.7, 0.2]), &mut gradient, 1.0)
    );
}
