//! Derivatives with respect to numbers that an argument leads to, by whatever way.

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;
use std::hint::black_box;

#[autodiff_reverse(d_pointer, Duplicated, Const, Active)]
#[inline(never)]
fn pointer(x: *const f64, n: usize) -> f64 {
    (0..n).map(|i| unsafe { *x.add(i) }).map(|x| x * x).sum()
}

struct View {
    x: *const f64,
    n: usize,
}

/// Calls another function that is differentiated: what Enzyme is told of that one's arguments holds here too.
#[autodiff_reverse(d_through_pointer, Duplicated, Active)]
fn through_pointer(view: &View) -> f64 {
    2.0 * pointer(view.x, view.n)
}

#[autodiff_reverse(d_tuples, Duplicated, Active)]
fn tuples(x: &[(u8, f64)]) -> f64 {
    x.iter().map(|&(a, x)| (f64::from(a) * x).powi(2)).sum()
}

#[autodiff_reverse(d_reordered, Duplicated, Active)]
fn reordered(pair: &(f32, f64)) -> f64 {
    let &(a, x) = pair;
    f64::from(a) * x * x
}

struct Nested {
    pair: (u8, f64),
    b: f32,
}

#[autodiff_reverse(d_nested, Duplicated, Active)]
fn nested(x: &Nested) -> f64 {
    f64::from(x.pair.0) * x.pair.1 * f64::from(x.b)
}

struct Point {
    x: f64,
    name: u16,
    y: f64,
}

#[autodiff_reverse(d_structures, Duplicated, Active)]
fn structures(p: &[Point; 2]) -> f64 {
    p[0].x * p[1].y + p[0].y * p[1].x + f64::from(p[0].name)
}

#[autodiff_reverse(d_vectors, Duplicated, Active)]
#[expect(clippy::ptr_arg, reason = "a vector's own memory is what is tested")]
fn vectors(x: &Vec<Vec<f64>>) -> f64 {
    x.iter().flatten().map(|x| x * x).sum()
}

/// Reads an `f32` before a branch, to a panic, and uses it after: from the use alone Enzyme concludes nothing.
#[autodiff_reverse(d_converted, Duplicated, Duplicated)]
fn converted(x: &[f32], out: &mut [f64]) {
    let first = f64::from(x[0]);
    let squares: f64 = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    out[1] = first * squares;
}

struct List {
    x: f64,
    next: Option<Box<List>>,
}

#[autodiff_reverse(d_list, Duplicated, Active)]
fn list(first: &List) -> f64 {
    let (mut sum, mut rest) = (0.0, Some(first));
    while let Some(one) = rest {
        sum += one.x * one.x;
        rest = one.next.as_deref();
    }
    sum
}

#[autodiff_reverse(d_option, Duplicated, Active)]
fn option(x: &Option<&f64>) -> f64 {
    x.map_or(0.0, |x| x * x)
}

fn a_list(x: [f64; 3]) -> List {
    let [first, second, third] = x.map(|x| List { x, next: None });
    let second = List {
        next: Some(Box::new(third)),
        ..second
    };
    List {
        next: Some(Box::new(second)),
        ..first
    }
}

fn show(case: &str, gradient: &[f64]) {
    println!(
        r#"{{"case": "{case}", "values": {:?}}}"#,
        black_box(gradient)
    );
}

fn main() {
    let x = black_box([2.0, 3.0]);

    let mut d = [0.0; 2];
    d_pointer(x.as_ptr(), d.as_mut_ptr(), 2, 1.0);
    show("pointer", &d);

    let mut d = [0.0; 2];
    let view = View {
        x: x.as_ptr(),
        n: 2,
    };
    let mut shadow = View {
        x: d.as_mut_ptr(),
        n: 2,
    };
    d_through_pointer(black_box(&view), &mut shadow, 1.0);
    show("through-pointer", &d);

    let mut d = [(0, 0.0); 2];
    d_tuples(black_box(&[(2, 3.0), (1, 5.0)]), &mut d, 1.0);
    show("tuples", &[d[0].1, d[1].1]);

    let mut d = (0.0, 0.0);
    d_reordered(black_box(&(2.0, 3.0)), &mut d, 1.0);
    show("reordered", &[f64::from(d.0), d.1]);

    let mut d = Nested {
        pair: (0, 0.0),
        b: 0.0,
    };
    let at = Nested {
        pair: (2, 3.0),
        b: 4.0,
    };
    d_nested(black_box(&at), &mut d, 1.0);
    show("nested", &[d.pair.1, f64::from(d.b)]);

    let point = |x, y| Point { x, name: 7, y };
    let mut d = [point(0.0, 0.0), point(0.0, 0.0)];
    d_structures(black_box(&[point(1.0, 2.0), point(3.0, 4.0)]), &mut d, 1.0);
    show("structures", &[d[0].x, d[0].y, d[1].x, d[1].y]);

    let mut d = vec![vec![0.0; 2], vec![0.0]];
    d_vectors(black_box(&vec![vec![1.0, 2.0], vec![3.0]]), &mut d, 1.0);
    show("vectors", &d.concat());

    let mut d = [0.0_f32; 2];
    d_converted(
        black_box(&[2.0, 3.0]),
        &mut d,
        &mut [0.0; 2],
        &mut [0.0, 1.0],
    );
    show("converted", &d.map(f64::from));

    let mut d = a_list([0.0; 3]);
    d_list(black_box(&a_list([1.0, 2.0, 3.0])), &mut d, 1.0);
    let second = d.next.expect("a shadow keeps its form");
    let third = second.next.expect("a shadow keeps its form");
    show("list", &[d.x, second.x, third.x]);

    let mut d = 0.0;
    let shadow: *const f64 = &raw mut d;
    // The shadow is written to, whatever the type says.
    let mut shadow = Some(unsafe { &*shadow });
    d_option(black_box(&Some(&5.0)), &mut shadow, 1.0);
    show("option", &[d]);

    println!(r#"{{"done": 10}}"#);
}
