//! The compiler that cargo will use, and whether it finds Enzyme.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::tools::ask_rustc;

/// Checks that rustc's Enzyme library is where rustc looks for it; one that is missing would only be noticed after
/// all dependencies were compiled. Gives what `rustc -vV` prints.
pub fn check(rustc: &OsStr) -> Result<String, Failure> {
    let version = ask_rustc(rustc, &["-vV"])?;
    let sysroot = ask_rustc(rustc, &["--print", "sysroot"])?;
    let library = library_path(&version, Path::new(sysroot.trim())).ok_or_else(|| {
        Failure::new(
            format!("`{} -vV` does not name its host and LLVM", rustc.display()),
            format!("it printed:\n{version}"),
            "put a rustc with the LLVM backend on PATH, or name one in the environment variable RUSTC",
        )
    })?;
    if library.is_file() {
        return Ok(version);
    }
    Err(Failure::new(
        "rustc's Enzyme library is missing",
        format!(
            "{} is not there; rustc ({}) looks for it in its own sysroot",
            library.display(),
            version.lines().next().unwrap_or_default()
        ),
        "work in a toolchain image of this project, or put an Enzyme library built against rustc's own libLLVM there",
    ))
}

/// Where rustc looks for Enzyme, from what `rustc -vV` prints and its sysroot.
fn library_path(version: &str, sysroot: &Path) -> Option<PathBuf> {
    let field = |name: &str| version.lines().find_map(|line| line.strip_prefix(name));
    let host = field("host: ")?;
    let major = field("LLVM version: ")?.split('.').next()?;
    Some(
        sysroot
            .join("lib/rustlib")
            .join(host)
            .join("lib")
            .join(format!("libEnzyme-{major}.so")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: &str =
        "rustc 1.96.0\nhost: x86_64-unknown-linux-gnu\nrelease: 1.96.0\nLLVM version: 22.1.8\n";

    #[test]
    fn the_library_is_named_after_llvm() {
        assert_eq!(
            library_path(VERSION, Path::new("/usr")),
            Some(PathBuf::from(
                "/usr/lib/rustlib/x86_64-unknown-linux-gnu/lib/libEnzyme-22.so"
            ))
        );
        assert_eq!(
            library_path("rustc 1.96.0\nhost: x\n", Path::new("/usr")),
            None
        );
    }

    #[test]
    fn a_compiler_that_is_not_there_is_named() {
        let failure = check(OsStr::new("/nowhere/rustc")).unwrap_err();
        assert_eq!(failure.what, "`/nowhere/rustc -vV` could not be started");
        assert!(failure.fix.contains("RUSTC"));
    }
}
