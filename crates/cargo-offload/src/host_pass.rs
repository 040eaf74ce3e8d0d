//! The pass that compiles the program, with ourselves in front of rustc.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_common::config::{Config, Place};
use cargo_common::facts::LinkedBy;
use cargo_common::failure::Failure;

use crate::device_pass::lto_variable;
use crate::object;
use crate::request::Invocation;
use crate::wrapper::{self, Setting};

/// The images, and how they get into programs.
pub struct Linked<'a> {
    /// In the order in which they are linked.
    pub images: Vec<PathBuf>,
    /// Who puts them there.
    pub by: LinkedBy,
    /// The triple that rustc names images for the host by.
    pub host: &'a str,
    /// The triple that they are to have in a program.
    pub host_device: &'a str,
}

/// The cargo that compiles the program, given the images.
pub fn command(
    cargo: &OsStr,
    invocation: &Invocation,
    target_dir: &Path,
    config: &Config,
    linked: Linked<'_>,
) -> Result<Command, Failure> {
    let myself = wrapper::myself()?;
    let images = linked.images;
    let front = in_front(target_dir, &digest(&images, invocation.autodiff), &myself)?;
    let object = match linked.by {
        LinkedBy::Rustc => None,
        LinkedBy::Linker => {
            let object = front.with_file_name("images.o");
            object::write(&object, &images, linked.host, linked.host_device)?;
            Some(object)
        }
    };
    let setting = Setting {
        images,
        object,
        autodiff: invocation.autodiff,
    };
    let mut command = Command::new(cargo);
    command.args(&invocation.host_args);
    setting.give(&mut command)?;
    for (place, path, next) in [
        (Place::RUSTC_WORKSPACE_WRAPPER, &front, wrapper::FRONT.next),
        (Place::RUSTDOC, &myself, wrapper::FRONT.rustdoc),
    ] {
        place.take(&mut command, config, next, path, &myself);
    }
    // Only cargo may say that a crate is compiled; see `wrapper`.
    command
        .env_remove("CARGO_CRATE_NAME")
        .env_remove("CARGO_BIN_NAME");
    if invocation.autodiff {
        command
            .env(lto_variable(&invocation.host_profile), "fat")
            .env("CARGO_INCREMENTAL", "0");
    }
    Ok(command)
}

/// Which images members are compiled with, and how. (rustc tells cargo to look at what is in them.)
fn digest(images: &[PathBuf], autodiff: bool) -> String {
    let mut hasher = DefaultHasher::new();
    (env!("CARGO_PKG_VERSION"), autodiff, images).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Ourselves under a path that has the digest in it: cargo keeps what was compiled with another wrapper apart, for the
/// members of the workspace alone.
fn in_front(target_dir: &Path, digest: &str, myself: &Path) -> Result<PathBuf, Failure> {
    let link = target_dir
        .join("offload/with")
        .join(digest)
        .join("cargo-offload");
    let make = || {
        if fs::read_link(&link).is_ok_and(|there| there == myself) {
            return Ok(());
        }
        fs::create_dir_all(link.parent().unwrap_or(target_dir))?;
        match fs::remove_file(&link) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        symlink(myself, &link)
    };
    make().map_err(|error| {
        Failure::new(
            "cargo's folder for results cannot be written",
            format!("{}: {error}", link.display()),
            "make the folder writable for this user, or name another one with --target-dir",
        )
    })?;
    Ok(link)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("cargo-offload-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn the_digest_follows_the_images_and_their_order() {
        let of = |images: &[&str], autodiff| {
            let images: Vec<_> = images.iter().map(PathBuf::from).collect();
            digest(&images, autodiff)
        };
        let first = of(&["/a", "/b"], false);
        assert_eq!(of(&["/a", "/b"], false), first);
        for other in [
            of(&["/b", "/a"], false),
            of(&["/a", "/b"], true),
            of(&["/a"], false),
        ] {
            assert_ne!(other, first);
        }
    }

    #[test]
    fn the_place_in_front_is_made_once_and_mended() {
        let folder = Folder::new("front");
        let link = in_front(&folder.0, "0f", Path::new("/old")).unwrap();
        assert_eq!(link, folder.0.join("offload/with/0f/cargo-offload"));
        for myself in ["/old", "/new"] {
            assert_eq!(in_front(&folder.0, "0f", Path::new(myself)).unwrap(), link);
            assert_eq!(fs::read_link(&link).unwrap(), Path::new(myself));
        }
        let failure = in_front(Path::new("/proc/nowhere"), "0f", Path::new("/x")).unwrap_err();
        assert!(failure.why.contains("/proc/nowhere"), "{failure}");
    }
}
