//! A process that does not outlive the one that started it, whatever ends that one.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{self, Command};

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

use crate::failure::Failure;

/// Who is to be outlived by us: the number of the process that started us for nothing but to become a program. The
/// kernel's promise holds for the process that asks for it, and stays when that becomes another program.
const PARENT: &str = "CARGO_AUTODIFF_TIED_TO";

/// The command, to be run by ourselves as a process that ends with this one. It has to be started by the main thread:
/// the kernel looks at the end of the thread.
pub fn to_us(command: &Command) -> io::Result<Command> {
    let mut tied = Command::new(env::current_exe()?);
    tied.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => tied.env(name, value),
            None => tied.env_remove(name),
        };
    }
    tied.env(PARENT, process::id().to_string());
    Ok(tied)
}

/// Whether we were started to become another program.
pub fn is_wanted() -> bool {
    env::var_os(PARENT).is_some()
}

/// Becomes the program in `args`; what is given is why that failed.
pub fn become_program(args: &[OsString]) -> Failure {
    let parent = env::var(PARENT).unwrap_or_default();
    let Some((program, rest)) = args.split_first() else {
        return not_started(OsStr::new(""), "no program is named");
    };
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        return not_started(program, &error.to_string());
    }
    // It may have ended before it was asked for.
    if getppid().map(|pid| pid.as_raw_nonzero().to_string()) != Some(parent) {
        process::exit(1);
    }
    let error = Command::new(program).args(rest).env_remove(PARENT).exec();
    not_started(program, &error.to_string())
}

/// Makes us end when cargo or rustdoc does, whose threads wait for what they start; of other programs that is not known,
/// and the kernel looks at the thread. Without it, that is no worse than it is for rustc itself.
pub fn to_parent() {
    let parent = getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
    let name = fs::read_to_string(format!("/proc/{parent}/comm")).unwrap_or_default();
    if matches!(name.trim_end(), "cargo" | "rustdoc") {
        let _ = set_parent_process_death_signal(Some(Signal::TERM));
    }
}

fn not_started(program: &OsStr, error: &str) -> Failure {
    Failure::new(
        format!("`{}` could not be started", program.display()),
        error,
        "check the installation, and RUSTC, RUSTDOC and the wrappers in the environment",
    )
}
