//! A thread keeps its own copy of a static, which outlives the call.

//~? ERROR

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;
use std::cell::RefCell;

thread_local! {
    static SCRATCH: RefCell<Vec<f64>> = RefCell::new(vec![0.0; 4]);
}

#[autodiff_reverse(slope, Active, Active)]
fn kept(x: f64) -> f64 {
    SCRATCH.with_borrow_mut(|s| {
        s[1] = x * x;
        s[2] = s[1] * x;
        s[2]
    })
}

fn main() {
    println!("{:?}", slope(std::hint::black_box(1.3), 1.0));
}
