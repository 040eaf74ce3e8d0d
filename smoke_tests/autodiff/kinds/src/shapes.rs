//! Vectors of vectors and of pairs, what calls return, enumerations that hold references or numbers, trees.

use std::borrow::Cow;

use crate::case::Case;
use crate::{gradient, single};

pub const CASES: &[Case] = &[
    copied_from_call::CASE,
    rows::CASE,
    weighted::CASE,
    made_each_turn::CASE,
    grown::CASE,
    borrowed_first::CASE,
    constants_replaced::CASE,
    vector_or_fault::CASE,
    tree::CASE,
    list::CASE,
    returned_beside::CASE,
    small_records::CASE,
    looked_up::CASE,
];

#[inline(never)]
fn scaled(a: &[f64; 3], by: f64) -> Box<[f64; 3]> {
    Box::new([a[0] * by, a[1] + by, a[2] * a[2]])
}

// What a call wrote is copied, and used where the call would be differentiated as a whole.
gradient!(copied_from_call, [0.5, 1.5, 2.5], 4, |x, n| {
    let &[a, b, c] = x else { return 0.0 };
    let all = *scaled(&[a, b, c], x[n % 3]);
    let again = all;
    all[0] * all[1] + again[2].sin()
});

// Elements that are vectors, and a copy of all of them.
gradient!(rows, [0.5, 1.5, 2.5], 4, |x, n| {
    let mut rows = vec![vec![0.5; 3]; n];
    for i in 0..n {
        rows[i][i % 3] = x[i % 3] * x[0];
    }
    rows[1][0] *= 2.0;
    let copied: Vec<Vec<f64>> = rows.iter().map(|row| row.to_vec()).collect();
    rows[0][0] = 0.25;
    rows.iter()
        .zip(&copied)
        .map(|(a, b)| a[0] * b[1] + b[2] * b[0])
        .sum()
});

// Numbers beside indices.
gradient!(weighted, [0.5, 1.5, 2.5], 4, |x, n| {
    let mut pairs = vec![(0.0, 0); n];
    for i in 0..n {
        pairs[i] = (x[i % 3] * x[0], (i + 1) % 3);
    }
    pairs[n - 1].0 += 0.5;
    pairs.iter().map(|&(weight, at)| weight * x[at]).sum()
});

#[inline(never)]
fn squared(x: &[f64], by: f64) -> Vec<f64> {
    let mut y = x.to_vec();
    for v in &mut y {
        *v *= *v * by;
    }
    y
}

// A vector that a call makes in each turn.
gradient!(made_each_turn, [0.5, 1.5, 2.5], 4, |x, n| {
    let mut sum = 0.0;
    for i in 0..n {
        let y = squared(x, x[i % 3]);
        sum = sum * 0.5 + y[i % 3] * y[(i + 1) % 3];
    }
    sum
});

// A vector that grows in a loop, then two that are walked together.
gradient!(grown, [0.5, 1.5, 2.5], 5, |x, n| {
    let mut y = Vec::new();
    for i in 0..n {
        y.push(x[i % 3] * x[i % 2]);
        if i % 2 == 0 {
            y.push(x[0] + 0.5);
        }
    }
    let weights = squared(x, 0.5);
    for (v, w) in y.iter_mut().zip(&weights) {
        *v *= w;
    }
    y.iter().map(|v| v * v).sum()
});

// Borrowed or owned: what drops it ends in a switch that leads to one block by two ways.
gradient!(borrowed_first, [0.5, 1.5, 2.5], 4, |x, n| {
    let mut y = Cow::Borrowed(x);
    if n > 3 {
        y.to_mut()[1] = x[0] * x[2];
    }
    let mut sum = 0.0;
    for v in y.iter() {
        sum += v * v;
    }
    sum
});

// Constants, or a vector with an argument in it; then a copy.
gradient!(constants_replaced, [0.5, 1.5, 2.5], 4, |x, n| {
    let mut h = vec![1.0, 2.0, 3.0];
    if n > 4 {
        h = vec![x[0], 0.0, 0.5];
    }
    let g = h.clone();
    g.iter().zip(x).map(|(a, b)| a * b * b).sum()
});

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    Few,
    Large,
}

#[inline(never)]
fn checked(x: &[f64], n: usize) -> Result<Vec<f64>, Fault> {
    if n < 2 {
        return Err(Fault::Few);
    }
    if n > 100 {
        return Err(Fault::Large);
    }
    Ok(x.iter().map(|v| v * v).collect())
}

