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
mod device_pass;
#[path = "../../cargo-autodiff/src/toolchain.rs"]
mod enzyme;
#[path = "../../cargo-autodiff/src/failure.rs"]
mod failure;
mod host_pass;
mod line;
#[path = "../../cargo-autodiff/src/opening.rs"]
mod opening;
mod project;
mod target;
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
    // cargo passes a subcommand's own name as its first argument, so this holds inside of another `cargo offload` too.
    let is_command = args.first().is_some_and(|arg| arg == "offload");
    let outcome = match wrapper::Setting::from_env() {
        Some(setting) if !is_command => wrapper::run(&setting, &args),
        _ => command::run(&args[usize::from(is_command)..]),
    };
    outcome.unwrap_or_else(|failure| {
        eprintln!("{failure}");
        ExitCode::from(failure::EXIT_CODE)
    })
}
