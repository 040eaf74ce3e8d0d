//! `cargo autodiff`: cargo, with the members of the workspace compiled so that they can differentiate functions.
//!
//! One executable with two parts. Started as `cargo autodiff COMMAND` it sets the environment and becomes cargo
//! (`command`). cargo then starts it again in front of rustc, clippy-driver or rustdoc (`wrapper`), where it adds the
//! flag and the unlocking of unstable features for the crates that are members of the workspace, and only for those.
//! Where such a crate is compiled it stays, between rustc and cargo (`cargo_common::compiler`): what Enzyme and LLVM
//! print becomes one error in rustc's form.

mod cli;
mod command;
mod expansion;
mod handed;
mod manifest;
mod wrapper;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use cargo_common::tied;

/// What the user types, and what messages are named after.
const SUBCOMMAND: &str = "cargo autodiff";

fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    if tied::is_wanted() {
        return tied::become_program(&args).tell(SUBCOMMAND);
    }
    // cargo passes a subcommand's own name as its first argument, so this holds inside of another `cargo autodiff` too.
    let is_command = args.first().is_some_and(|arg| arg == "autodiff");
    let outcome = match wrapper::Role::from_env() {
        Some(role) if !is_command => wrapper::run(role, &args),
        _ => command::run(&args[usize::from(is_command)..]),
    };
    outcome.unwrap_or_else(|failure| failure.tell(SUBCOMMAND))
}
