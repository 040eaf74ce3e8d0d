//! `cargo offload COMMAND`: a pass of cargo for each device, and then cargo for the program.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use cargo_common::cargo_home;
use cargo_common::config::Config;
use cargo_common::enzyme;
use cargo_common::facts;
use cargo_common::failure::Failure;
use cargo_common::opening;
use cargo_common::tools;

use crate::cli;
use crate::device::Device;
use crate::device_pass::Passes;
use crate::help;
use crate::host_pass::{self, Linked};
use crate::line;
use crate::project::{self, Project};
use crate::request::{Invocation, Request};
use crate::toolchain::Toolchain;

/// Does what `args` (without the leading `offload`) ask for; returns only where cargo was not started for the program.
pub fn run(args: &[OsString]) -> Result<ExitCode, Failure> {
    // cargo names itself here when it starts a subcommand.
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    match cli::parse(args)? {
        Request::Help => print!("{}", help::HELP),
        Request::Version => println!("cargo-offload {}", env!("CARGO_PKG_VERSION")),
        Request::Plain(plain) => {
            opening::go_to(plain.directory.as_deref())?;
            let project = Project::read(&cargo, plain.manifest_path.as_deref())?;
            let mut command = Command::new(&cargo);
            command.args(plain.args);
            if let Some(home) = home(&project)? {
                command.env("CARGO_HOME", home);
            }
            return Err(tools::cargo_not_started(&cargo, &command.exec()));
        }
        Request::Compile(invocation) => return compile(&cargo, &invocation),
    }
    Ok(ExitCode::SUCCESS)
}

fn compile(cargo: &OsStr, invocation: &Invocation) -> Result<ExitCode, Failure> {
    opening::go_to(invocation.directory.as_deref())?;
    if let Some(devices) = &invocation.old_spelling {
        eprintln!(
            "note: cargo offload: what kernels are compiled for is named with `--device {devices}`; the next release \
             takes `--target` as cargo does"
        );
    }
    let config = Config::read(cargo, &invocation.config);
    let rustc = config.rustc();
    let triple = invocation.triple.clone().or_else(|| config.text("target"));
    let toolchain = Toolchain::read(&rustc, triple.as_deref())?;
    if invocation.autodiff {
        enzyme::check(&rustc)?;
    }
    let sources = invocation
        .devices
        .iter()
        .map(|device| toolchain.check(device, invocation.builds_std))
        .collect::<Result<Vec<_>, _>>()?;
    let manifest_path = invocation.manifest_path.as_deref();
    let project = Project::read(cargo, manifest_path)?;
    let here = project::current_manifest(cargo, manifest_path);
    let kernels = project.kernels(invocation.kernels.as_deref(), here.as_deref())?;
    let home = home(&project)?;
    let target_dir = target_dir(&project, invocation)?;

    let passes = Passes {
        cargo,
        invocation,
        config: &config,
        target_dir: &target_dir,
        package: &kernels.name,
        image_file: &toolchain.facts.image_file,
    };
    let mut images = Vec::with_capacity(invocation.devices.len());
    for (device, sources) in invocation.devices.iter().zip(sources) {
        let triple = toolchain.triple(device);
        let core = if let Some(sources) = sources {
            let mut pass = passes.core(&rustc, &sources, device, triple);
            settle(&mut pass.command, home.as_deref(), invocation.verbose);
            pass.run()?
        } else {
            Vec::new()
        };
        let mut pass = passes.one(device, triple, &core)?;
        settle(&mut pass.command, home.as_deref(), invocation.verbose);
        images.push(pass.run()?);
    }
    let linked = Linked {
        images,
        by: toolchain.facts.linked_by,
        host: toolchain.triple(&Device::Host),
        host_device: &toolchain.facts.host_device,
    };
    let mut command = host_pass::command(cargo, invocation, &target_dir, &config, linked)?;
    let devices: Vec<String> = invocation.devices.iter().map(Device::to_string).collect();
    command
        .env(facts::PATH, &toolchain.facts.path)
        .env("OFFLOAD_DEVICES", devices.join(","));
    settle(&mut command, home.as_deref(), invocation.verbose);
    // Replaces this process by cargo, so that its exit code and its signals are cargo's own.
    Err(tools::cargo_not_started(cargo, &command.exec()))
}

fn settle(command: &mut Command, home: Option<&Path>, verbose: bool) {
    if let Some(home) = home {
        command.env("CARGO_HOME", home);
    }
    if verbose {
        eprintln!("+ {}", line::of(command));
    }
}

/// The folder for downloaded packages, where cargo finds none by itself.
fn home(project: &Project) -> Result<Option<PathBuf>, Failure> {
    if cargo_home::is_settled() {
        return Ok(None);
    }
    let home = cargo_home::make(&project.root)?;
    eprintln!(
        "note: cargo offload: no CARGO_HOME, and no home folder that can be written: packages are kept in {}",
        home.display()
    );
    Ok(Some(home))
}

fn target_dir(project: &Project, invocation: &Invocation) -> Result<PathBuf, Failure> {
    let Some(folder) = &invocation.target_dir else {
        return Ok(project.target_dir.clone());
    };
    std::path::absolute(folder).map_err(|error| {
        Failure::new(
            format!("--target-dir {} is no folder", folder.display()),
            error.to_string(),
            "name another one, or leave it out",
        )
    })
}
