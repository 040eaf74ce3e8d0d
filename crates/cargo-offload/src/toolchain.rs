//! The compiler that cargo will use, and whether everything is there that a target needs: what is missing would
//! otherwise be noticed late, and in other words.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use cargo_common::failure::Failure;
use cargo_common::tools::ask_rustc;

use crate::target::Target;

/// The compiler.
#[derive(Debug, PartialEq, Eq)]
pub struct Toolchain {
    /// The triple that it runs on.
    pub host: String,
    sysroot: PathBuf,
    version: String,
}

impl Toolchain {
    /// Asks rustc, and checks that it offloads at all.
    pub fn read(rustc: &OsStr) -> Result<Self, Failure> {
        let told = ask_rustc(rustc, &["-vV"])?;
        let field = |name: &str| told.lines().find_map(|line| line.strip_prefix(name));
        let version = told.lines().next().unwrap_or_default().to_string();
        let Some(host) = field("host: ") else {
            return Err(Failure::new(
                format!("`{} -vV` does not name its host", rustc.display()),
                format!("it printed:\n{told}"),
                "put rustc on PATH, or name one in the environment variable RUSTC",
            ));
        };
        ask_rustc(
            rustc,
            &["-Zunstable-options", "-Zoffload=Device", "--version"],
        )
        .map_err(|failure| {
            Failure::new(
                "this rustc does not offload",
                format!("{version} refuses -Zoffload: {}", failure.why),
                "work in a toolchain image of the patched channel (patched-1.96-host, ...)",
            )
        })?;
        let sysroot = ask_rustc(rustc, &["--print", "sysroot"])?;
        Ok(Self {
            host: host.to_string(),
            sysroot: sysroot.trim().into(),
            version,
        })
    }

    /// Checks what a target needs: `core` compiled for it, and programs. Gives the configuration with which cargo has
    /// to compile `core` itself, where it has to; with `builds_std` the user has seen to that.
    pub fn check(&self, target: &Target, builds_std: bool) -> Result<Option<PathBuf>, Failure> {
        Self::check_programs(target)?;
        let triple = target.triple(&self.host);
        let folder = self.sysroot.join("lib/rustlib").join(triple).join("lib");
        let is_for = self.core_is_for(triple);
        let is_other = matches!((&is_for, target.cpu()), (Some(there), Some(cpu)) if there != cpu);
        if builds_std || (has_core(&folder) && !is_other) {
            return Ok(None);
        }
        let config = self.sysroot.join("share/holoenzyme/build-std.toml");
        if config.is_file() && *target != Target::Host {
            return Ok(Some(config));
        }
        Err(Failure::new(
            format!("the core library for {target} is missing"),
            match is_for.filter(|_| is_other) {
                Some(there) => format!("the one in {} is compiled for {there}", folder.display()),
                None => format!(
                    "there is no libcore-*.rlib in {}, where {} looks for it ({triple})",
                    folder.display(),
                    self.version
                ),
            },
            format!(
                "work in a toolchain image of the patched channel, or let cargo compile it with `-Zbuild-std=core` \
                 (needs the library's source, and RUSTC_BOOTSTRAP=1 for a stable cargo), or leave {target} out of \
                 --target"
            ),
        ))
    }

    /// The processor that the compiled `core` of a triple is for, where code for one does not run on another.
    fn core_is_for(&self, triple: &str) -> Option<String> {
        let text = fs::read_to_string(self.sysroot.join("share/holoenzyme/core.json")).ok()?;
        let processors: Value = serde_json::from_str(&text).ok()?;
        processors[triple].as_str().map(String::from)
    }

    fn check_programs(target: &Target) -> Result<(), Failure> {
        let (needed, fix) = match target {
            Target::Host => (&[][..], String::new()),
            Target::Cuda(_) => (
                &["ptxas", "nvlink"][..],
                "work in the toolchain image of an sm_* cell (patched-1.96-sm_90), or put NVIDIA's own on PATH: its \
                 wheel nvidia-cuda-nvcc has both"
                    .to_string(),
            ),
            Target::Amd(_) => (
                &["lld"][..],
                "work in a toolchain image of the patched channel, or install lld".to_string(),
            ),
        };
        let missing: Vec<&str> = needed
            .iter()
            .copied()
            .filter(|name| find(name).is_none())
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Failure::new(
            format!(
                "{} to link code for {target} is missing",
                missing.join(" and ")
            ),
            format!("no such program is on PATH or in {LLVM_TOOLS}"),
            fix,
        ))
    }
}

fn has_core(folder: &Path) -> bool {
    let Ok(files) = folder.read_dir() else {
        return false;
    };
    files.filter_map(Result::ok).any(|file| {
        let name = file.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libcore-") && name.ends_with(".rlib")
    })
}

/// Where Debian's packages put programs that are not on PATH.
const LLVM_TOOLS: &str = "/usr/lib/llvm-22/bin";

/// A program on PATH, or among LLVM's own.
fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain([PathBuf::from(LLVM_TOOLS)])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// The rustc that cargo will start.
pub fn rustc() -> OsString {
    env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_compiler_that_is_not_there_is_named() {
        let failure = Toolchain::read(OsStr::new("/nowhere/rustc")).unwrap_err();
        assert_eq!(failure.what, "`/nowhere/rustc -vV` could not be started");
    }

    #[test]
    fn core_is_looked_for_by_target() {
        let sysroot = env::temp_dir().join(format!("cargo-offload-core-{}", std::process::id()));
        let library = sysroot.join("lib/rustlib/x86_64-unknown-linux-gnu/lib");
        fs::create_dir_all(&library).unwrap();
        fs::write(library.join("libcore-0.rlib"), "").unwrap();
        let toolchain = Toolchain {
            host: "x86_64-unknown-linux-gnu".to_string(),
            sysroot: sysroot.clone(),
            version: "rustc 1.96.0".to_string(),
        };
        assert_eq!(toolchain.check(&Target::Host, false), Ok(None));
        assert_eq!(toolchain.core_is_for("amdgcn-amd-amdhsa"), None);

        let share = sysroot.join("share/holoenzyme");
        fs::create_dir_all(&share).unwrap();
        let list = r#"{"amdgcn-amd-amdhsa": "gfx90a", "nvptx64-nvidia-cuda": null}"#;
        fs::write(share.join("core.json"), list).unwrap();
        assert_eq!(
            toolchain.core_is_for("amdgcn-amd-amdhsa").as_deref(),
            Some("gfx90a")
        );
        assert_eq!(toolchain.core_is_for("nvptx64-nvidia-cuda"), None);
        fs::remove_dir_all(sysroot).unwrap();
    }
}
