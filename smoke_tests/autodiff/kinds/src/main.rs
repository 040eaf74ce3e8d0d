//! A program of each kind that Enzyme once differentiated wrongly, in every mode; `oracle.py` has their derivatives.
//!
//! With the feature `variants` there are more of each.

#![feature(autodiff)]
// Written as scientists write it; several ways to write the same are the point.
#![allow(
    clippy::iter_cloned_collect,
    clippy::manual_memcpy,
    clippy::misrefactored_assign_op,
    clippy::needless_range_loop,
    clippy::obfuscated_if_else,
    clippy::useless_vec
)]

mod calls;
mod case;
mod choices;
mod copies;
mod found;
mod lanes;
mod loops;
mod records;
mod shapes;
mod twice;
#[cfg(feature = "variants")]
mod variants;

fn main() {
    let mut printed = 0;
    let kinds = [
        loops::CASES,
        copies::CASES,
        choices::CASES,
        calls::CASES,
        lanes::CASES,
        found::CASES,
        shapes::CASES,
        records::CASES,
        twice::CASES,
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
