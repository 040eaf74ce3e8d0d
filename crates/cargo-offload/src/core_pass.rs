//! The pass that compiles `core` and `alloc` for a GPU that the toolchain has none for.
//!
//! It is a call of cargo on its own, for an empty crate, and not an option of the kernels' pass: the crates that `core`
//! asks for come from the sysroot, which would then be the place of all crates. And only `RUSTC_BOOTSTRAP` unlocks
//! `-Zbuild-std` in a cargo of the stable channel (Debian's needs nothing, because it says that it is of another one),
//! while every build script of the same call sees that variable; some compile their crates in another way then. What
//! comes out is given to the kernels' pass as cargo gives it to rustc.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use cargo_common::failure::Failure;
use cargo_common::tools;

use crate::device::Device;
use crate::device_pass::Passes;

/// The libraries that come out, and that rustc has to be told of.
const LIBRARIES: [&str; 3] = ["alloc", "compiler_builtins", "core"];

/// What `core` is compiled from.
#[derive(Debug, PartialEq, Eq)]
pub struct Sources {
    /// The folder of the empty crate.
    folder: PathBuf,
    /// The configuration with which cargo finds the crates that `core` asks for.
    config: PathBuf,
}

impl Sources {
    /// Those that a toolchain has.
    pub fn of(sysroot: &Path) -> Option<Self> {
        let share = sysroot.join("share/holoenzyme");
        let sources = Self {
            folder: share.join("core"),
            config: share.join("build-std.toml"),
        };
        (sources.folder.join("Cargo.toml").is_file() && sources.config.is_file()).then_some(sources)
    }
}

/// One pass, not yet run.
pub struct CorePass {
    /// How cargo is called.
    pub command: Command,
    device: Device,
}

impl Passes<'_> {
    /// The pass for `device`, with the compiler `rustc`. Its results are for all packages that have kernels.
    pub fn core(
        &self,
        rustc: &OsStr,
        sources: &Sources,
        device: &Device,
        triple: &str,
    ) -> CorePass {
        let mut command = Command::new(self.cargo);
        // From its own folder: the project's configuration is for the project's crates. cargo looks for what allows `-C`
        // among the options before the command, and forgets those where one of the kind follows it.
        command
            .args(["-Zunstable-options", "-Zbuild-std=core,alloc", "-C"])
            .arg(&sources.folder);
        command.arg("build").args(&self.invocation.manner_args);
        command.arg("--config").arg(&sources.config);
        command.args(["--release", "--locked", "--offline", "--target", triple]);
        // No package is called so.
        let folder = self.target_dir.join("offload/.core");
        command
            .arg("--target-dir")
            .arg(folder.join(device.to_string()));
        command.args(["--message-format", "json-render-diagnostics"]);
        command
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTC", from_anywhere(rustc))
            .env("CARGO_INCREMENTAL", "0")
            .env_remove("RUSTC_WORKSPACE_WRAPPER")
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS");
        // It becomes part of images as bitcode.
        let mut flags = vec!["-Cembed-bitcode=yes".to_string()];
        flags.extend(device.flag());
        command.env(flags_variable(triple), with_users(triple, &flags));
        command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        CorePass {
            command,
            device: device.clone(),
        }
    }
}

impl CorePass {
    /// Runs it, and gives the flags with which rustc takes what was compiled.
    pub fn run(mut self) -> Result<Vec<String>, Failure> {
        let output = self
            .command
            .output()
            .map_err(|error| tools::cargo_not_started(self.command.get_program(), &error))?;
        let failed = |why: String| {
            Failure::new(
                format!("the core library for {} does not compile", self.device),
                why,
                format!(
                    "look whether rustc knows this processor (rustc --print target-cpus --target ...), or leave {} out of \
                     --device",
                    self.device
                ),
            )
        };
        if !output.status.success() {
            let status = output.status;
            return Err(failed(format!(
                "cargo, which said why above, ended with {status}"
            )));
        }
        let libraries = libraries(&String::from_utf8_lossy(&output.stdout));
        flags(&libraries).ok_or_else(|| {
            let names = LIBRARIES.join(", ");
            failed(format!(
                "cargo's messages do not name all of {names}, and one folder for them"
            ))
        })
    }
}

/// The environment variable for flags of rustc for a triple.
pub fn flags_variable(triple: &str) -> String {
    format!(
        "CARGO_TARGET_{}_RUSTFLAGS",
        triple.to_uppercase().replace('-', "_")
    )
}

/// These flags, behind those that the user's environment has for the triple.
pub fn with_users(triple: &str, flags: &[String]) -> String {
    match env::var(flags_variable(triple)) {
        Ok(users) if !users.is_empty() => format!("{users} {}", flags.join(" ")),
        _ => flags.join(" "),
    }
}

/// A program that is named by a path, whichever folder it is started from.
fn from_anywhere(program: &OsStr) -> OsString {
    let path = Path::new(program);
    if path.components().count() < 2 {
        return program.into();
    }
    std::path::absolute(path).map_or_else(|_| program.into(), PathBuf::into_os_string)
}

