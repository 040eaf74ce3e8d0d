//! The pass that compiles kernels for one device: the library with them, into an image.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use serde_json::{Value, json};

use cargo_common::config::Config;
use cargo_common::failure::Failure;
use cargo_common::tools;

use crate::core_pass::{flags_variable, with_users};
use crate::device::Device;
use crate::request::Invocation;
use crate::wrapper::{self, IMAGE};

/// What all passes of one call have in common.
pub struct Passes<'a> {
    /// The cargo that is run.
    pub cargo: &'a OsStr,
    /// What was asked for.
    pub invocation: &'a Invocation,
    /// The user's configuration of cargo.
    pub config: &'a Config,
    /// cargo's folder for results.
    pub target_dir: &'a Path,
    /// The package whose library has the kernels.
    pub package: &'a str,
    /// How rustc calls the file that it writes an image to.
    pub image_file: &'a str,
}

/// One pass, not yet run.
pub struct DevicePass {
    /// How cargo is called.
    pub command: Command,
    device: Device,
    /// Where rustc writes, and where images are kept.
    deps: PathBuf,
    /// Where the image is afterwards: always the same path for the same target, profile and package.
    image: PathBuf,
}

/// What cargo says that it made.
#[derive(Debug, PartialEq, Eq)]
struct Artifact {
    library: PathBuf,
    is_fresh: bool,
}

impl Passes<'_> {
    /// The pass for `device`: results go to a folder of its own below `target_dir`, because cargo does not tell two
    /// processors of one triple apart, nor two libraries that write an image of the same name. `core` are the flags with
    /// which rustc takes another core library than the toolchain's.
    pub fn one(
        &self,
        device: &Device,
        triple: &str,
        core: &[String],
    ) -> Result<DevicePass, Failure> {
        let Self {
            cargo,
            invocation,
            config,
            target_dir,
            package,
            image_file,
        } = self;
        let profile = &invocation.device_profile;
        let folder = target_dir
            .join("offload")
            .join(package)
            .join(device.to_string());
        let mut command = Command::new(cargo);
        command.arg("rustc").args(&invocation.shared_args);
        if !core.is_empty() {
            // Not in the environment, where blanks of paths would part them. cargo adds them to those.
            let flags = format!("target.{triple}.rustflags={}", json!(core));
            command.arg("--config").arg(flags);
        }
        if profile == "release" {
            command.arg("--release");
        } else {
            command.args(["--profile", profile]);
        }
        command.args(["--package", package, "--lib", "--crate-type", "staticlib"]);
        command
            .args(["--target", triple])
            .arg("--target-dir")
            .arg(&folder);
        command.args(["--message-format", "json-render-diagnostics"]);
        // After `--`, so that this crate alone gets them: another one would write an image of its own over it.
        command.args([
            "--",
            "-Zoffload=Device",
            "-Zunstable-options",
            "-Clto=fat",
            // Each unit would write an image of its own over it.
            "-Ccodegen-units=1",
            // Without optimisation, what no kernel calls stays in the image, and no device links what that calls.
            "-Copt-level=3",
            "-Cpanic=abort",
        ]);
        if invocation.autodiff {
            command.arg("-Zautodiff=Enable");
            // Enzyme finds the places of errors there. A GPU's image would carry it along.
            if *device == Device::Host {
                command.arg("-Cdebuginfo=line-directives-only");
            }
        }
        wrapper::look_at_kernels(&mut command, config, image_file)?;
        command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        prepare_environment(&mut command, device, triple, profile);
        let results = folder.join(triple).join(profile_folder(profile));
        Ok(DevicePass {
            command,
            device: device.clone(),
            deps: results.join("deps"),
            image: results.join(format!("{device}.out")),
        })
    }
}

