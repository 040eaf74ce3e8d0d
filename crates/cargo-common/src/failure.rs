//! What failed, why, and what to do about it.

use std::fmt;
use std::process::ExitCode;

/// The exit code of errors that a subcommand finds itself; cargo's own exit codes (0, 1, 101) are passed on.
pub const EXIT_CODE: u8 = 2;

/// An error for the user.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// What failed.
    pub what: String,
    /// Why, with the facts found.
    pub why: String,
    /// What the user can do.
    pub fix: String,
}

impl Failure {
    /// An error from its three parts.
    pub fn new(what: impl Into<String>, why: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            why: why.into(),
            fix: fix.into(),
        }
    }

    /// Tells it in the name of a program (`cargo autodiff`, say), and gives the exit code to end with.
    pub fn tell(&self, program: &str) -> ExitCode {
        eprintln!("error: {program}: {self}");
        ExitCode::from(EXIT_CODE)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}\n  why: {}\n  fix: {}",
            self.what, self.why, self.fix
        )
    }
}