// A small error stands where the vector's pointer would: LLVM moves both in parts.
gradient!(vector_or_fault, [0.5, 1.5, 2.5], 4, |x, n| {
    let first = checked(x, n).map_or(0.5, |y| y[0] * y[1]);
    match checked(x, n % 3) {
        Ok(y) => first + y[2],
        Err(fault) => first * if fault == Fault::Few { x[2] } else { 2.0 },
    }
});

enum Tree {
    Input(usize),
    Sum(Box<Tree>, Box<Tree>),
    Product(Box<Tree>, Box<Tree>),
}

fn value(tree: &Tree, x: &[f64]) -> f64 {
    match tree {
        Tree::Input(i) => x[*i],
        Tree::Sum(a, b) => value(a, x) + value(b, x),
        Tree::Product(a, b) => value(a, x) * value(b, x),
    }
}

// A tree of boxes, walked by a function that calls itself.
gradient!(tree, [0.5, 1.5, 2.5], 4, |x, n| {
    let mut tree = Tree::Input(2);
    for i in 0..n {
        let leaf = Box::new(Tree::Input(i % 3));
        tree = if i % 2 == 0 {
            Tree::Product(Box::new(tree), leaf)
        } else {
            Tree::Sum(leaf, Box::new(tree))
        };
    }
    value(&tree, x) + 0.5 * x[0]
});

struct Link {
    number: f64,
    next: Option<Box<Link>>,
}

// A list of boxes with numbers, and a constant, in them.
gradient!(list, [0.5, 1.5, 2.5], 5, |x, n| {
    let mut first = Box::new(Link {
        number: 3.0,
        next: None,
    });
    for i in 0..n {
        first = Box::new(Link {
            number: x[i % 3],
            next: Some(first),
        });
    }
    let mut sum = 0.0;
    let mut at = Some(&first);
    while let Some(link) = at {
        sum = 0.5 * sum * x[0] + link.number * link.number;
        at = link.next.as_ref();
    }
    sum
});

#[inline(never)]
fn largest(x: &[f64], by: f64) -> (&f64, f64) {
    let (mut found, mut score) = (&x[0], x[0] * by);
    for v in x {
        if v * by > score {
            (found, score) = (v, v * by);
        }
    }
    (found, score)
}

#[inline(never)]
fn above(x: &[f64], bound: f64) -> Option<f64> {
    x.iter().copied().find(|v| *v > bound)
}

// A number that is returned beside a reference, and one beside a flag.
gradient!(returned_beside, [0.5, 1.5, 2.5], 4, |x, n| {
    let (found, score) = largest(x, x[n % 3]);
    found * score + above(x, 1.0).unwrap_or(2.0) * x[0]
});

#[derive(Clone, Copy)]
enum Ratio {
    Of(f32),
    Fault(u8),
}

#[inline(never)]
fn ratio(a: f32, b: f32) -> Ratio {
    if b > 0.0 {
        Ratio::Of(a / b)
    } else {
        Ratio::Fault(3)
    }
}

#[inline(never)]
fn turned([a, b]: [f32; 2], [c, s]: [f32; 2]) -> [f32; 2] {
    [a * c - b * s, a * s + b * c]
}

// Records that are as small as an integer: that is how they are passed and returned.
single!(small_records, [0.5, 1.5, 0.25], 4, |x, n| {
    let mut point = [x[0], x[1]];
    for _ in 0..n {
        point = turned(point, [0.5, x[2]]);
    }
    let ratios: Vec<Ratio> = x.iter().map(|v| ratio(*v, x[1] - 1.0)).collect();
    let mut sum = point[0] + point[1] * x[0];
    for r in ratios.iter().rev() {
        sum += match *r {
            Ratio::Of(v) => v * v,
            Ratio::Fault(code) => f32::from(code),
        };
    }
    sum
});

#[inline(never)]
fn weights(k: usize) -> [f32; 2] {
    match k {
        0 => [0.5, 1.25],
        1 => [0.75, 2.0],
        2 => [1.5, 0.125],
        _ => [0.25, 0.25],
    }
}

// Constants that LLVM reads as integers from a table.
single!(looked_up, [0.5, 1.5, 2.5], 4, |x, n| {
    let mut sum = 0.0;
    for i in 0..n {
        let mut pair = weights(i);
        if i % 2 == 1 {
            pair[0] = x[0];
        }
        sum += pair[0] * pair[1] * x[i % 3];
    }
    sum
});