impl DevicePass {
    /// Runs it, and gives the path of the image.
    pub fn run(mut self) -> Result<PathBuf, Failure> {
        let mut artifact = self.compile()?;
        let mut kept = self.kept(&artifact)?;
        if artifact.is_fresh && !kept.is_file() {
            // cargo has what it compiled once, but the image that belongs to it is gone: once more.
            let library = kept_library(&kept);
            fs::remove_file(library).map_err(|error| self.not_kept(&error))?;
            artifact = self.compile()?;
            kept = self.kept(&artifact)?;
        }
        if !kept.is_file() {
            return Err(Failure::new(
                format!("there is no image for {}", self.device),
                format!("rustc did not write one into {}", self.deps.display()),
                "look whether the library has a function with #[holoenzyme::offload_kernel]",
            ));
        }
        publish(&kept, &self.image)
            .and_then(|()| collect(&self.deps))
            .map_err(|error| self.not_kept(&error))?;
        Ok(self.image)
    }

    fn compile(&mut self) -> Result<Artifact, Failure> {
        let output = self
            .command
            .output()
            .map_err(|error| tools::cargo_not_started(self.command.get_program(), &error))?;
        if !output.status.success() {
            return Err(self.not_compiled(output.status));
        }
        let printed = String::from_utf8_lossy(&output.stdout);
        artifact(&printed).ok_or_else(|| {
            Failure::new(
                format!("cargo does not say what it compiled for {}", self.device),
                "its messages name no staticlib",
                "use the cargo of a toolchain image of this project",
            )
        })
    }

    fn not_compiled(&self, status: ExitStatus) -> Failure {
        Failure::new(
            format!("the kernels do not compile for {}", self.device),
            format!("cargo, which said why above, ended with {status}"),
            match self.device {
                Device::Host => "mend what it said",
                _ => {
                    "mend what it said; code for GPUs has no std: write `core::` there, and \
                     `#![cfg_attr(any(target_arch = \"nvptx64\", target_arch = \"amdgpu\"), no_std)]` at the top"
                }
            },
        )
    }

    fn not_kept(&self, error: &io::Error) -> Failure {
        Failure::new(
            format!("the image for {} cannot be kept", self.device),
            format!("{}: {error}", self.deps.display()),
            "make the folder writable for this user, or name another one with --target-dir",
        )
    }

    /// The image that belongs to a library: both have cargo's hash of the crate in their names, where rustc wrote them. cargo
    /// names the library as it has put it where users look, without the hash.
    fn kept(&self, artifact: &Artifact) -> Result<PathBuf, Failure> {
        library_with_hash(&self.deps, &artifact.library)
            .map(|library| image_of(&library))
            .map_err(|error| self.not_kept(&error))
    }
}

/// The file in `deps` that is the same as `library`.
fn library_with_hash(deps: &Path, library: &Path) -> io::Result<PathBuf> {
    let content = fs::read(library)?;
    for file in fs::read_dir(deps)? {
        let file = file?;
        let path = file.path();
        let is_library = path.extension() == library.extension();
        if is_library
            && file.metadata()?.len() == content.len() as u64
            && fs::read(&path)? == content
        {
            return Ok(path);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::NotFound,
        format!("none of its libraries is {}", library.display()),
    ))
}

/// `libk-HASH.a` -> `k-HASH.out`
fn image_of(library: &Path) -> PathBuf {
    let name = library.file_stem().unwrap_or_default().to_string_lossy();
    let name = name.strip_prefix("lib").unwrap_or(&name).to_string();
    library.with_file_name(format!("{name}.{IMAGE}"))
}

/// `k-HASH.out` -> `libk-HASH.a`
fn kept_library(image: &Path) -> PathBuf {
    let name = image.file_stem().unwrap_or_default().to_string_lossy();
    image.with_file_name(format!("lib{name}.a"))
}

