//! In front of rustc, clippy-driver or rustdoc: adds the flag and the unlocking for members of the workspace.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitCode};

use crate::call::Call;
use crate::compiler::{self, Job};
use crate::dump;
use crate::failure::Failure;
use crate::words::value_of;

/// Which tool this executable stands in front of: `rustc` or `clippy`. Set by `command`, inherited through cargo.
pub const ROLE: &str = "CARGO_AUTODIFF_WRAPS";
/// A wrapper that the user had in the place that we take, to be started by us.
pub const NEXT: &str = "CARGO_AUTODIFF_NEXT";
/// The rustdoc that cargo would have started.
pub const RUSTDOC: &str = "CARGO_AUTODIFF_RUSTDOC";

/// Says that rustdoc compiles a doctest, and where what Enzyme prints of it goes. Set by ourselves in front of rustdoc.
const DOCTEST: &str = "CARGO_AUTODIFF_DOCTEST";

const FLAG: &str = "-Zautodiff=Enable";
/// Enzyme cannot differentiate what rustc makes at level 0 ("cannot handle unknown binary operator" for a loop over a
/// range, for one), nor calls of the standard library's inner functions that are left at level 1 (dropping a `Vec`). So
/// the dev profile's members are compiled like those of the release profile.
const OPTIMISED: &str = "-Copt-level=3";
/// What rustc does by itself at level 0 alone.
const CHECKED: &str = "-Cdebug-assertions=on";
/// Enzyme finds the places of errors in debug information.
const WITH_LINES: &str = "-Cdebuginfo=line-tables-only";
/// So that programs stay what they are without it.
const STRIPPED: &str = "-Cstrip=debuginfo";

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
    let mut command = call.command(NEXT);
    if let Some(folder) = env::var_os(DOCTEST)
        && compiles_doctest(&call)
    {
        let dump = Path::new(&folder).join(format!("doctest-{}.txt", process::id()));
        return compile(command, &call, "rust_out", dump);
    }
    let addition = addition(role, &call);
    if addition != Addition::Nothing {
        command.env("RUSTC_BOOTSTRAP", "1");
    }
    if addition == Addition::UnlockAndFlag {
        command.arg(FLAG).args(flags(&call.words));
        if call.is_rustdoc {
            move_doctests(&mut command, &call.words);
            look_at_doctests(&mut command, &call.words);
        } else if role == Role::Rustc && generates(&call.words) {
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
        words: &call.words,
        crate_name,
        dump,
    };
    let code = compiler::run(command, job).map_err(|error| call.not_started(&error.to_string()))?;
    if code != 0 && lacks_lto(&call.words) {
        tell_of_lto(crate_name);
    }
    Ok(ExitCode::from(code))
}

/// What is added beside the flag, where the profile does not say the like.
fn flags(words: &[String]) -> Vec<&'static str> {
    let mut flags = Vec::new();
    if matches!(codegen(words, "opt-level", "-O").unwrap_or("0"), "0") {
        flags.push(OPTIMISED);
        if codegen(words, "debug-assertions", "").is_none() {
            flags.push(CHECKED);
        }
    }
    if matches!(
        codegen(words, "debuginfo", "-g").unwrap_or("0"),
        "0" | "none"
    ) {
        flags.push(WITH_LINES);
        if codegen(words, "strip", "").is_none() {
            flags.push(STRIPPED);
        }
    }
    flags
}

/// The value of a codegen option, the last one: `-C name=value` or `-Cname=value`; `short` is another way to write it,
/// with the highest value. (cargo says nothing of what is as rustc has it by itself, and never tells rustdoc.)
fn codegen<'a>(words: &'a [String], name: &str, short: &str) -> Option<&'a str> {
    words.iter().rev().find_map(|word| {
        let option = word.strip_prefix("-C").unwrap_or(word);
        match option.strip_prefix(name) {
            Some("") => Some("on"),
            Some(value) => value.strip_prefix('='),
            None => (word == short).then_some("3"),
        }
    })
}

/// Whether more is made than what other crates are checked with.
fn generates(words: &[String]) -> bool {
    value_of(words, "--emit").is_none_or(|kinds| {
        kinds
            .split(',')
            .any(|kind| !kind.starts_with("dep-info") && !kind.starts_with("metadata"))
    })
}

/// Whether rustdoc started us in front of rustc: it gives a doctest no name.
fn compiles_doctest(call: &Call) -> bool {
    !call.is_rustdoc
        && value_of(&call.words, "--crate-name").is_none()
        && value_of(&call.words, "--crate-type").is_some()
        && generates(&call.words)
}

/// Makes rustdoc start us in front of the rustc that compiles doctests.
fn look_at_doctests(command: &mut Command, words: &[String]) {
    let Ok(myself) = env::current_exe() else {
        return;
    };
    let folder = results(words)
        .map_or_else(env::temp_dir, PathBuf::from)
        .join(dump::FOLDER);
    command
        .args(["-Zunstable-options", "--test-builder-wrapper"])
        .arg(myself)
        .env(DOCTEST, folder);
}

/// cargo's folder for the results of the profile that rustdoc is called with.
fn results(words: &[String]) -> Option<&Path> {
    words
        .iter()
        .find_map(|word| word.strip_prefix("dependency="))
        .map(Path::new)
        .and_then(Path::parent)
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

/// rustdoc makes doctests in the folder for temporary files, and runs them there. In a container that is often a file
/// system from which nothing can be run (`docker run --tmpfs /tmp`); then they go next to cargo's other results.
fn move_doctests(command: &mut Command, words: &[String]) {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    if let Some(results) = results(words)
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
    fn what_the_profile_leaves_out_is_added() {
        let dev = [OPTIMISED, CHECKED];
        let lines = [WITH_LINES, STRIPPED];
        for (line, expected) in [
            ("rustc a.rs", [dev, lines].concat()),
            ("rustc a.rs -C opt-level=0 -g", dev.to_vec()),
            ("rustc -O a.rs -Copt-level=0 -C debuginfo=2", dev.to_vec()),
            (
                "rustc -C opt-level=0 -C debug-assertions=off -C debuginfo=2",
                vec![OPTIMISED],
            ),
            ("rustc -C opt-level=3", lines.to_vec()),
            ("rustc -Copt-level=0 -O", lines.to_vec()),
            ("rustc -O -C debuginfo=0 -C strip=symbols", vec![WITH_LINES]),
            ("rustc -Copt-level=s -C debuginfo=none", lines.to_vec()),
            ("rustc -C opt-level=1 -C debuginfo=line-tables-only", vec![]),
            ("rustc -C opt-level=1 -C debuginfo=1 -C lto", vec![]),
        ] {
            assert_eq!(flags(&words(line)), expected, "{line}");
        }
    }

    #[test]
    fn looking_generates_nothing() {
        assert!(generates(&words("rustc a.rs")));
        assert!(generates(&words(
            "rustc --emit=dep-info,metadata,link a.rs"
        )));
        assert!(generates(&words("rustc --emit llvm-ir a.rs")));
        assert!(!generates(&words("rustc --emit=dep-info,metadata a.rs")));
        assert!(!generates(&words(
            "rustc --emit=dep-info=x.d,metadata=y a.rs"
        )));
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
