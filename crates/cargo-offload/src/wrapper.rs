//! In front of rustc or rustdoc: gives the images and the linker to members of the workspace, and makes errors of what
//! Enzyme says.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use cargo_common::call::{Call, Front};
use cargo_common::compiler::{self, Job};
use cargo_common::config::{Config, Place};
use cargo_common::doctest;
use cargo_common::dump;
use cargo_common::failure::Failure;
use cargo_common::profile;
use cargo_common::words::value_of;

use crate::dep_info;

/// The images, as a list of paths. Set by `host_pass`, inherited through cargo; it says that we are a wrapper.
const IMAGES: &str = "CARGO_OFFLOAD_IMAGES";
/// The object with the images, where the linker puts them into programs.
const OBJECT: &str = "CARGO_OFFLOAD_OBJECT";
/// Whether members differentiate functions.
const AUTODIFF: &str = "CARGO_OFFLOAD_AUTODIFF";
/// Says that we are in front of the rustc that compiles kernels, and how it calls the file that it writes an image to,
/// next to the crate's object files. Set by `device_pass`.
const KERNELS: &str = "CARGO_OFFLOAD_KERNELS";
/// Set by both passes, inherited through cargo.
pub const FRONT: Front = Front {
    subcommand: crate::SUBCOMMAND,
    wraps: IMAGES,
    next: "CARGO_OFFLOAD_NEXT",
    rustdoc: "CARGO_OFFLOAD_RUSTDOC",
};
/// How the name of an image ends.
pub const IMAGE: &str = "out";
/// For `offload-linker`: the linker that rustc would have started.
const LINKER: &str = "OFFLOAD_LINKER_CC";

/// How cargo started us.
pub enum Role {
    /// For the program.
    Program(Setting),
    /// For kernels: cargo itself gives rustc everything. The file that rustc writes is named.
    Kernels(OsString),
}

impl Role {
    /// The role in the environment, if there is one.
    pub fn from_env() -> Option<Self> {
        if let Some(written) = env::var_os(KERNELS) {
            return Some(Self::Kernels(written));
        }
        Setting::from_env().map(Self::Program)
    }
}

/// Puts us in front of the rustc that compiles kernels, and writes images to files of this name.
pub fn look_at_kernels(
    command: &mut Command,
    config: &Config,
    written: &str,
) -> Result<(), Failure> {
    let myself = myself()?;
    Place::RUSTC_WORKSPACE_WRAPPER.take(command, config, FRONT.next, &myself, &myself);
    command
        .env(KERNELS, written)
        .env_remove("CARGO_CRATE_NAME")
        .env_remove("CARGO_BIN_NAME");
    Ok(())
}

/// The path of this executable.
pub fn myself() -> Result<PathBuf, Failure> {
    env::current_exe().map_err(|error| {
        Failure::new(
            "the path of cargo-offload itself is not known",
            error.to_string(),
            "run it from an ordinary file system, with /proc mounted",
        )
    })
}

/// What members are compiled with.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// The images, in the order in which they are linked.
    pub images: Vec<PathBuf>,
    /// The object with them, where the linker puts them into programs; otherwise rustc does.
    pub object: Option<PathBuf>,
    /// Whether functions are differentiated.
    pub autodiff: bool,
}

impl Setting {
    /// The setting in the environment, if there is one.
    pub fn from_env() -> Option<Self> {
        let images = env::var_os(IMAGES)?;
        Some(Self {
            images: env::split_paths(&images).collect(),
            object: env::var_os(OBJECT).map(PathBuf::from),
            autodiff: env::var_os(AUTODIFF).is_some(),
        })
    }

    /// Puts it into the environment of a command; fails for paths that can be in no list.
    pub fn give(&self, command: &mut Command) -> Result<(), Failure> {
        let wrong = self.images.iter().find(|path| {
            let text = path.to_string_lossy();
            text.contains([':', ','])
        });
        let list = env::join_paths(&self.images)
            .ok()
            .filter(|_| wrong.is_none());
        let Some(list) = list else {
            return Err(Failure::new(
                "the folder for results has a name that rustc cannot be given",
                format!(
                    "images are listed with `:` and `,` between them, and {} has one in it",
                    wrong.unwrap_or(&self.images[0]).display()
                ),
                "move the project, or name another folder with --target-dir",
            ));
        };
        command.env(IMAGES, list);
        match &self.object {
            Some(object) => command.env(OBJECT, object),
            None => command.env_remove(OBJECT),
        };
        if self.autodiff {
            command.env(AUTODIFF, "1");
        } else {
            command.env_remove(AUTODIFF);
        }
        Ok(())
    }

