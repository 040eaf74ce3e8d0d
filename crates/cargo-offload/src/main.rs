//! `cargo offload`: cargo, with the kernels of a crate compiled for devices, and the program linked with them.
//!
//! One executable with two parts. Started as `cargo offload COMMAND` it runs cargo once for each device, which
//! compiles the library with the kernels into an image, and then becomes cargo for the program itself (`command`).
//! That cargo starts it again in front of rustc or rustdoc (`wrapper`), where it adds the images and the linker for
//! the crates that are members of the workspace, and only for those: dependencies, build scripts and procedural
//! macros compile as they always do.

mod cli;
mod command;
mod core_pass;
mod dep_info;
mod device;
mod device_pass;
mod help;
mod host_pass;
mod line;
mod object;
mod project;
mod request;
mod toolchain;
mod wrapper;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use cargo_common::tied;

/// What the user types, and what messages are named after.
const SUBCOMMAND: &str = "cargo offload";

fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    if tied::is_wanted() {
        return tied::become_program(&args).tell(SUBCOMMAND);
    }
    // cargo passes a subcommand's own name as its first argument, so this holds inside of another `cargo offload` too.
    let is_command = args.first().is_some_and(|arg| arg == "offload");
    let outcome = match wrapper::Role::from_env() {
        Some(role) if !is_command => wrapper::run(&role, &args),
        _ => command::run(&args[usize::from(is_command)..]),
    };
    outcome.unwrap_or_else(|failure| failure.tell(SUBCOMMAND))
}
