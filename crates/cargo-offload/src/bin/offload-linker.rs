//! `offload-linker`: takes the command line of `cc`, and links the images of kernels too.
//!
//! rustc starts it in place of `cc` (`-Clinker=offload-linker`). It starts `clang-linker-wrapper`, which links the
//! device code in the object files, adds what registers it when the program starts, and then starts `cc` with the same
//! command line and the offload runtime.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use cargo_common::facts::Facts;
use cargo_common::failure::Failure;

/// What messages are named after.
const NAME: &str = "offload-linker";
/// The linker that rustc would have started; `cc` where it is not set.
const CC: &str = "OFFLOAD_LINKER_CC";
/// The folder of another LLVM than the toolchain's own, with `bin` and `lib`.
const LLVM: &str = "OFFLOAD_LLVM";
/// The devices that the program has images for, with commas between them. Set by `cargo offload`.
const DEVICES: &str = "OFFLOAD_DEVICES";
const WRAPPER: &str = "clang-linker-wrapper";

fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    link(&args).tell(NAME)
}

/// Becomes clang-linker-wrapper; the failure to do so is what it gives.
fn link(args: &[OsString]) -> Failure {
    let facts = match facts() {
        Ok(facts) => facts,
        Err(failure) => return failure,
    };
    let llvm = env::var_os(LLVM).map_or_else(|| facts.llvm.clone(), PathBuf::from);
    let wrapper = llvm.join("bin").join(WRAPPER);
    if !wrapper.is_file() {
        let version = &facts.llvm_version;
        return Failure::new(
            format!("{WRAPPER} is missing"),
            format!("{} is not there", wrapper.display()),
            format!(
                "work in a toolchain image of the patched channel; elsewhere install it (Debian: \
                 clang-tools-{version}, clang-{version}, lld-{version}, libomp-{version}-dev, \
                 liboffload-{version}-dev), or name the folder of another LLVM in {LLVM}"
            ),
        );
    }
    let cc = env::var_os(CC)
        .filter(|cc| !cc.is_empty())
        .unwrap_or_else(|| "cc".into());
    let Some(cc) = find(&cc) else {
        return Failure::new(
            format!("`{}` is missing", cc.display()),
            "there is no such program on PATH",
            format!("install a C compiler, or name one in {CC}"),
        );
    };
    let mut command = Command::new(&wrapper);
    let devices = env::var(DEVICES).unwrap_or_default();
    command.args(devices_flags(&facts, &devices));
    command.args(arguments(&cc, args, &llvm));
    Failure::new(
        format!("`{}` could not be started", wrapper.display()),
        command.exec().to_string(),
        "mend the installation of LLVM",
    )
}

/// The facts of the toolchain that we are part of: we stand in its folder `bin`.
fn facts() -> Result<Facts, Failure> {
    let myself = env::current_exe().unwrap_or_default();
    Facts::of(myself.ancestors().nth(2).unwrap_or(Path::new("/")))
}

/// What clang-linker-wrapper is told about devices.
fn devices_flags(facts: &Facts, devices: &str) -> Vec<String> {
    let mut flags = vec![format!(
        "--host-triple={}-unknown-linux-gnu",
        env::consts::ARCH
    )];
    // Where there is no CUDA installation, clang would choose a version of PTX that has none of today's GPUs.
    if let Some(ptx) = facts.newest_ptx(devices.split(',')) {
        flags.push(format!(
            "--device-compiler={}=--cuda-feature=+ptx{ptx}",
            facts.cuda
        ));
    }
    // Code for the host as a device uses the host's libm (`f64::sin`). It is linked on its own, before the program is.
    // The triple is that of its images, whose name is not the usual one so that GPUs are numbered first.
    flags.push(format!("--device-linker={}=-lm", facts.host_device));
    flags
}

/// The other arguments of clang-linker-wrapper, which passes on to `cc` what is not its own.
fn arguments(cc: &Path, args: &[OsString], llvm: &Path) -> Vec<OsString> {
    let library = llvm.join("lib");
    let mut linker = OsString::from("--linker-path=");
    linker.push(cc);
    let mut search = OsString::from("-L");
    search.push(&library);
    let mut run_path = OsString::from("-Wl,-rpath,");
    run_path.push(&library);
    let mut words = vec![linker];
    words.extend(args.iter().map(hidden));
    words.extend([search, run_path]);
    // The object that registers the images stands behind all of rustc's libraries, and calls `atexit`, of which libc has
    // a part in an archive: it has to be searched again.
    words.extend(["-lomptarget", "-lomp", "-lc"].map(|library| hidden(&library.into())));
    words
}

/// A library, in words that only `cc` understands: clang-linker-wrapper would look for it in the folders that are named
/// here, and fail, because those of the system are known to `cc` alone.
fn hidden(word: &OsString) -> OsString {
    let text = word.to_string_lossy();
    if text.starts_with("-l") && text.len() > 2 {
        format!("-Wl,{text}").into()
    } else {
        word.clone()
    }
}

/// The path of a program: it is not looked for again by clang-linker-wrapper.
fn find(program: &OsStr) -> Option<PathBuf> {
    if Path::new(program).components().count() > 1 {
        return Some(program.into()).filter(|path: &PathBuf| path.is_file());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_kept_between_ours() {
        let args = ["-o", "prog", "a.o", "-lc"].map(OsString::from);
        let words = arguments(Path::new("/usr/bin/cc"), &args, Path::new("/llvm"));
        assert_eq!(
            words,
            [
                "--linker-path=/usr/bin/cc",
                "-o",
                "prog",
                "a.o",
                "-Wl,-lc",
                "-L/llvm/lib",
                "-Wl,-rpath,/llvm/lib",
                "-Wl,-lomptarget",
                "-Wl,-lomp",
                "-Wl,-lc"
            ]
        );
    }

    #[test]
    fn programs_are_found_by_path_or_on_path() {
        assert!(find(OsStr::new("sh")).is_some_and(|path| path.is_absolute()));
        assert_eq!(find(OsStr::new("/bin/sh")), Some("/bin/sh".into()));
        assert_eq!(find(OsStr::new("/nowhere/cc")), None);
        assert_eq!(find(OsStr::new("no-such-program-at-all")), None);
    }
}
