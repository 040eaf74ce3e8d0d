//! The compiler that cargo will use, and whether everything is there that a device needs: what is missing would
//! otherwise be noticed late, and in other words.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use cargo_common::facts::Facts;
use cargo_common::failure::Failure;
use cargo_common::tools::ask_rustc;

use crate::core_pass::Sources;
use crate::device::Device;

/// The compiler.
#[derive(Debug, PartialEq, Eq)]
pub struct Toolchain {
    /// The triple that programs are compiled for.
    pub host: String,
    /// What its image says of it.
    pub facts: Facts,
    sysroot: PathBuf,
    version: String,
}

impl Toolchain {
    /// Asks rustc, and checks that it offloads at all. Programs are for `triple`, or for the machine that it runs on.
    pub fn read(rustc: &OsStr, triple: Option<&str>) -> Result<Self, Failure> {
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
        let sysroot = PathBuf::from(ask_rustc(rustc, &["--print", "sysroot"])?.trim());
        Ok(Self {
            host: triple
                .filter(|triple| *triple != "host-tuple")
                .unwrap_or(host)
                .to_string(),
            facts: Facts::of(&sysroot)?,
            sysroot,
            version,
        })
    }

    /// The triple that rustc compiles for a device.
    pub fn triple(&self, device: &Device) -> &str {
        device.triple(&self.host, &self.facts)
    }

    /// Checks what a device needs: `core` compiled for it, and programs. Gives the sources of `core` where it has to be
    /// compiled; with `builds_std` the user has seen to that.
    pub fn check(&self, device: &Device, builds_std: bool) -> Result<Option<Sources>, Failure> {
        self.check_programs(device)?;
        self.check_ptx(device)?;
        let triple = self.triple(device);
        let folder = self.sysroot.join("lib/rustlib").join(triple).join("lib");
        let is_for = self.facts.core_is_for(triple);
        let is_other = matches!((is_for, device.cpu()), (Some(there), Some(cpu)) if there != cpu);
        if builds_std || (has_core(&folder) && !is_other) {
            return Ok(None);
        }
        if *device != Device::Host
            && let Some(sources) = Sources::of(&self.sysroot)
        {
            return Ok(Some(sources));
        }
        Err(Failure::new(
            format!("the core library for {device} is missing"),
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
                 (needs the library's source), or leave {device} out of \
                 --device"
            ),
        ))
    }

    /// Checks that a version of PTX is known that has an NVIDIA GPU: clang's own has none of today's.
    fn check_ptx(&self, device: &Device) -> Result<(), Failure> {
        let Device::Cuda(cpu) = device else {
            return Ok(());
        };
        if self.facts.ptx(cpu).is_some() {
            return Ok(());
        }
        Err(Failure::new(
            format!("which version of PTX has {cpu} is not known"),
            format!(
                "this toolchain knows: {}",
                self.facts.cuda_processors().join(", ")
            ),
            "name one of these; code for an older processor of the same family runs on a newer one (that for sm_80 on \
             sm_86)",
        ))
    }

    fn check_programs(&self, device: &Device) -> Result<(), Failure> {
        let (needed, fix) = match device {
            Device::Host => (&[][..], String::new()),
            Device::Cuda(_) => (
                &["ptxas", "nvlink"][..],
                "work in the toolchain image of an sm_* cell (patched-1.96-sm_90), or put NVIDIA's own on PATH: its \
                 wheel nvidia-cuda-nvcc has both"
                    .to_string(),
            ),
            Device::Amd(_) => (
                &["lld"][..],
                "work in a toolchain image of the patched channel, or install lld".to_string(),
            ),
        };
        let llvm = self.facts.llvm.join("bin");
        let missing: Vec<&str> = needed
            .iter()
            .copied()
            .filter(|name| find(name, &llvm).is_none())
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Failure::new(
            format!(
                "{} to link code for {device} is missing",
                missing.join(" and ")
            ),
            format!("no such program is on PATH or in {}", llvm.display()),
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

/// A program on PATH, or among LLVM's own, which Debian's packages do not put there.
fn find(name: &str, llvm: &Path) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain([llvm.to_path_buf()])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_compiler_that_is_not_there_is_named() {
        let failure = Toolchain::read(OsStr::new("/nowhere/rustc"), None).unwrap_err();
        assert_eq!(failure.what, "`/nowhere/rustc -vV` could not be started");
    }

    #[test]
    fn what_is_there_is_told_by_device() {
        let sysroot = env::temp_dir().join(format!("cargo-offload-core-{}", std::process::id()));
        let write = |file: &str, text: &str| {
            let path = sysroot.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            "lib/rustlib/x86_64-unknown-linux-gnu/lib/libcore-0.rlib",
            "",
        );
        write(
            "share/holoenzyme/toolchain.json",
            r#"{"schema": 1, "llvm": {"major": "22", "folder": "/nowhere"},
                "triples": {"cuda": "nvptx64-nvidia-cuda", "rocm": "amdgcn-amd-amdhsa", "host_device": "amd64-pc-linux-gnu"},
                "core": {}, "images": {"file": "host.out", "linked_by": "rustc"}, "ptx": {"sm_90": 78}}"#,
        );
        let toolchain = Toolchain {
            host: "x86_64-unknown-linux-gnu".to_string(),
            facts: Facts::of(&sysroot).unwrap(),
            sysroot: sysroot.clone(),
            version: "rustc 1.96.0".to_string(),
        };
        assert_eq!(toolchain.check(&Device::Host, false), Ok(None));
        for (word, triple) in [
            ("host", "x86_64-unknown-linux-gnu"),
            ("sm_90", "nvptx64-nvidia-cuda"),
            ("gfx90a", "amdgcn-amd-amdhsa"),
        ] {
            assert_eq!(toolchain.triple(&word.parse().unwrap()), triple);
        }
        let old = "sm_35".parse().unwrap();
        let failure = toolchain.check_ptx(&old).unwrap_err();
        assert_eq!(failure.why, "this toolchain knows: sm_90");
        fs::remove_dir_all(sysroot).unwrap();
    }
}
