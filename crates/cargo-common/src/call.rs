//! A call of rustc, clippy-driver or rustdoc by cargo, with ourselves in front of it.

use std::env;
use std::ffi::OsString;
use std::process::Command;

use crate::failure::Failure;
use crate::words::{self, expand, value_of};

/// How a subcommand knows itself in front of a compiler: names of environment variables.
#[derive(Clone, Copy, Debug)]
pub struct Front {
    /// What the user types: `cargo autodiff`, say.
    pub subcommand: &'static str,
    /// Says that we are a wrapper.
    pub wraps: &'static str,
    /// A wrapper that the user had in the place that we take, to be started by us.
    pub next: &'static str,
    /// The rustdoc that cargo would have started.
    pub rustdoc: &'static str,
}

/// The call that cargo made of us.
pub struct Call<'a> {
    /// The tool to be started.
    pub program: OsString,
    /// Its arguments, as cargo gave them.
    pub args: &'a [OsString],
    /// All of them as text, with those of files in their place.
    pub words: Vec<String>,
    /// Whether the tool is rustdoc.
    pub is_rustdoc: bool,
    next: &'static str,
    crate_name: Option<String>,
    is_binary: bool,
}

impl<'a> Call<'a> {
    /// Reads it. (cargo starts us in rustdoc's place, so that is not named in `args`.)
    pub fn read(args: &'a [OsString], front: &Front) -> Result<Self, Failure> {
        let Some((first, rest)) = args.split_first() else {
            return Err(Failure::new(
                "started as a compiler wrapper without arguments",
                format!(
                    "the environment variable {} is set, so arguments of a compiler were expected",
                    front.wraps
                ),
                format!(
                    "unset {}; {} sets it for cargo alone",
                    front.wraps, front.subcommand
                ),
            ));
        };
        let is_rustdoc = first.to_string_lossy().starts_with(['-', '@']);
        let (program, rest) = if is_rustdoc {
            (
                env::var_os(front.rustdoc).unwrap_or_else(|| "rustdoc".into()),
                args,
            )
        } else {
            (first.clone(), rest)
        };
        Ok(Self {
            program,
            args: rest,
            words: expand(args),
            is_rustdoc,
            next: front.next,
            crate_name: env::var("CARGO_CRATE_NAME").ok(),
            is_binary: env::var_os("CARGO_BIN_NAME").is_some(),
        })
    }

    /// The crate that cargo compiles, where it compiles one.
    pub fn crate_name(&self) -> Option<&str> {
        self.crate_name.as_deref()
    }

    /// The call passed on, through the wrapper that the user has.
    pub fn command(&self) -> Command {
        let mut command = match env::var_os(self.next) {
            Some(next) if !self.is_rustdoc => {
                let mut command = Command::new(next);
                command.arg(&self.program);
                command
            }
            _ => Command::new(&self.program),
        };
        command.args(self.args);
        command
    }

    /// Whether rustc compiles a member of the workspace.
    pub fn compiles_member(&self) -> bool {
        words::compiles_member(&self.words, self.crate_name(), self.is_binary)
    }

    /// Whether rustdoc is about a member of the workspace.
    pub fn documents_member(&self) -> bool {
        documents(&self.words, self.crate_name())
    }

    /// Whether rustdoc tests the examples, instead of writing pages.
    pub fn is_doctest(&self) -> bool {
        self.words.iter().any(|word| word == "--test")
    }

    /// The error of a tool that could not be run at all.
    pub fn not_started(&self, error: &str) -> Failure {
        Failure::new(
            format!("`{}` could not be started", self.program.display()),
            error,
            "check the installation, and RUSTC, RUSTDOC and the wrappers in the environment",
        )
    }
}

/// cargo starts rustdoc for dependencies too: their lints are capped, the members' are not.
fn documents(words: &[String], crate_name: Option<&str>) -> bool {
    let name = value_of(words, "--crate-name");
    name.is_some() && name == crate_name && value_of(words, "--cap-lints").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn rustdoc_knows_members_by_their_lints() {
        let member = words("--edition=2024 --crate-type lib --crate-name member src/lib.rs -o doc");
        assert!(documents(&member, Some("member")));
        assert!(!documents(&member, Some("other")));
        let dependency = words("--crate-type lib --crate-name csv src/lib.rs --cap-lints allow");
        assert!(!documents(&dependency, Some("csv")));
        assert!(!documents(&words("-vV"), None));
    }
}
