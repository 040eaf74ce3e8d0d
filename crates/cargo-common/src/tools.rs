//! Asking cargo and rustc, and the errors of those that cannot be asked.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::Command;

use crate::cargo_home;
use crate::failure::Failure;

/// What cargo prints of a project: `args`, and the user's `--manifest-path`.
pub fn ask_cargo(
    cargo: &OsStr,
    args: &[&str],
    manifest_path: Option<&Path>,
) -> Result<String, Failure> {
    let mut command = Command::new(cargo);
    command.args(args);
    if let Some(path) = manifest_path {
        command.arg("--manifest-path").arg(path);
    }
    give_home(&mut command);
    let output = command
        .output()
        .map_err(|error| cargo_not_started(cargo, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new(
            "no cargo project was found",
            format!("cargo says: {}", said.trim().trim_start_matches("error: ")),
            "go to the folder with your Cargo.toml (in a container: mount it, and name it with -w), or give \
             --manifest-path PATH after the command",
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// cargo answers no question without a home folder, though it puts nothing there to answer one.
pub fn give_home(command: &mut Command) {
    if !cargo_home::is_settled()
        && let Ok(here) = env::current_dir()
    {
        command.env("CARGO_HOME", here.join(cargo_home::NAME));
    }
}

/// The error of a cargo that could not be run at all.
pub fn cargo_not_started(cargo: &OsStr, error: &io::Error) -> Failure {
    Failure::new(
        format!("`{}` could not be started", cargo.display()),
        match error.kind() {
            io::ErrorKind::NotFound => "there is no such program on PATH".to_string(),
            _ => error.to_string(),
        },
        "install cargo, or add its folder to PATH",
    )
}

/// What rustc prints.
pub fn ask_rustc(rustc: &OsStr, args: &[&str]) -> Result<String, Failure> {
    let line = format!("{} {}", rustc.display(), args.join(" "));
    let output = Command::new(rustc).args(args).output().map_err(|error| {
        Failure::new(
            format!("`{line}` could not be started"),
            error.to_string(),
            "put rustc on PATH, or name it in the environment variable RUSTC",
        )
    })?;
    if !output.status.success() {
        return Err(Failure::new(
            format!("`{line}` failed"),
            format!(
                "{}: {}",
                output.status,
                String::from_utf8_lossy(&output.stderr).trim()
            ),
            "mend the installation of rustc",
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
