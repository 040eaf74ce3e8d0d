//! More of each kind.

use crate::case::Case;

mod copies;
mod loops;
#[cfg(feature = "open")]
mod open;
mod overwritten;
mod rest;
mod turns;

pub const CASES: &[&[Case]] = &[
    loops::CASES,
    overwritten::CASES,
    turns::CASES,
    copies::CASES,
    rest::CASES,
    #[cfg(feature = "open")]
    open::CASES,
];
