//! A copy of an enumeration that holds itself, and a number where it holds an index or a vector.
//!
//! Its gradient was wrong without a word.

//~? ERROR

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;
use std::hint::black_box;

enum Term {
    Input(usize),
    Number(f64),
    Sum(Vec<Term>),
    Product(Vec<Term>),
}

fn value(term: &Term, x: &[f64]) -> f64 {
    match term {
        Term::Input(i) => x[i % x.len()],
        Term::Number(v) => *v,
        Term::Sum(terms) => terms.iter().map(|term| value(term, x)).sum(),
        Term::Product(terms) => terms.iter().map(|term| value(term, x)).product(),
    }
}

fn scaled(term: &Term, by: f64) -> Term {
    let all = |terms: &[Term]| terms.iter().map(|term| scaled(term, by)).collect();
    match term {
        Term::Input(i) => Term::Input(*i),
        Term::Number(v) => Term::Number(*v * by),
        Term::Sum(terms) => Term::Sum(all(terms)),
        Term::Product(terms) => Term::Product(all(terms)),
    }
}

fn copy(term: &Term) -> Term {
    match term {
        Term::Input(i) => Term::Input(*i),
        Term::Number(v) => Term::Number(*v),
        Term::Sum(terms) => Term::Sum(terms.iter().map(copy).collect()),
        Term::Product(terms) => Term::Product(terms.iter().map(copy).collect()),
    }
}

#[autodiff_reverse(slope, Duplicated, Const, Active)]
fn copied(x: &[f64], n: usize) -> f64 {
    let terms = Term::Sum(vec![
        Term::Product(vec![Term::Input(0), Term::Number(x[1]), Term::Input(n)]),
        Term::Number(x[2]),
        Term::Sum(vec![Term::Number(x[0] * x[1]), Term::Input(2)]),
    ]);
    value(&copy(&scaled(&terms, x[1])), x) + 0.5 * value(&terms, x)
}

fn main() {
    let mut gradient = [0.0; 3];
    println!(
        "{:?}",
        slope(
            &black_box([1.3, 0.7, 0.2]),
            &mut gradient,
            black_box(4),
            1.0
        )
    );
}
