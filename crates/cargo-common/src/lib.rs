//! What our subcommands of cargo share.
//!
//! Each is one executable with two parts: the command itself, which sets the environment and becomes cargo, and what
//! stands in front of rustc and rustdoc, where cargo starts it again. The command reads its line with `opening`, asks
//! cargo and rustc with `tools`, and has its errors from `failure`. In front of a compiler `call` is what cargo asked
//! for; `compiler` stays between rustc and cargo, and makes one message in rustc's form of what Enzyme and LLVM print.

// Nobody else uses it, so what a function gives and when it fails is told in words, where it is not plain.
#![allow(clippy::missing_errors_doc, clippy::must_use_candidate)]

pub mod call;
pub mod cargo_home;
pub mod compiler;
pub mod config;
pub mod contract;
pub mod diagnostic;
pub mod doctest;
pub mod dump;
pub mod enzyme;
pub mod facts;
pub mod failure;
pub mod input;
pub mod opening;
pub mod options;
pub mod output;
pub mod places;
pub mod profile;
pub mod report;
pub mod symbols;
pub mod tied;
pub mod tools;
pub mod words;
