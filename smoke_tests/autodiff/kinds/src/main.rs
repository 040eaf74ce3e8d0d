//! A program of each kind that Enzyme once differentiated wrongly, in every mode; `oracle.py` has their derivatives.
//!
//! With the feature `variants` there are more of each.

#![feature(autodiff)]
#![allow(clippy::needless_range_loop, reason = "written as scientists write it")]

mod calls;
mod case;
mod choices;
mod copies;
mod lanes;
mod loops;
mod statics;
#[cfg(feature = "variants")]
mod variants;

fn main() {
    let mut printed = 0;
    let kinds = [
        loops::CASES,
        copies::CASES,
        choices::CASES,
        calls::CASES,
        statics::CASES,
        lanes::CASES,
    ];
    for case in kinds.into_iter().flatten() {
        printed += case.print();
    }
    #[cfg(feature = "variants")]
    for case in variants::CASES.iter().copied().flatten() {
        printed += case.print();
    }
    println!(r#"{{"done": {printed}}}"#);
}
