//! What Enzyme and LLVM print beside messages: kept in a file, for the case that the compilation fails.

use std::env;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use crate::words::value_of;

/// The folder in cargo's folder for the results of a profile.
pub const FOLDER: &str = "enzyme";
/// A module as text may have tens of megabytes, and a compiler that hangs could print for ever.
const LIMIT: usize = 256 << 20;

/// The file, which is there once something is written.
pub struct Dump {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    room: usize,
}

impl Dump {
    /// That of a call of the compiler with these arguments; what an earlier one left is removed.
    pub fn new(path: PathBuf) -> Self {
        // What is not there need not be removed, and a file that cannot be written is no reason to end a compilation.
        let _ = fs::remove_file(&path);
        Self {
            path,
            file: None,
            room: LIMIT,
        }
    }

    /// Adds a line or more.
    pub fn write(&mut self, bytes: &[u8]) {
        if self.file.is_none() {
            self.file = self.create();
        }
        self.room = self.room.saturating_sub(bytes.len());
        if let Some(file) = &mut self.file
            && self.room > 0
            && file.write_all(bytes).is_err()
        {
            self.room = 0;
        }
    }

    fn create(&self) -> Option<BufWriter<File>> {
        fs::create_dir_all(self.path.parent()?).ok()?;
        File::create(&self.path).ok().map(BufWriter::new)
    }

    /// Its path, where there is something in it.
    pub fn finish(mut self) -> Option<PathBuf> {
        self.file.take()?.flush().ok()?;
        Some(self.path)
    }

    /// Removes it again.
    pub fn discard(self) {
        if self.file.is_some() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The file for the crate that `words` compile: in cargo's folder for results (`target/release/enzyme`), named as what is
/// compiled is; without such a folder in that for temporary files.
pub fn path(words: &[String], crate_name: &str) -> PathBuf {
    let hash = words
        .iter()
        .find_map(|word| {
            word.strip_prefix("-C")
                .unwrap_or(word)
                .strip_prefix("extra-filename=")
        })
        .unwrap_or_default();
    let results = value_of(words, "--out-dir").map_or_else(env::temp_dir, PathBuf::from);
    let profile = match results.parent() {
        Some(profile) if results.ends_with("deps") || results.ends_with("examples") => profile,
        _ => &results,
    };
    profile.join(FOLDER).join(format!("{crate_name}{hash}.txt"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn it_stands_beside_cargos_results() {
        for (line, expected) in [
            (
                "rustc --out-dir /w/target/release/deps -C extra-filename=-0f",
                "/w/target/release/enzyme/m-0f.txt",
            ),
            (
                "rustc --out-dir=/w/target/release/examples -Cextra-filename=-0f",
                "/w/target/release/enzyme/m-0f.txt",
            ),
            ("rustc --out-dir /out", "/out/enzyme/m.txt"),
        ] {
            let words: Vec<_> = line.split_whitespace().map(String::from).collect();
            assert_eq!(path(&words, "m"), Path::new(expected));
        }
        assert!(path(&["-o".into()], "m").ends_with("enzyme/m.txt"));
    }

    #[test]
    fn it_is_made_when_something_is_written() {
        let folder = env::temp_dir().join(format!("cargo-common-dump-{}", std::process::id()));
        let path = folder.join("enzyme/m.txt");
        assert_eq!(Dump::new(path.clone()).finish(), None);
        assert!(!folder.exists());
        let mut dump = Dump::new(path.clone());
        dump.write(b"a\n");
        dump.write(b"b\n");
        assert_eq!(dump.finish(), Some(path.clone()));
        assert_eq!(fs::read(&path).unwrap(), b"a\nb\n");
        let mut dump = Dump::new(path.clone());
        assert!(!path.exists(), "the old one is gone");
        dump.write(b"c\n");
        dump.discard();
        assert!(!path.exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_written_does_no_harm() {
        let mut dump = Dump::new("/proc/nowhere/m.txt".into());
        dump.write(b"a\n");
        assert_eq!(dump.finish(), None);
    }
}
