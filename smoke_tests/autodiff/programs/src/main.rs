//! Derivatives among the rest of Rust: panics and destructors, vectors that are given away, shared data.

#![feature(autodiff)]

use std::autodiff::{autodiff_forward, autodiff_reverse};
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[autodiff_reverse(pick_reverse, Duplicated, Const, Active)]
#[autodiff_forward(pick_forward, Dual, Const, Dual)]
fn pick(x: &[f64], i: usize) -> f64 {
    x[i] * x[0]
}

static DROPPED: AtomicUsize = AtomicUsize::new(0);

struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether `f` panics, and how many guards were dropped on the way.
fn caught(f: impl FnOnce()) -> [usize; 2] {
    let before = DROPPED.load(Ordering::Relaxed);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _guard = Guard;
        f();
    }))
    .is_err();
    [
        usize::from(panicked),
        DROPPED.load(Ordering::Relaxed) - before,
    ]
}

// It owns its argument, as what is differentiated may.
#[expect(clippy::needless_pass_by_value)]
#[autodiff_forward(norm_forward, Dual, Dual)]
fn norm(x: Vec<f64>) -> f64 {
    x.iter().map(|v| v * v).sum()
}

#[autodiff_reverse(zeros_reverse, Duplicated, Active)]
fn zeros(x: &[f64]) -> f64 {
    let mut y = vec![0.0; x.len()];
    for (to, from) in y.iter_mut().zip(x) {
        *to = from * from;
    }
    y.iter().sum()
}

#[autodiff_reverse(shared_reverse, Duplicated, Const, Active)]
fn shared(x: &[f64], scale: &Rc<f64>) -> f64 {
    let scale = Rc::clone(scale);
    x.iter().map(|v| *scale * v * v).sum()
}

fn print(case: &str, values: &[f64]) {
    println!(r#"{{"case": "{case}", "values": {values:?}}}"#);
}

fn main() {
    std::panic::set_hook(Box::new(|_| ()));
    let (x, i) = (black_box([1.0, 2.0]), black_box(5));
    let [a, b] = caught(|| {
        black_box(pick(&x, i));
    });
    let [c, d] = caught(|| {
        black_box(pick_forward(&x, &[1.0, 0.0], i));
    });
    let mut slopes = [0.0; 2];
    let [e, f] = caught(|| {
        black_box(pick_reverse(&x, &mut slopes, i, 1.0));
    });
    print(
        "panics",
        &[a, b, c, d, e, f].map(|count| f64::from(u8::try_from(count).unwrap_or(u8::MAX))),
    );
    let (value, slope) = norm_forward(vec![2.0, 3.0], vec![1.0, 0.0]);
    print("owned", &[norm(vec![2.0, 3.0]), value, slope]);
    let mut slopes = [0.0; 2];
    let value = zeros_reverse(&[2.0, 3.0], &mut slopes, 1.0);
    print("zeros", &[value, slopes[0], slopes[1]]);
    let mut slopes = [0.0; 2];
    let value = shared_reverse(&[2.0, 3.0], &mut slopes, &Rc::new(2.0), 1.0);
    print("shared", &[value, slopes[0], slopes[1]]);
    println!(r#"{{"done": 4}}"#);
}