/// The libraries in the messages that cargo prints, one JSON object a line: names and files.
fn libraries(printed: &str) -> Vec<(&'static str, PathBuf)> {
    let messages = printed.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let target = &message["target"];
        if message["reason"] != "compiler-artifact" || target["kind"] != json!(["lib"]) {
            return None;
        }
        let name = LIBRARIES.into_iter().find(|name| target["name"] == *name)?;
        let files = message["filenames"].as_array()?.iter();
        let mut files = files.filter_map(Value::as_str).map(PathBuf::from);
        Some((
            name,
            files.find(|file| file.extension() == Some(OsStr::new("rlib")))?,
        ))
    });
    messages.collect()
}

/// What cargo gives to rustc with `-Zbuild-std`; none where a library is missing. The folder is for what the crates
/// themselves name, by their hashes.
fn flags(libraries: &[(&str, PathBuf)]) -> Option<Vec<String>> {
    let folder = libraries.first()?.1.parent()?;
    let is_complete = LIBRARIES
        .iter()
        .all(|name| libraries.iter().filter(|(there, _)| there == name).count() == 1);
    if !is_complete
        || libraries
            .iter()
            .any(|(_, file)| file.parent() != Some(folder))
    {
        return None;
    }
    let mut flags = vec![
        "-Zunstable-options".to_string(),
        format!("-Ldependency={}", folder.to_str()?),
    ];
    for (name, file) in libraries {
        flags.push(format!("--extern=noprelude:{name}={}", file.to_str()?));
    }
    Some(flags)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;
    use crate::line;
    use crate::request::Request;
    use cargo_common::config::Config;

    const SAID: &str = r#"{"reason":"compiler-artifact","target":{"kind":["custom-build"],"name":"build-script-build"},"filenames":["/t/b"]}
no JSON
{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"compiler_builtins"},"filenames":["/t/libcompiler_builtins-1.rlib","/t/x.rmeta"]}
{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"alloc"},"filenames":["/t/liballoc-2.rlib"]}
{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"core_for_gpus"},"filenames":["/u/libcore_for_gpus.rlib"]}
{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"core"},"filenames":["/t/x.rmeta","/t/libcore-3.rlib"]}"#;

    #[test]
    fn cargo_is_called_on_its_own() {
        let line = ["build", "--device", "gfx942", "-v", "-j", "2", "-Fx"];
        let Ok(Request::Compile(call)) = cli::parse(&line.map(OsString::from)) else {
            panic!();
        };
        let passes = Passes {
            cargo: OsStr::new("cargo"),
            invocation: &call,
            config: &Config::default(),
            target_dir: Path::new("/p/target"),
            package: "k",
            image_file: "host.out",
        };
        let sources = Sources {
            folder: "/s/core".into(),
            config: "/s/build-std.toml".into(),
        };
        let device = "gfx942".parse().unwrap();
        let pass = passes.core(
            OsStr::new("/r/rustc"),
            &sources,
            &device,
            "amdgcn-amd-amdhsa",
        );
        assert_eq!(
            line::of(&pass.command),
            "env -u CARGO_ENCODED_RUSTFLAGS -u RUSTC_WORKSPACE_WRAPPER -u RUSTFLAGS CARGO_INCREMENTAL=0 \
             CARGO_TARGET_AMDGCN_AMD_AMDHSA_RUSTFLAGS='-Cembed-bitcode=yes -Ctarget-cpu=gfx942' RUSTC=/r/rustc \
             RUSTC_BOOTSTRAP=1 cargo -Zunstable-options -Zbuild-std=core,alloc -C /s/core build -v -j 2 \
             --config /s/build-std.toml --release --locked --offline --target amdgcn-amd-amdhsa \
             --target-dir /p/target/offload/.core/gfx942 --message-format json-render-diagnostics"
        );
    }

    #[test]
    fn rustc_is_told_of_the_libraries() {
        assert_eq!(
            flags(&libraries(SAID)).unwrap(),
            [
                "-Zunstable-options",
                "-Ldependency=/t",
                "--extern=noprelude:compiler_builtins=/t/libcompiler_builtins-1.rlib",
                "--extern=noprelude:alloc=/t/liballoc-2.rlib",
                "--extern=noprelude:core=/t/libcore-3.rlib"
            ]
        );
        for other in [
            SAID.replace("\"core\"", "\"std\""),
            SAID.replace("/t/liballoc", "/u/liballoc"),
            SAID.replace(".rlib", ".rmeta"),
            format!("{SAID}\n{SAID}"),
            String::new(),
        ] {
            assert_eq!(flags(&libraries(&other)), None, "{other}");
        }
    }

    #[test]
    fn a_compiler_is_found_from_anywhere() {
        assert_eq!(from_anywhere(OsStr::new("rustc")), "rustc");
        assert_eq!(from_anywhere(OsStr::new("/r/rustc")), "/r/rustc");
        let here = env::current_dir().unwrap();
        assert_eq!(
            from_anywhere(OsStr::new("r/rustc")),
            here.join("r/rustc").as_os_str()
        );
    }
}
