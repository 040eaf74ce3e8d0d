//! What the programs in `src/bin` have in common: numbers to work on, a check of their gradients, and measuring.

pub mod heap;
mod measure;
mod numbers;

pub use measure::{Program, Version, run};
pub use numbers::Numbers;
