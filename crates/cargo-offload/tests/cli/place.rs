//! A workspace of a test's own.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fakes::{HOST, Place as Folder};

use crate::OFFLOAD;

pub const FACTS: &str = "sysroot/share/holoenzyme/toolchain.json";

pub const FACTS_TEXT: &str = r#"{"schema": 1, "llvm": {"major": "22", "folder": "/nowhere/llvm-22"},
    "triples": {"cuda": "nvptx64-nvidia-cuda", "rocm": "amdgcn-amd-amdhsa", "host_device": "amd64-pc-linux-gnu"},
    "core": {"amdgcn-amd-amdhsa": "gfx90a"}, "images": {"file": "host.out", "linked_by": "rustc"},
    "ptx": {"sm_80": 70, "sm_90": 78, "sm_100": 86}}"#;

/// A workspace, and a sysroot with (empty) core libraries.
pub struct Place(pub Folder);

impl Place {
    pub fn new(name: &str) -> Self {
        let folder = Folder::new(name, &["ptxas", "nvlink", "lld"]);
        for triple in [HOST, "nvptx64-nvidia-cuda"] {
            folder.file(
                &format!("sysroot/lib/rustlib/{triple}/lib/libcore-0.rlib"),
                "",
            );
        }
        folder.file(FACTS, FACTS_TEXT);
        Self(folder)
    }

    /// `cargo offload ARGS` in it.
    pub fn offload(&self, args: &[&str]) -> Command {
        let root = self.0.root().display();
        let metadata = format!(
            r#"{{"packages":[{{"name":"k","manifest_path":"{root}/Cargo.toml","targets":[{{"kind":["lib"]}},{{"kind":["bin"]}}]}},
               {{"name":"app","manifest_path":"/app/Cargo.toml","targets":[{{"kind":["bin"]}}]}}],
               "workspace_root":"{root}","target_directory":"{root}/target"}}"#
        );
        let mut command = self.0.command(OFFLOAD, &[&["offload"][..], args].concat());
        command.env("FAKE_METADATA", metadata.replace('\n', ""));
        command
    }

    pub fn image(&self, target: &str, triple: &str) -> PathBuf {
        self.0
            .path("target/offload/k")
            .join(target)
            .join(triple)
            .join(format!("release/{target}.out"))
    }

    /// What `core` is compiled from.
    pub fn add_sources(&self) {
        for file in ["build-std.toml", "core/Cargo.toml"] {
            self.0.file(&format!("sysroot/share/holoenzyme/{file}"), "");
        }
    }

    /// The images that are kept for the host, by name.
    pub fn images(&self) -> Vec<String> {
        let deps = self.host_image().with_file_name("deps");
        let mut names: Vec<_> = fs::read_dir(deps)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|name| Path::new(name).extension() == Some(OsStr::new("out")))
            .collect();
        names.sort();
        names
    }

    pub fn host_image(&self) -> PathBuf {
        self.image("host", "x86_64-unknown-linux-gnu")
    }
}
