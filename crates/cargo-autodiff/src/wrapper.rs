//! In front of rustc, clippy-driver or rustdoc: adds the flag and the unlocking for members of the workspace.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use cargo_common::call::{Call, Front};
use cargo_common::compiler::{self, Job};
use cargo_common::doctest;
use cargo_common::dump;
use cargo_common::failure::Failure;
use cargo_common::profile;

use crate::expansion;

/// Set by `command`, inherited through cargo. The first says which tool we stand in front of: `rustc` or `clippy`.
pub const FRONT: Front = Front {
    subcommand: crate::SUBCOMMAND,
    wraps: "CARGO_AUTODIFF_WRAPS",
    next: "CARGO_AUTODIFF_NEXT",
    rustdoc: "CARGO_AUTODIFF_RUSTDOC",
};

const FLAG: &str = "-Zautodiff=Enable";

/// How cargo started us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// As `RUSTC_WORKSPACE_WRAPPER`: whatever comes is a member of the workspace, or somebody's probe.
    Rustc,
    /// As `RUSTC_WRAPPER`, for `cargo clippy`, which takes the other place itself: members come as `clippy-driver`.
    Clippy,
}

impl Role {
    /// The role in the environment, if there is one.
    pub fn from_env() -> Option<Self> {
        match env::var(FRONT.wraps).ok()?.as_str() {
            "rustc" => Some(Self::Rustc),
            "clippy" => Some(Self::Clippy),
            _ => None,
        }
    }

    /// Its name in the environment.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rustc => "rustc",
            Self::Clippy => "clippy",
        }
    }
}

/// What is added to one call of the compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Addition {
    Nothing,
    Unlock,
    UnlockAndFlag,
}

/// Runs the tool in `args` (rustdoc is not named there: cargo starts us in its place).
pub fn run(role: Role, args: &[OsString]) -> Result<ExitCode, Failure> {
    let call = Call::read(args, &FRONT)?;
    let mut command = call.command();
    if let Some(dump) = doctest::dump(&call) {
        return compile(command, &call, doctest::CRATE, dump);
    }
    let addition = addition(role, &call);
    if addition != Addition::Nothing {
        command.env("RUSTC_BOOTSTRAP", "1");
    }
    if addition == Addition::UnlockAndFlag {
        command.arg(FLAG);
        command.args(profile::optimisation(&call.words));
        command.args(profile::lines(&call.words));
        if call.is_rustdoc {
            doctest::keep_runnable(&mut command, &call.words);
            doctest::look_at(&mut command, &call.words);
        } else if role == Role::Rustc && profile::generates(&call.words) {
            let crate_name = call.crate_name().unwrap_or_default();
            let dump = dump::path(&call.words, crate_name);
            return compile(command, &call, crate_name, dump);
        }
    }
    Err(call.not_started(&command.exec().to_string()))
}

/// Runs rustc for a crate that may differentiate.
fn compile(
    command: Command,
    call: &Call,
    crate_name: &str,
    dump: PathBuf,
) -> Result<ExitCode, Failure> {
    let job = Job {
        subcommand: crate::SUBCOMMAND,
        words: &call.words,
        crate_name,
        dump,
        examine: expansion::is_wanted().then_some(expansion::problems),
    };
    let code = compiler::run(command, job).map_err(|error| call.not_started(&error.to_string()))?;
    if code != 0 && lacks_lto(&call.words) {
        tell_of_lto(crate_name);
    }
    Ok(ExitCode::from(code))
}

/// What the call gets: only members of the workspace get something.
fn addition(role: Role, call: &Call) -> Addition {
    let is_probe = role == Role::Clippy
        && Path::new(&call.program).file_stem() != Some(OsStr::new("clippy-driver"));
    if call.is_rustdoc {
        match (call.documents_member(), call.is_doctest()) {
            (false, _) => Addition::Nothing,
            (true, true) => Addition::UnlockAndFlag,
            (true, false) => Addition::Unlock,
        }
    } else if !is_probe && call.compiles_member() {
        Addition::UnlockAndFlag
    } else {
        Addition::Nothing
    }
}

/// Differentiation cannot work without LTO. Most such crates differentiate nothing; where one does, rustc's advice (set
/// LTO in Cargo.toml) would lead astray, so the reason follows it.
fn tell_of_lto(crate_name: &str) {
    eprintln!(
        "note: cargo autodiff: `{crate_name}` is compiled without LTO here, so nothing can be differentiated in it: \
         cargo does that where a build script or procedural macro uses a crate, or where a crate has several types \
         (such as rlib and cdylib together). It works in binaries, tests, examples, benches, cdylibs and staticlibs, \
         and in the rlibs that these use"
    );
}

/// Whether code is generated, by a call that neither runs LTO nor leaves it to a later one.
fn lacks_lto(words: &[String]) -> bool {
    let generates = words
        .iter()
        .any(|word| word.starts_with("--emit=") && word.contains("link"));
    let has_lto = words.windows(2).any(|pair| {
        pair[0] == "-C"
            && (pair[1] == "linker-plugin-lto" || pair[1] == "lto" || pair[1] == "lto=fat")
    });
    generates && !has_lto
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn missing_lto_is_seen() {
        let emits = "rustc --crate-name m --emit=dep-info,metadata,link";
        assert!(lacks_lto(&words(&format!("{emits} -C embed-bitcode=no"))));
        assert!(lacks_lto(&words(emits)));
        for lto in ["-C lto=fat", "-C lto", "-C linker-plugin-lto"] {
            assert!(!lacks_lto(&words(&format!("{emits} {lto}"))), "{lto}");
        }
        assert!(!lacks_lto(&words(
            "rustc --crate-name m --emit=dep-info,metadata"
        )));
    }
}
