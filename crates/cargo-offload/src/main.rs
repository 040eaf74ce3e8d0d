//! `cargo offload`: cargo, with the kernels of a crate compiled for devices, and the program linked with them.
//!
//! One executable with two parts. Started as `cargo offload COMMAND` it runs cargo once for each device target, which
//! compiles the library with the kernels into an image, and then becomes cargo for the program itself (`command`).
//! That cargo starts it again in front of rustc or rustdoc (`wrapper`), where it adds the images and the linker for
//! the crates that are members of the workspace, and only for those: dependencies, build scripts and procedural
//! macros compile as they always do.

#[path = "../../cargo-autodiff/src/call.rs"]
mod call;
#[path = "../../cargo-autodiff/src/cargo_home.rs"]
mod cargo_home;
mod cli;
mod command;
#[path = "../../cargo-autodiff/src/compiler.rs"]
mod compiler;
#[path = "../../cargo-autodiff/src/contract.rs"]
mod contract;
mod device_pass;
#[path = "../../cargo-autodiff/src/diagnostic.rs"]
mod diagnostic;
#[path = "../../cargo-autodiff/src/doctest.rs"]
mod doctest;
#[path = "../../cargo-autodiff/src/dump.rs"]
mod dump;
#[path = "../../cargo-autodiff/src/toolchain.rs"]
mod enzyme;
#[path = "../../cargo-autodiff/src/failure.rs"]
mod failure;
mod host_pass;
#[path = "../../cargo-autodiff/src/input.rs"]
mod input;
mod line;
#[path = "../../cargo-autodiff/src/opening.rs"]
mod opening;
#[path = "../../cargo-autodiff/src/output.rs"]
mod output;
#[path = "../../cargo-autodiff/src/places.rs"]
mod places;
#[path = "../../cargo-autodiff/src/profile.rs"]
mod profile;
mod project;
#[path = "../../cargo-autodiff/src/report.rs"]
mod report;
#[path = "../../cargo-autodiff/src/symbols.rs"]
mod symbols;
mod target;
#[path = "../../cargo-autodiff/src/tied.rs"]
mod tied;
mod toolchain;
#[path = "../../cargo-autodiff/src/tools.rs"]
mod tools;
#[path = "../../cargo-autodiff/src/words.rs"]
mod words;
mod wrapper;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

/// What messages and temporary files are named after.
const NAME: &str = "cargo-offload";

fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    if tied::is_wanted() {
        return fail(&tied::become_program(&args));
    }
    // cargo passes a subcommand's own name as its first argument, so this holds inside of another `cargo offload` too.
    let is_command = args.first().is_some_and(|arg| arg == "offload");
    let outcome = match wrapper::Role::from_env() {
        Some(role) if !is_command => wrapper::run(&role, &args),
        _ => command::run(&args[usize::from(is_command)..]),
    };
    outcome.unwrap_or_else(|failure| fail(&failure))
}

fn fail(failure: &failure::Failure) -> ExitCode {
    eprintln!("{failure}");
    ExitCode::from(failure::EXIT_CODE)
}
