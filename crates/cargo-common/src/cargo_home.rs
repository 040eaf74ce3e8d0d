//! Where cargo keeps downloaded packages when the user's home folder cannot hold them.

use std::env;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process;

use crate::failure::Failure;

/// The folder in the root of the workspace.
pub const NAME: &str = ".cargo-home";

/// Whether cargo finds a home folder that it can write by itself.
pub fn is_settled() -> bool {
    env::var_os("CARGO_HOME").is_some_and(|home| !home.is_empty())
        || env::home_dir()
            .is_some_and(|home| home.is_absolute() && writable(&home.join(".cargo")).is_ok())
}

/// Makes the folder in `workspace`, and gives its path.
pub fn make(workspace: &Path) -> Result<PathBuf, Failure> {
    let home = workspace.join(NAME);
    writable(&home).and_then(|()| hide_from_git(&home)).map_err(|error| {
        Failure::new(
            "there is no folder for downloaded packages",
            format!(
                "CARGO_HOME is not set, the home folder cannot be written, and neither can {}: {error}",
                home.display()
            ),
            "make the project folder writable for this user, or set CARGO_HOME to a folder that is",
        )
    })?;
    Ok(home)
}

/// Makes the folder if need be, and tries whether a file can be written there: permissions alone do not tell, because
/// a whole file system may be read-only.
fn writable(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let probe = folder.join(format!(".written-{}", process::id()));
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&probe)?;
    fs::remove_file(probe)
}

fn hide_from_git(home: &Path) -> io::Result<()> {
    let ignore = home.join(".gitignore");
    if ignore.exists() {
        return Ok(());
    }
    fs::write(ignore, "*\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_made_once_and_ignores_itself() {
        let workspace = env::temp_dir().join(format!("cargo-common-home-{}", process::id()));
        let home = make(&workspace).unwrap();
        assert_eq!(home, workspace.join(".cargo-home"));
        assert_eq!(make(&workspace).unwrap(), home);
        let names: Vec<_> = fs::read_dir(&home)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, [".gitignore"]);
        assert_eq!(fs::read_to_string(home.join(".gitignore")).unwrap(), "*\n");
        fs::remove_dir_all(workspace).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error() {
        let failure = make(Path::new("/proc/nowhere")).unwrap_err();
        assert!(
            failure.why.contains("/proc/nowhere/.cargo-home"),
            "{failure}"
        );
    }
}
