//! In front of rustc, clippy-driver or rustdoc: adds the flag and the unlocking for members of the workspace.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::call::Call;
use crate::failure::Failure;

/// Which tool this executable stands in front of: `rustc` or `clippy`. Set by `command`, inherited through cargo.
pub const ROLE: &str = "CARGO_AUTODIFF_WRAPS";
/// A wrapper that the user had in the place that we take, to be started by us.
pub const NEXT: &str = "CARGO_AUTODIFF_NEXT";
/// The rustdoc that cargo would have started.
pub const RUSTDOC: &str = "CARGO_AUTODIFF_RUSTDOC";

const FLAG: &str = "-Zautodiff=Enable";
/// Enzyme cannot differentiate what rustc makes at level 0 ("cannot handle unknown binary operator" for a loop over a
/// range, for one), so the dev profile's members are compiled with the least optimisation that it can.
const OPTIMISED: &str = "-Copt-level=1";

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
        match env::var(ROLE).ok()?.as_str() {
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
    let call = Call::read(args, ROLE, RUSTDOC)?;
    let addition = addition(role, &call);
    let mut command = call.command(NEXT);
    match addition {
        Addition::Nothing => {}
        Addition::Unlock => {
            command.env("RUSTC_BOOTSTRAP", "1");
        }
        Addition::UnlockAndFlag => {
            command.env("RUSTC_BOOTSTRAP", "1").arg(FLAG);
            if lacks_optimisation(&call.words) {
                command.arg(OPTIMISED);
            }
        }
    }
    if call.is_rustdoc && addition == Addition::UnlockAndFlag {
        move_doctests(&mut command, &call.words);
    }
    if addition == Addition::UnlockAndFlag && lacks_lto(&call.words) {
        return run_without_lto(command, &call);
    }
    Err(call.not_started(&command.exec().to_string()))
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

/// Differentiation cannot work in this call. Most such crates differentiate nothing; where one does, rustc's advice
/// (set LTO in Cargo.toml) would lead astray, so the reason follows it.
fn run_without_lto(mut command: Command, call: &Call) -> Result<ExitCode, Failure> {
    let status = command
        .status()
        .map_err(|error| call.not_started(&error.to_string()))?;
    if !status.success() {
        let crate_name = call.crate_name().unwrap_or_default();
        eprintln!(
            "note: cargo autodiff: `{crate_name}` is compiled without LTO here, so nothing can be differentiated in \
             it: cargo does that where a build script or procedural macro uses a crate, or where a crate has several \
             types (such as rlib and cdylib together). It works in binaries, tests, examples, benches, cdylibs and \
             staticlibs, and in the rlibs that these use"
        );
    }
    Ok(ExitCode::from(
        status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(1),
    ))
}

/// rustdoc makes doctests in the folder for temporary files, and runs them there. In a container that is often a file
/// system from which nothing can be run (`docker run --tmpfs /tmp`); then they go next to cargo's other results.
fn move_doctests(command: &mut Command, words: &[String]) {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let results = words
        .iter()
        .find_map(|word| word.strip_prefix("dependency="))
        .map(Path::new)
        .and_then(Path::parent);
    if let Some(results) = results
        && is_noexec(&mounts, &env::temp_dir())
    {
        let folder = results.join("doctests");
        // rustdoc itself says what it could not write, if this fails.
        if fs::create_dir_all(&folder).is_ok() {
            command.env("TMPDIR", folder);
        }
    }
}

/// Whether programs in `folder` cannot be run, by the table of mounts (`/proc/self/mounts`).
fn is_noexec(mounts: &str, folder: &Path) -> bool {
    let mut best = (0, false);
    for line in mounts.lines() {
        let mut fields = line.split(' ').skip(1);
        if let (Some(point), Some(options)) = (fields.next(), fields.nth(1))
            && folder.starts_with(point)
            && point.len() >= best.0
        {
            best = (
                point.len(),
                options.split(',').any(|option| option == "noexec"),
            );
        }
    }
    best.1
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

/// Whether nothing, or 0, is said about optimisation; cargo says nothing for level 0, and never tells rustdoc.
fn lacks_optimisation(words: &[String]) -> bool {
    let level = words.iter().rev().find_map(|word| {
        let word = word.strip_prefix("-C").unwrap_or(word);
        if word == "-O" {
            Some("3")
        } else {
            word.strip_prefix("opt-level=")
        }
    });
    level.is_none_or(|level| level == "0")
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

    #[test]
    fn missing_optimisation_is_seen() {
        for line in [
            "rustc a.rs",
            "rustc a.rs -C opt-level=0",
            "rustc -O a.rs -Copt-level=0",
            "rustc -C lto=fat",
        ] {
            assert!(lacks_optimisation(&words(line)), "{line}");
        }
        for line in [
            "rustc a.rs -C opt-level=1",
            "rustc -Copt-level=s",
            "rustc -O a.rs",
            "rustc -Copt-level=0 -O",
        ] {
            assert!(!lacks_optimisation(&words(line)), "{line}");
        }
    }

    #[test]
    fn the_last_and_longest_mount_counts() {
        let mounts = "overlay / overlay ro,relatime 0 0\ntmpfs /tmp tmpfs rw,nosuid,noexec 0 0\n\
                      disk /tmp/big ext4 rw 0 0\nproc /proc proc rw,noexec 0 0\n";
        assert!(is_noexec(mounts, Path::new("/tmp")));
        assert!(is_noexec(mounts, Path::new("/tmp/x")));
        assert!(!is_noexec(mounts, Path::new("/tmp/big/x")));
        assert!(!is_noexec(mounts, Path::new("/tmpfile")));
        assert!(!is_noexec(
            &format!("{mounts}tmpfs /tmp tmpfs rw 0 0\n"),
            Path::new("/tmp/x")
        ));
        assert!(!is_noexec("", Path::new("/tmp")));
    }
}