    fn flags(&self) -> Vec<OsString> {
        let mut list = OsString::from("-Zoffload=Host=");
        if self.object.is_none() {
            list.push(&self.images[0]);
            for image in &self.images[1..] {
                list.push(",Host=");
                list.push(image);
            }
        }
        let mut flags = vec![list, "-Zunstable-options".into()];
        if let Some(object) = &self.object {
            let mut given = OsString::from("-Clink-arg=");
            given.push(object);
            flags.push(given);
        }
        if self.autodiff {
            flags.push("-Zautodiff=Enable".into());
        }
        let mut linker = OsString::from("-Clinker=");
        linker.push(offload_linker());
        flags.push(linker);
        flags
    }
}

/// The linker next to ourselves, or the one on PATH.
fn offload_linker() -> PathBuf {
    const NAME: &str = "offload-linker";
    env::current_exe()
        .map(|myself| myself.with_file_name(NAME))
        .ok()
        .filter(|file| file.is_file())
        .unwrap_or_else(|| NAME.into())
}

/// Runs the tool in `args` (rustdoc is not named there: cargo starts us in its place).
pub fn run(role: &Role, args: &[OsString]) -> Result<ExitCode, Failure> {
    let call = Call::read(args, &FRONT)?;
    let mut command = call.command();
    if let Some(dump) = doctest::dump(&call) {
        return compile(command, &call, doctest::CRATE, dump).map(ExitCode::from);
    }
    let is_member = if call.is_rustdoc {
        call.documents_member() && call.is_doctest()
    } else {
        call.compiles_member()
    };
    let differentiates = match role {
        Role::Kernels(written) if is_member && makes_image(&call.words) => {
            return compile_kernels(command, &call, written).map(ExitCode::from);
        }
        Role::Program(setting) if is_member => {
            if let Some(linker) = linker_of(&call.words) {
                command.env(LINKER, linker);
            }
            command.args(setting.flags());
            if setting.autodiff {
                command.args(profile::optimisation(&call.words));
                command.args(profile::lines(&call.words));
            }
            setting.autodiff
        }
        Role::Kernels(_) | Role::Program(_) => false,
    };
    let object = match role {
        Role::Program(setting) if is_member && !call.is_rustdoc => setting.object.as_deref(),
        _ => None,
    };
    if differentiates && call.is_rustdoc {
        doctest::keep_runnable(&mut command, &call.words);
        doctest::look_at(&mut command, &call.words);
    } else if differentiates && profile::generates(&call.words) {
        let crate_name = call.crate_name().unwrap_or_default();
        let dump = dump::path(&call.words, crate_name);
        let code = compile(command, &call, crate_name, dump)?;
        return depend_on(object, &call, code).map(ExitCode::from);
    } else if object.is_some() {
        let code = compiler::run_plainly(&command)
            .map_err(|error| call.not_started(&error.to_string()))?;
        return depend_on(object, &call, code).map(ExitCode::from);
    }
    Err(call.not_started(&command.exec().to_string()))
}

/// Runs rustc for a crate that may differentiate.
fn compile(command: Command, call: &Call, crate_name: &str, dump: PathBuf) -> Result<u8, Failure> {
    let job = Job {
        subcommand: crate::SUBCOMMAND,
        words: &call.words,
        crate_name,
        dump,
        // Kernels are compiled with a patched compiler, which hands on everything.
        examine: None,
    };
    compiler::run(command, job).map_err(|error| call.not_started(&error.to_string()))
}

/// Tells cargo to compile the crate again where the object with the images changed: rustc knows of no file that only the
/// linker reads. Gives rustc's exit code.
fn depend_on(object: Option<&Path>, call: &Call, code: u8) -> Result<u8, Failure> {
    let (Some(object), 0) = (object, code) else {
        return Ok(code);
    };
    let rules = result(call, "d");
    dep_info::add(&rules, object).map_err(|error| {
        Failure::new(
            "cargo cannot be told what the program is made of",
            error.to_string(),
            "make the folder for results writable for this user, or name another one with --target-dir",
        )
    })?;
    Ok(code)
}

