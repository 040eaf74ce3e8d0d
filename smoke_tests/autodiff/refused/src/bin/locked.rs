//! What a lock in a static guards is state that outlives the call.

//~? ERROR

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;
use std::sync::Mutex;

static TOTAL: Mutex<f64> = Mutex::new(0.0);

#[autodiff_reverse(slope, Active, Active)]
fn locked(x: f64) -> f64 {
    let mut total = TOTAL.lock().unwrap();
    *total = x * x;
    *total * x
}

fn main() {
    println!("{:?}", slope(std::hint::black_box(1.3), 1.0));
}
