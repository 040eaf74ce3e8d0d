//! The user's workspace, as cargo describes it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use cargo_common::failure::Failure;
use cargo_common::tools;

/// What is needed of a workspace.
#[derive(Debug, PartialEq, Eq)]
pub struct Project {
    /// Where its root manifest is.
    pub root: PathBuf,
    /// Where cargo puts results.
    pub target_dir: PathBuf,
    /// The members.
    pub members: Vec<Member>,
}

/// A package of the workspace.
#[derive(Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its `Cargo.toml`.
    pub manifest: PathBuf,
    /// Whether it has a library that is no procedural macro.
    pub has_library: bool,
}

impl Project {
    /// Asks cargo; `manifest_path` is the user's `--manifest-path`.
    pub fn read(cargo: &OsStr, manifest_path: Option<&Path>) -> Result<Self, Failure> {
        let printed = tools::ask_cargo(
            cargo,
            &["metadata", "--no-deps", "--format-version", "1"],
            manifest_path,
        )?;
        serde_json::from_str(&printed)
            .ok()
            .and_then(|metadata| Self::from_metadata(&metadata))
            .ok_or_else(|| {
                Failure::new(
                    format!("`{} metadata` said what is not understood", cargo.display()),
                    format!(
                        "it printed: {}",
                        printed.chars().take(200).collect::<String>()
                    ),
                    "use the cargo of a toolchain image of this project",
                )
            })
    }

    fn from_metadata(metadata: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(String::from);
        let members = metadata["packages"].as_array()?.iter().map(|package| {
            let is_library = |target: &Value| {
                let kinds = target["kind"].as_array().into_iter().flatten();
                kinds
                    .filter_map(Value::as_str)
                    .any(|kind| kind != "proc-macro" && kind.ends_with("lib"))
            };
            Some(Member {
                name: text(&package["name"])?,
                manifest: text(&package["manifest_path"])?.into(),
                has_library: package["targets"].as_array()?.iter().any(is_library),
            })
        });
        Some(Self {
            root: text(&metadata["workspace_root"])?.into(),
            target_dir: text(&metadata["target_directory"])?.into(),
            members: members.collect::<Option<_>>()?,
        })
    }

    /// The member whose library holds the kernels: the one that is named, else that of the current folder.
    pub fn kernels(&self, named: Option<&str>, here: Option<&Path>) -> Result<&Member, Failure> {
        let list = |members: &mut dyn Iterator<Item = &Member>| {
            let found: Vec<_> = members.map(|member| member.name.as_str()).collect();
            if found.is_empty() {
                "none".to_string()
            } else {
                found.join(", ")
            }
        };
        let with_library = || list(&mut self.members.iter().filter(|member| member.has_library));
        let found = match (named, here) {
            (Some(name), _) => self.members.iter().find(|member| member.name == name),
            (None, Some(manifest)) => self
                .members
                .iter()
                .find(|member| member.manifest == manifest),
            (None, None) => None,
        };
        let Some(member) = found else {
            return Err(match named {
                Some(name) => Failure::new(
                    format!("the workspace has no package `{name}`"),
                    format!("its packages are: {}", list(&mut self.members.iter())),
                    "name one of these with -p or --kernels",
                ),
                None => Failure::new(
                    "which package holds the kernels is not known",
                    format!(
                        "this is the root of a workspace; packages with a library: {}",
                        with_library()
                    ),
                    "name one with --kernels PACKAGE, or go to its folder",
                ),
            });
        };
        if !member.has_library {
            return Err(Failure::new(
                format!("package `{}` has no library", member.name),
                format!(
                    "kernels are compiled from a library, once for each target; packages with one: {}",
                    with_library()
                ),
                "move the kernels to src/lib.rs and launch them from src/main.rs, or name the package that holds them \
                 with --kernels PACKAGE",
            ));
        }
        Ok(member)
    }
}

/// The manifest of the package in the current folder, or above; none in the root of a workspace without a package.
pub fn current_manifest(cargo: &OsStr, manifest_path: Option<&Path>) -> Option<PathBuf> {
    let words = ["locate-project", "--message-format", "plain"];
    let printed = tools::ask_cargo(cargo, &words, manifest_path).ok()?;
    Some(printed.trim().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"{
        "packages": [
            {"name": "kernels", "manifest_path": "/p/kernels/Cargo.toml",
             "targets": [{"kind": ["rlib", "staticlib"]}, {"kind": ["test"]}]},
            {"name": "app", "manifest_path": "/p/app/Cargo.toml", "targets": [{"kind": ["bin"]}]},
            {"name": "macros", "manifest_path": "/p/macros/Cargo.toml", "targets": [{"kind": ["proc-macro"]}]}
        ],
        "workspace_root": "/p", "target_directory": "/p/target", "version": 1}"#;

    fn project() -> Project {
        Project::from_metadata(&serde_json::from_str(METADATA).unwrap()).unwrap()
    }

    #[test]
    fn libraries_are_told_from_the_rest() {
        let project = project();
        assert_eq!(project.target_dir, Path::new("/p/target"));
        let found: Vec<_> = project
            .members
            .iter()
            .map(|member| (member.name.as_str(), member.has_library))
            .collect();
        assert_eq!(
            found,
            [("kernels", true), ("app", false), ("macros", false)]
        );
    }

    #[test]
    fn kernels_are_found_by_name_or_by_folder() {
        let project = project();
        let name = |found: Result<&Member, Failure>| found.map(|member| member.name.clone());
        assert_eq!(
            name(project.kernels(Some("kernels"), None)),
            Ok("kernels".into())
        );
        let here = Path::new("/p/kernels/Cargo.toml");
        assert_eq!(
            name(project.kernels(None, Some(here))),
            Ok("kernels".into())
        );
    }

    #[test]
    fn kernels_that_are_not_there_are_an_error() {
        let project = project();
        let failure = project.kernels(Some("app"), None).unwrap_err();
        assert_eq!(failure.what, "package `app` has no library");
        assert!(
            failure.why.ends_with("packages with one: kernels"),
            "{failure}"
        );
        let failure = project.kernels(Some("x"), None).unwrap_err();
        assert_eq!(failure.why, "its packages are: kernels, app, macros");
        let failure = project
            .kernels(None, Some(Path::new("/p/Cargo.toml")))
            .unwrap_err();
        assert!(failure.fix.contains("--kernels PACKAGE"), "{failure}");
    }

    #[test]
    fn what_is_no_metadata_is_refused() {
        for text in [
            "{}",
            "[]",
            r#"{"packages": [{}], "workspace_root": "/", "target_directory": "/t"}"#,
        ] {
            assert_eq!(
                Project::from_metadata(&serde_json::from_str(text).unwrap()),
                None
            );
        }
    }
}