/// Runs rustc for the library with the kernels, and gives the image that it writes the name of the crate's other results,
/// in which cargo's hash of the crate is. rustc gives all images one name, whichever features or flags they come of.
/// cargo takes the library for compiled once this process has ended well, so it never has one without its image.
fn compile_kernels(command: Command, call: &Call, written: &OsStr) -> Result<u8, Failure> {
    let crate_name = call.crate_name().unwrap_or_default();
    let kept = result(call, IMAGE);
    let written = kept.with_file_name(written);
    for old in [&written, &kept] {
        match fs::remove_file(old) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(not_kept(old, &error));
            }
            _ => {}
        }
    }
    let code = if call.words.iter().any(|word| word == "-Zautodiff=Enable") {
        let dump = dump::path(&call.words, crate_name);
        compile(command, call, crate_name, dump)?
    } else {
        compiler::run_plainly(&command).map_err(|error| call.not_started(&error.to_string()))?
    };
    if code == 0 && written.is_file() {
        fs::rename(&written, &kept).map_err(|error| not_kept(&kept, &error))?;
    }
    Ok(code)
}

/// The path of a crate's result, in whose name cargo's hash of the crate is.
fn result(call: &Call, extension: &str) -> PathBuf {
    let folder = value_of(&call.words, "--out-dir").map_or_else(PathBuf::new, PathBuf::from);
    let crate_name = call.crate_name().unwrap_or_default();
    let hash = codegen(&call.words, "extra-filename").unwrap_or_default();
    folder.join(format!("{crate_name}{hash}.{extension}"))
}

fn not_kept(image: &Path, error: &io::Error) -> Failure {
    Failure::new(
        format!("{} cannot be written", image.display()),
        error.to_string(),
        "make the folder writable for this user, or name another one with --target-dir",
    )
}

/// Whether this is the call that cargo was told to give the flag: the library with the kernels, for a device.
fn makes_image(words: &[String]) -> bool {
    words.iter().any(|word| word == "-Zoffload=Device")
}

/// The linker that the user's configuration names, the last one.
fn linker_of(words: &[String]) -> Option<&Path> {
    codegen(words, "linker").map(Path::new)
}

/// The value of an option of code generation, the last one: `-C name=value` or `-Cname=value`.
fn codegen<'a>(words: &'a [String], name: &str) -> Option<&'a str> {
    (0..words.len()).rev().find_map(|at| {
        let option = match words[at].strip_prefix("-C") {
            Some("") | None => at
                .checked_sub(1)
                .and_then(|before| (words[before] == "-C").then_some(words[at].as_str()))?,
            Some(option) => option,
        };
        option.strip_prefix(name)?.strip_prefix('=')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn images_are_given_in_order() {
        let setting = Setting {
            images: ["/b/host.out", "/a/host.out"].map(PathBuf::from).into(),
            object: None,
            autodiff: true,
        };
        let flags = setting.flags();
        assert_eq!(
            flags[..3],
            [
                "-Zoffload=Host=/b/host.out,Host=/a/host.out",
                "-Zunstable-options",
                "-Zautodiff=Enable"
            ]
        );
        assert!(flags[3].to_string_lossy().starts_with("-Clinker="));
    }

    #[test]
    fn the_linker_is_given_the_object() {
        let setting = Setting {
            images: vec!["/b/host.out".into()],
            object: Some("/with a blank/images.o".into()),
            autodiff: false,
        };
        assert_eq!(
            setting.flags()[..3],
            [
                "-Zoffload=Host=",
                "-Zunstable-options",
                "-Clink-arg=/with a blank/images.o"
            ]
        );
    }

    #[test]
    fn a_path_that_cannot_be_listed_is_refused() {
        for path in ["/a:b/host.out", "/a,b/host.out"] {
            let setting = Setting {
                images: vec![path.into()],
                object: None,
                autodiff: false,
            };
            let failure = setting.give(&mut Command::new("cargo")).unwrap_err();
            assert!(failure.why.contains(path), "{failure}");
        }
    }

    #[test]
    fn the_users_linker_is_kept() {
        for (line, linker) in [
            (
                "rustc -C linker=clang -C opt-level=3 -Clinker=my-cc",
                Some("my-cc"),
            ),
            ("rustc -C linker=clang -O", Some("clang")),
            ("rustc -C link-arg=-fuse-ld=lld", None),
            ("rustc --cfg linker=x -C opt-level=3", None),
        ] {
            assert_eq!(linker_of(&words(line)), linker.map(Path::new), "{line}");
        }
    }
}
