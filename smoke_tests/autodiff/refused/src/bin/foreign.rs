//! A function of a C library, which Enzyme cannot see into.

//~? ERROR

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;
use std::ffi::{CStr, c_char, c_int};

unsafe extern "C" {
    fn strtod(text: *const c_char, end: *mut *mut c_char) -> f64;
    fn frexp(x: f64, exponent: *mut c_int) -> f64;
    fn remquo(x: f64, y: f64, quotient: *mut c_int) -> f64;
}

#[autodiff_reverse(slope, Active, Active)]
fn foreign(x: f64) -> f64 {
    let (text, mut exponent): (&CStr, c_int) = (c"2.5", 0);
    // SAFETY: as C has it.
    unsafe {
        let scale = strtod(text.as_ptr(), std::ptr::null_mut());
        remquo(x * x, scale, &mut exponent) + frexp(x, &mut exponent)
    }
}

fn main() {
    println!("{:?}", slope(std::hint::black_box(1.3), 1.0));
}
