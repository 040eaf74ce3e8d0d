//! `cargo autodiff COMMAND`: sets the environment, and becomes cargo.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use cargo_common::cargo_home;
use cargo_common::config::{Config, Place};
use cargo_common::enzyme;
use cargo_common::failure::Failure;
use cargo_common::opening;
use cargo_common::tools;

use crate::cli::{self, Invocation, Kind, Request};
use crate::expansion;
use crate::manifest;
use crate::wrapper::{self, Role};

/// Does what `args` (without the leading `autodiff`) ask for; returns only where cargo was not started.
pub fn run(args: &[OsString]) -> Result<ExitCode, Failure> {
    match cli::parse(args)? {
        Request::Help => print!("{}", cli::HELP),
        Request::Version => println!("cargo-autodiff {}", env!("CARGO_PKG_VERSION")),
        Request::Cargo(invocation) => {
            opening::go_to(invocation.directory.as_deref())?;
            return Err(become_cargo(&invocation)?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Replaces this process by cargo, so that its exit code and its signals are cargo's own; the failure to do so is
/// what it gives.
fn become_cargo(invocation: &Invocation) -> Result<Failure, Failure> {
    // cargo names itself here when it starts a subcommand.
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root_manifest = locate(&cargo, invocation)?;
    let mut command = Command::new(&cargo);
    command.args(&invocation.cargo_args);
    if !cargo_home::is_settled() {
        let workspace = root_manifest.parent().unwrap_or(Path::new("."));
        let home = cargo_home::make(workspace)?;
        eprintln!(
            "note: cargo autodiff: no CARGO_HOME, and no home folder that can be written: packages are kept in {}",
            home.display()
        );
        command.env("CARGO_HOME", home);
    }
    if invocation.kind == Kind::Clippy {
        look_for_clippy()?;
    }
    if invocation.kind != Kind::Plain {
        let config = Config::read(&cargo, &invocation.config);
        prepare(&mut command, &config, invocation, &root_manifest)?;
    }
    Ok(tools::cargo_not_started(&cargo, &command.exec()))
}

/// Not every image has clippy: it is linked with one compiler, and has to be compiled with it.
fn look_for_clippy() -> Result<(), Failure> {
    const NAME: &str = "cargo-clippy";
    let path = env::var_os("PATH").unwrap_or_default();
    // cargo looks there too.
    let cargo_bin = env::var_os("CARGO_HOME").map(|home| Path::new(&home).join("bin"));
    let mut folders = env::split_paths(&path).chain(cargo_bin);
    if folders.any(|folder| folder.join(NAME).is_file()) {
        return Ok(());
    }
    Err(Failure::new(
        "clippy is not here",
        format!(
            "there is no {NAME} on PATH. clippy belongs to one compiler, and images of the patched channel come without \
             the one of theirs"
        ),
        "run `cargo autodiff clippy` in the image of the distro channel, which has it: members are the same there",
    ))
}

/// The path of the workspace's own `Cargo.toml`.
fn locate(cargo: &OsStr, invocation: &Invocation) -> Result<PathBuf, Failure> {
    let words = ["locate-project", "--workspace", "--message-format", "plain"];
    let printed = tools::ask_cargo(cargo, &words, invocation.manifest_path.as_deref())?;
    Ok(printed.trim().into())
}

/// Everything that makes cargo compile members with differentiation.
fn prepare(
    command: &mut Command,
    config: &Config,
    invocation: &Invocation,
    root: &Path,
) -> Result<(), Failure> {
    let myself = env::current_exe().map_err(|error| {
        Failure::new(
            "the path of cargo-autodiff itself is not known",
            error.to_string(),
            "run it from an ordinary file system, with /proc mounted",
        )
    })?;
    let version = enzyme::check(&config.rustc())?;
    if is_patched(&version) {
        command.env_remove(expansion::WANTED);
    } else {
        command.env(expansion::WANTED, "1");
    }

    let (role, place) = match invocation.kind {
        Kind::Clippy => (Role::Clippy, Place::RUSTC_WRAPPER),
        _ => (Role::Rustc, Place::RUSTC_WORKSPACE_WRAPPER),
    };
    command.env(wrapper::FRONT.wraps, role.name());
    // Only cargo may say that a crate is compiled; see `wrapper`.
    command
        .env_remove("CARGO_CRATE_NAME")
        .env_remove("CARGO_BIN_NAME");
    for (place, next) in [
        (place, wrapper::FRONT.next),
        (Place::RUSTDOC, wrapper::FRONT.rustdoc),
    ] {
        place.take(command, config, next, &myself, &myself);
    }

    if let Some(profile) = &invocation.profile {
        let variable = format!(
            "CARGO_PROFILE_{}_LTO",
            profile.to_uppercase().replace('-', "_")
        );
        tell_of_other_lto(&variable, profile, root);
        command.env(variable, "fat");
        // rustc refuses LTO together with incremental compilation.
        command.env("CARGO_INCREMENTAL", "0");
    }
    Ok(())
}

/// Whether a rustc has this project's patches, by what `rustc -vV` prints.
fn is_patched(version: &str) -> bool {
    version.contains("(holoenzyme)")
}

fn tell_of_other_lto(variable: &str, profile: &str, root: &Path) {
    let in_env = env::var(variable)
        .ok()
        .map(|value| (format!("{variable}={value}"), format!("\"{value}\"")));
    let in_manifest = || {
        let value = manifest::lto_setting(&fs::read_to_string(root).ok()?, profile)?;
        Some((
            format!(
                "lto = {value} for profile `{profile}` in {}",
                root.display()
            ),
            value,
        ))
    };
    if let Some((setting, value)) = in_env.or_else(in_manifest)
        && !manifest::is_fat(&value)
        && value != "\"true\""
    {
        eprintln!("note: cargo autodiff: {setting} is overridden: differentiation needs fat LTO");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_are_told_in_the_version() {
        assert!(is_patched(
            "rustc 1.96.0 (ac68faa20 2026-05-25) (holoenzyme)\n"
        ));
        assert!(!is_patched(
            "rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)\n"
        ));
    }
}
