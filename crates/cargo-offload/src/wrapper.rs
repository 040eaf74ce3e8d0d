//! In front of rustc or rustdoc: gives the images and the linker to members of the workspace.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::call::Call;
use crate::failure::Failure;

/// The images, as a list of paths. Set by `host_pass`, inherited through cargo; it says that we are a wrapper.
const IMAGES: &str = "CARGO_OFFLOAD_IMAGES";
/// Whether members differentiate functions.
const AUTODIFF: &str = "CARGO_OFFLOAD_AUTODIFF";
/// A wrapper that the user had in the place that we take, to be started by us.
pub const NEXT: &str = "CARGO_OFFLOAD_NEXT";
/// The rustdoc that cargo would have started.
pub const RUSTDOC: &str = "CARGO_OFFLOAD_RUSTDOC";
/// For `offload-linker`: the linker that rustc would have started.
const LINKER: &str = "OFFLOAD_LINKER_CC";

/// What members are compiled with.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// The images, in the order in which they are linked.
    pub images: Vec<PathBuf>,
    /// Whether functions are differentiated.
    pub autodiff: bool,
}

impl Setting {
    /// The setting in the environment, if there is one.
    pub fn from_env() -> Option<Self> {
        let images = env::var_os(IMAGES)?;
        Some(Self {
            images: env::split_paths(&images).collect(),
            autodiff: env::var_os(AUTODIFF).is_some(),
        })
    }

    /// Puts it into the environment of a command; fails for paths that can be in no list.
    pub fn give(&self, command: &mut Command) -> Result<(), Failure> {
        let wrong = self.images.iter().find(|path| {
            let text = path.to_string_lossy();
            text.contains([':', ','])
        });
        let list = env::join_paths(&self.images)
            .ok()
            .filter(|_| wrong.is_none());
        let Some(list) = list else {
            return Err(Failure::new(
                "the folder for results has a name that rustc cannot be given",
                format!(
                    "images are listed with `:` and `,` between them, and {} has one in it",
                    wrong.unwrap_or(&self.images[0]).display()
                ),
                "move the project, or name another folder with --target-dir",
            ));
        };
        command.env(IMAGES, list);
        if self.autodiff {
            command.env(AUTODIFF, "1");
        } else {
            command.env_remove(AUTODIFF);
        }
        Ok(())
    }

    fn flags(&self) -> Vec<OsString> {
        let mut list = OsString::from("-Zoffload=");
        for (number, image) in self.images.iter().enumerate() {
            list.push(if number == 0 { "Host=" } else { ",Host=" });
            list.push(image);
        }
        let mut flags = vec![list, "-Zunstable-options".into()];
        if self.autodiff {
            flags.push("-Zautodiff=Enable".into());
        }
        let mut linker = OsString::from("-Clinker=");
        linker.push(offload_linker());
        flags.push(linker);
        flags
    }
}

/// The linker next to ourselves, or the one on PATH.
fn offload_linker() -> PathBuf {
    const NAME: &str = "offload-linker";
    env::current_exe()
        .map(|myself| myself.with_file_name(NAME))
        .ok()
        .filter(|file| file.is_file())
        .unwrap_or_else(|| NAME.into())
}

/// Becomes the tool in `args` (rustdoc is not named there: cargo starts us in its place).
pub fn run(setting: &Setting, args: &[OsString]) -> Result<ExitCode, Failure> {
    let call = Call::read(args, IMAGES, RUSTDOC)?;
    let is_member = if call.is_rustdoc {
        call.documents_member() && call.is_doctest()
    } else {
        call.compiles_member()
    };
    let mut command = call.command(NEXT);
    if is_member {
        if let Some(linker) = linker_of(&call.words) {
            command.env(LINKER, linker);
        }
        command.args(setting.flags());
    }
    Err(call.not_started(&command.exec().to_string()))
}

/// The linker that the user's configuration names: `-C linker=X` or `-Clinker=X`, the last one.
fn linker_of(words: &[String]) -> Option<&Path> {
    words.iter().rev().find_map(|word| {
        let word = word.strip_prefix("-C").unwrap_or(word);
        word.strip_prefix("linker=").map(Path::new)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn images_are_given_in_order() {
        let setting = Setting {
            images: ["/b/host.out", "/a/host.out"].map(PathBuf::from).into(),
            autodiff: true,
        };
        let flags = setting.flags();
        assert_eq!(
            flags[..3],
            [
                "-Zoffload=Host=/b/host.out,Host=/a/host.out",
                "-Zunstable-options",
                "-Zautodiff=Enable"
            ]
        );
        assert!(flags[3].to_string_lossy().starts_with("-Clinker="));
    }

    #[test]
    fn a_path_that_cannot_be_listed_is_refused() {
        for path in ["/a:b/host.out", "/a,b/host.out"] {
            let setting = Setting {
                images: vec![path.into()],
                autodiff: false,
            };
            let failure = setting.give(&mut Command::new("cargo")).unwrap_err();
            assert!(failure.why.contains(path), "{failure}");
        }
    }

    #[test]
    fn the_users_linker_is_kept() {
        for (line, linker) in [
            (
                "rustc -C linker=clang -C opt-level=3 -Clinker=my-cc",
                Some("my-cc"),
            ),
            ("rustc -C linker=clang -O", Some("clang")),
            ("rustc -C link-arg=-fuse-ld=lld", None),
        ] {
            assert_eq!(linker_of(&words(line)), linker.map(Path::new), "{line}");
        }
    }
}
