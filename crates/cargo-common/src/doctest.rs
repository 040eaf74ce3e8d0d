//! Examples in documentation, which rustdoc compiles and runs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::call::Call;
use crate::dump::FOLDER;
use crate::profile::generates;
use crate::words::value_of;

/// The folder for what Enzyme prints of them. Set by ourselves in front of rustdoc.
const DUMPS: &str = "CARGO_AUTODIFF_DOCTEST";
/// What rustc calls a crate that it is given no name for.
pub const CRATE: &str = "rust_out";

/// Where what Enzyme prints goes, if rustdoc started us in front of the rustc that compiles one: it gives it no name.
pub fn dump(call: &Call) -> Option<PathBuf> {
    let folder = env::var_os(DUMPS)?;
    let is_one = !call.is_rustdoc
        && value_of(&call.words, "--crate-name").is_none()
        && value_of(&call.words, "--crate-type").is_some()
        && generates(&call.words);
    // rustdoc says where it stands, unless it compiles many together.
    let word = |name| env::var(name).map_or(String::new(), |value| format!("-{value}"));
    let place = word("UNSTABLE_RUSTDOC_TEST_PATH") + &word("UNSTABLE_RUSTDOC_TEST_LINE");
    is_one.then(|| Path::new(&folder).join(format!("doctest{}.txt", place.replace('/', "-"))))
}

/// Makes rustdoc start us in front of the rustc that compiles them.
pub fn look_at(command: &mut Command, words: &[String]) {
    let Ok(myself) = env::current_exe() else {
        return;
    };
    let folder = results(words).map_or_else(env::temp_dir, PathBuf::from);
    command
        .args(["-Zunstable-options", "--test-builder-wrapper"])
        .arg(myself)
        .env(DUMPS, folder.join(FOLDER));
}

/// rustdoc makes doctests in the folder for temporary files, and runs them there. In a container that is often a file
/// system from which nothing can be run (`docker run --tmpfs /tmp`); then they go next to cargo's other results.
pub fn keep_runnable(command: &mut Command, words: &[String]) {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    if let Some(results) = results(words)
        && is_noexec(&mounts, &env::temp_dir())
    {
        let folder = results.join("doctests");
        // rustdoc itself says what it could not write, if this fails.
        if fs::create_dir_all(&folder).is_ok() {
            command.env("TMPDIR", folder);
        }
    }
}

/// Whether programs in `folder` cannot be run, by the table of mounts (`/proc/self/mounts`).
fn is_noexec(mounts: &str, folder: &Path) -> bool {
    let mut best = (0, false);
    for line in mounts.lines() {
        let mut fields = line.split(' ').skip(1);
        if let (Some(point), Some(options)) = (fields.next(), fields.nth(1))
            && folder.starts_with(point)
            && point.len() >= best.0
        {
            best = (
                point.len(),
                options.split(',').any(|option| option == "noexec"),
            );
        }
    }
    best.1
}

/// cargo's folder for the results of the profile that rustdoc is called with.
fn results(words: &[String]) -> Option<&Path> {
    words
        .iter()
        .find_map(|word| word.strip_prefix("dependency="))
        .map(Path::new)
        .and_then(Path::parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_and_longest_mount_counts() {
        let mounts = "overlay / overlay ro,relatime 0 0\ntmpfs /tmp tmpfs rw,nosuid,noexec 0 0\n\
                      disk /tmp/big ext4 rw 0 0\nproc /proc proc rw,noexec 0 0\n";
        assert!(is_noexec(mounts, Path::new("/tmp")));
        assert!(is_noexec(mounts, Path::new("/tmp/x")));
        assert!(!is_noexec(mounts, Path::new("/tmp/big/x")));
        assert!(!is_noexec(mounts, Path::new("/tmpfile")));
        assert!(!is_noexec(
            &format!("{mounts}tmpfs /tmp tmpfs rw 0 0\n"),
            Path::new("/tmp/x")
        ));
        assert!(!is_noexec("", Path::new("/tmp")));
    }
}
