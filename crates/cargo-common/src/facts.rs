//! What an image says of its toolchain, in one file that its recipe writes from the project's data.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::failure::Failure;

/// The file, in the folder that the toolchain is installed in: rustc's sysroot.
pub const FILE: &str = "share/holoenzyme/toolchain.json";
/// The environment variable with the path of another one.
pub const PATH: &str = "OFFLOAD_TOOLCHAIN";
/// The form of the file that is understood.
const SCHEMA: u64 = 1;

/// Who puts images into a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkedBy {
    /// rustc, which is given their paths.
    Rustc,
    /// The linker, which finds them in an object.
    Linker,
}

/// What the file says.
#[derive(Debug, PartialEq, Eq)]
pub struct Facts {
    /// Where it stands.
    pub path: PathBuf,
    /// LLVM's folder, with `bin` and `lib`.
    pub llvm: PathBuf,
    /// LLVM's major version.
    pub llvm_version: String,
    /// The triple of NVIDIA's GPUs.
    pub cuda: String,
    /// The triple of AMD's GPUs.
    pub rocm: String,
    /// The triple that images for the virtual host device have in a program.
    pub host_device: String,
    /// How rustc calls the file that it writes an image to.
    pub image_file: String,
    /// Who puts images into a program.
    pub linked_by: LinkedBy,
    core: BTreeMap<String, Option<String>>,
    ptx: BTreeMap<String, u64>,
}

impl Facts {
    /// Those of the toolchain in `root`, or of the file that the environment names.
    pub fn of(root: &Path) -> Result<Self, Failure> {
        let path = env::var_os(PATH).filter(|path| !path.is_empty());
        Self::read(&path.map_or_else(|| root.join(FILE), PathBuf::from))
    }

    fn read(path: &Path) -> Result<Self, Failure> {
        let fix = "work in a toolchain image of the patched channel; elsewhere copy that file from one, and name it in \
                   the environment variable OFFLOAD_TOOLCHAIN";
        let text = fs::read_to_string(path).map_err(|error| {
            Failure::new(
                "what this toolchain has is not known",
                format!("{}: {error}", path.display()),
                fix,
            )
        })?;
        let value = serde_json::from_str(&text).unwrap_or_default();
        Self::parse(&value, path).ok_or_else(|| {
            Failure::new(
                format!("{} is not understood", path.display()),
                format!(
                    "facts of schema {SCHEMA} are expected, with LLVM, triples, `core`, images and PTX"
                ),
                fix,
            )
        })
    }

    fn parse(value: &Value, path: &Path) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(String::from);
        let core = value["core"].as_object()?.iter();
        let ptx = value["ptx"].as_object()?.iter();
        (value["schema"] == SCHEMA).then_some(())?;
        Some(Self {
            path: path.to_path_buf(),
            llvm: text(&value["llvm"]["folder"])?.into(),
            llvm_version: text(&value["llvm"]["major"])?,
            cuda: text(&value["triples"]["cuda"])?,
            rocm: text(&value["triples"]["rocm"])?,
            host_device: text(&value["triples"]["host_device"])?,
            image_file: text(&value["images"]["file"])?,
            linked_by: match value["images"]["linked_by"].as_str()? {
                "rustc" => LinkedBy::Rustc,
                "linker" => LinkedBy::Linker,
                _ => return None,
            },
            core: core
                .map(|(triple, cpu)| (triple.clone(), text(cpu)))
                .collect(),
            ptx: ptx
                .map(|(cpu, version)| Some((cpu.clone(), version.as_u64()?)))
                .collect::<Option<_>>()?,
        })
    }

    /// The processor that the compiled `core` of a triple is for, where code for one does not run on another.
    pub fn core_is_for(&self, triple: &str) -> Option<&str> {
        self.core.get(triple)?.as_deref()
    }

    /// The oldest version of PTX that has a processor of NVIDIA's, as LLVM writes it: 78 for 7.8.
    pub fn ptx(&self, cpu: &str) -> Option<u64> {
        self.ptx.get(cpu).copied()
    }

    /// The version of PTX that code for all of these processors can be written in, for it has whatever an older one has.
    /// Without any, it is that of all processors which are known.
    pub fn newest_ptx<'a>(&self, cpus: impl IntoIterator<Item = &'a str>) -> Option<u64> {
        let named = cpus.into_iter().filter_map(|cpu| self.ptx(cpu)).max();
        named.or_else(|| self.ptx.values().copied().max())
    }

    /// The processors of NVIDIA's that are known.
    pub fn cuda_processors(&self) -> Vec<&str> {
        self.ptx.keys().map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{
        "schema": 1,
        "llvm": {"major": "22", "release": "22.1.8", "folder": "/usr/lib/llvm-22"},
        "triples": {"cuda": "nvptx64-nvidia-cuda", "rocm": "amdgcn-amd-amdhsa", "host_device": "amd64-pc-linux-gnu"},
        "core": {"amdgcn-amd-amdhsa": "gfx90a", "nvptx64-nvidia-cuda": null},
        "images": {"file": "host.out", "linked_by": "rustc"},
        "ptx": {"sm_80": 70, "sm_90": 78, "sm_100": 86}
    }"#;

    fn facts(text: &str) -> Option<Facts> {
        Facts::parse(&serde_json::from_str(text).unwrap(), Path::new("/f"))
    }

    #[test]
    fn facts_are_read() {
        let found = facts(TEXT).unwrap();
        assert_eq!(
            (&*found.llvm, &*found.llvm_version),
            (Path::new("/usr/lib/llvm-22"), "22")
        );
        assert_eq!(
            (&*found.image_file, found.linked_by),
            ("host.out", LinkedBy::Rustc)
        );
        let newer = facts(&TEXT.replace("\"rustc\"", "\"linker\"")).unwrap();
        assert_eq!(newer.linked_by, LinkedBy::Linker);
        assert_eq!(found.core_is_for("amdgcn-amd-amdhsa"), Some("gfx90a"));
        assert_eq!(found.core_is_for("nvptx64-nvidia-cuda"), None);
        assert_eq!(found.core_is_for("x86_64-unknown-linux-gnu"), None);
        assert_eq!((found.ptx("sm_90"), found.ptx("sm_35")), (Some(78), None));
    }

    #[test]
    fn one_version_of_ptx_serves_all_devices_of_a_program() {
        let found = facts(TEXT).unwrap();
        for (cpus, version) in [
            (&["sm_80"][..], 70),
            (&["host", "sm_90"], 78),
            (&["sm_100", "sm_80", "gfx90a"], 86),
            (&["host"], 86),
            (&[], 86),
        ] {
            assert_eq!(
                found.newest_ptx(cpus.iter().copied()),
                Some(version),
                "{cpus:?}"
            );
        }
    }

    #[test]
    fn other_files_are_refused() {
        for (old, new) in [
            ("\"schema\": 1", "\"schema\": 2"),
            ("\"folder\"", "\"place\""),
            ("70", "\"7.0\""),
            ("\"core\"", "\"libraries\""),
            ("\"rustc\"", "\"nobody\""),
        ] {
            assert_eq!(facts(&TEXT.replace(old, new)), None, "{new}");
        }
        let failure = Facts::read(Path::new("/nowhere/toolchain.json")).unwrap_err();
        assert!(
            failure.why.starts_with("/nowhere/toolchain.json: "),
            "{failure}"
        );
    }
}