/// Removes the images of libraries that cargo has no more; those of earlier versions of ours, told by other names, too.
fn collect(deps: &Path) -> io::Result<()> {
    for file in fs::read_dir(deps)? {
        let path = file?.path();
        if path.extension() == Some(OsStr::new(IMAGE)) && !kept_library(&path).is_file() {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// The library in the messages that cargo prints, one JSON object a line.
fn artifact(printed: &str) -> Option<Artifact> {
    printed.lines().rev().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let is_staticlib = message["reason"] == "compiler-artifact"
            && message["target"]["crate_types"] == json!(["staticlib"]);
        let library = message["filenames"][0].as_str()?;
        is_staticlib.then(|| Artifact {
            library: library.into(),
            is_fresh: message["fresh"] == true,
        })
    })
}

/// Puts the image where the program's compilation reads it, unless the same is there: by its time cargo knows whether
/// the program has to be compiled again.
fn publish(kept: &Path, image: &Path) -> io::Result<()> {
    let content = fs::read(kept)?;
    if fs::read(image).is_ok_and(|there| there == content) {
        return Ok(());
    }
    fs::write(image, content)
}

fn prepare_environment(command: &mut Command, device: &Device, triple: &str, profile: &str) {
    // What is linked into the image has to be there as bitcode, and cargo keeps it only where the profile says LTO.
    command
        .env(lto_variable(profile), "fat")
        .env("CARGO_INCREMENTAL", "0");
    let Some(cpu) = device.flag() else {
        return;
    };
    // The processor holds for dependencies too. Flags for the host's own code are nothing for a GPU; those that the
    // user has for this triple are kept.
    command
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env(flags_variable(triple), with_users(triple, &[cpu]));
}

/// The environment variable for a profile's LTO.
pub fn lto_variable(profile: &str) -> String {
    format!(
        "CARGO_PROFILE_{}_LTO",
        profile.to_uppercase().replace('-', "_")
    )
}

/// Where cargo puts results of a profile.
fn profile_folder(profile: &str) -> &str {
    match profile {
        "dev" | "test" => "debug",
        "bench" => "release",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;
    use crate::line;
    use crate::request::Request;
    use std::env;
    use std::ffi::OsString;

    fn pass(line: &str, device: &str) -> DevicePass {
        pass_with(line, device, &[])
    }

    fn pass_with(line: &str, device: &str, core: &[String]) -> DevicePass {
        let args: Vec<_> = line.split_whitespace().map(OsString::from).collect();
        let Ok(Request::Compile(call)) = cli::parse(&args) else {
            panic!("{line}");
        };
        let device: Device = device.parse().unwrap();
        let triple = match device {
            Device::Host => "x86_64-unknown-linux-gnu",
            Device::Cuda(_) => "nvptx64-nvidia-cuda",
            Device::Amd(_) => "amdgcn-amd-amdhsa",
        };
        let passes = Passes {
            cargo: OsStr::new("cargo"),
            invocation: &call,
            config: &Config::default(),
            target_dir: Path::new("/p/target"),
            package: "k",
            image_file: "device.bin",
        };
        passes.one(&device, triple, core).unwrap()
    }

    #[test]
    fn a_gpu_gets_its_processor_and_a_folder_of_its_own() {
        let found = pass("run --offline --bin x prog", "sm_90");
        assert_eq!(
            line::of(&found.command),
            format!(
                "env -u CARGO_BIN_NAME -u CARGO_CRATE_NAME -u CARGO_ENCODED_RUSTFLAGS -u CARGO_OFFLOAD_NEXT -u RUSTFLAGS \
                 CARGO_INCREMENTAL=0 CARGO_OFFLOAD_KERNELS=device.bin CARGO_PROFILE_RELEASE_LTO=fat \
                 CARGO_TARGET_NVPTX64_NVIDIA_CUDA_RUSTFLAGS=-Ctarget-cpu=sm_90 RUSTC_WORKSPACE_WRAPPER={} \
                 cargo rustc --offline --release --package k \
                 --lib --crate-type staticlib --target nvptx64-nvidia-cuda --target-dir /p/target/offload/k/sm_90 \
                 --message-format json-render-diagnostics -- \
                 -Zoffload=Device -Zunstable-options -Clto=fat -Ccodegen-units=1 -Copt-level=3 -Cpanic=abort",
                env::current_exe().unwrap().display()
            )
        );
        assert_eq!(
            found.image,
            Path::new("/p/target/offload/k/sm_90/nvptx64-nvidia-cuda/release/sm_90.out")
        );
    }

    #[test]
    fn another_core_is_taken_by_flags() {
        let flags = ["-Zunstable-options", "-Ldependency=/a b"].map(String::from);
        let line = line::of(&pass_with("build", "gfx942", &flags).command);
        let option = r#" --config 'target.amdgcn-amd-amdhsa.rustflags=["-Zunstable-options","-Ldependency=/a b"]' "#;
        assert!(line.contains(option), "{line}");
        assert!(
            line.contains("_AMDHSA_RUSTFLAGS=-Ctarget-cpu=gfx942 "),
            "{line}"
        );
    }

    #[test]
    fn the_host_keeps_the_users_flags() {
        let found = pass("test --profile fast-math --autodiff", "host");
        let line = line::of(&found.command);
        assert!(
            line.contains(
                " CARGO_INCREMENTAL=0 CARGO_OFFLOAD_KERNELS=device.bin CARGO_PROFILE_FAST_MATH_LTO=fat "
            ) && line.contains(" cargo rustc --profile fast-math "),
            "{line}"
        );
        assert!(
            line.ends_with(" -Cpanic=abort -Zautodiff=Enable -Cdebuginfo=line-directives-only"),
            "{line}"
        );
        assert!(
            found
                .image
                .ends_with("k/host/x86_64-unknown-linux-gnu/fast-math/host.out")
        );
    }

    #[test]
    fn what_cargo_made_is_read_from_its_messages() {
        let message = |kind: &str, fresh: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"kind":["lib"],"crate_types":["{kind}"]}},"filenames":["/t/lib{kind}.a"],"fresh":{fresh}}}"#
            )
        };
        let finished = r#"{"reason":"build-finished","success":true}"#;
        for (fresh, is_fresh) in [("true", true), ("false", false)] {
            let printed = [
                message("lib", "true"),
                message("staticlib", fresh),
                finished.into(),
            ]
            .join("\n");
            let library = "/t/libstaticlib.a".into();
            assert_eq!(artifact(&printed), Some(Artifact { library, is_fresh }));
        }
        assert_eq!(artifact(&message("lib", "true")), None);
        assert_eq!(artifact("no JSON"), None);
    }

    #[test]
    fn libraries_and_images_have_one_name() {
        let library = Path::new("/d/libk-0f1e.a");
        assert_eq!(image_of(library), Path::new("/d/k-0f1e.out"));
        assert_eq!(kept_library(&image_of(library)), library);
    }

    #[test]
    fn an_image_that_did_not_change_keeps_its_time() {
        let folder = env::temp_dir().join(format!("cargo-offload-publish-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (kept, image) = (folder.join("kept"), folder.join("image"));
        fs::write(&kept, "1").unwrap();
        publish(&kept, &image).unwrap();
        let old = std::time::UNIX_EPOCH;
        fs::File::open(&image).unwrap().set_modified(old).unwrap();
        publish(&kept, &image).unwrap();
        assert_eq!(fs::metadata(&image).unwrap().modified().unwrap(), old);
        fs::write(&kept, "2").unwrap();
        publish(&kept, &image).unwrap();
        assert_eq!(fs::read(&image).unwrap(), b"2");
        assert_ne!(fs::metadata(&image).unwrap().modified().unwrap(), old);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn results_go_where_cargo_puts_them() {
        let folders = ["release", "bench", "dev", "test", "x"].map(profile_folder);
        assert_eq!(folders, ["release", "release", "debug", "debug", "x"]);
    }
}
