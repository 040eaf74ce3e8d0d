//! Whose a place is, and how its file is shown.

use std::env;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::cargo_home;
use crate::contract::Frame;

/// The folder that cargo compiles members in (the root of their workspace), and what is in it but not the user's.
pub struct Workspace {
    root: PathBuf,
    cargo_home: Option<PathBuf>,
    /// What rustdoc compiles, where it does.
    doctest: Option<Doctest>,
}

/// An example in the documentation: debug information counts its lines as those of a file.
struct Doctest {
    file: String,
    lines_before: isize,
}

impl Workspace {
    /// That of this call of the compiler.
    pub fn from_env() -> Self {
        let home = env::var_os("CARGO_HOME").map(PathBuf::from);
        Self {
            root: env::current_dir().unwrap_or_default(),
            cargo_home: home.or_else(|| env::home_dir().map(|home| home.join(".cargo"))),
            doctest: Doctest::from_env(),
        }
    }

    /// A place as it is in the file that the user wrote.
    pub fn in_file(&self, frame: &mut Frame) {
        let Some(doctest) = &self.doctest else {
            return;
        };
        if !Path::new(&frame.file).ends_with(&doctest.file) {
            return;
        }
        frame.line = frame.line.saturating_add_signed(doctest.lines_before);
        let source = fs::read_to_string(self.path(&frame.file)).unwrap_or_default();
        if let Some(line) = source.lines().nth(frame.line.saturating_sub(1))
            && frame.column > 0
        {
            frame.column += comment_length(line);
        }
    }

    /// Whether the user wrote what is there: it stands in the workspace, and was neither downloaded nor vendored.
    pub fn holds(&self, frame: &Frame) -> bool {
        let path = self.path(&frame.file);
        let is_cargos = |home: &PathBuf| path.starts_with(home);
        let Ok(inner) = path.strip_prefix(&self.root) else {
            return false;
        };
        let is_ours = match inner.components().next() {
            Some(Component::Normal(first)) => first != cargo_home::NAME && first != "vendor",
            _ => false,
        };
        // The standard library may have been compiled with paths like ours.
        is_ours && !self.cargo_home.as_ref().is_some_and(is_cargos) && path.is_file()
    }

    /// The file's path, absolute and without detours.
    pub fn path(&self, file: &str) -> PathBuf {
        let mut path = PathBuf::new();
        for component in self.root.join(file).components() {
            match component {
                Component::CurDir => {}
                Component::ParentDir => {
                    path.pop();
                }
                other => path.push(other),
            }
        }
        path
    }

    /// As rustc shows it: relative to the workspace, where it is in there. Of the standard library and of downloaded
    /// crates only the end is shown.
    pub fn shown(&self, file: &str) -> String {
        let path = self.path(file);
        let text = match path.strip_prefix(&self.root) {
            Ok(inner) if inner != Path::new("") => inner.display().to_string(),
            _ => path.display().to_string(),
        };
        for (mark, skipped) in [
            ("/library/", 1),
            ("/registry/src/", 14),
            ("/checkouts/", 11),
        ] {
            if let Some(at) = text.find(mark)
                && path.is_absolute()
                && (mark != "/library/" || text.contains("/rustc"))
            {
                let end = &text[at + skipped..];
                // The folder that cargo names after the registry.
                let end = match mark {
                    "/registry/src/" => end.split_once('/').map_or(end, |(_, end)| end),
                    _ => end,
                };
                return end.to_string();
            }
        }
        text
    }
}

impl Doctest {
    /// rustdoc tells rustc by these variables.
    fn from_env() -> Option<Self> {
        Some(Self {
            file: env::var("UNSTABLE_RUSTDOC_TEST_PATH").ok()?,
            lines_before: env::var("UNSTABLE_RUSTDOC_TEST_LINE").ok()?.parse().ok()?,
        })
    }
}

/// The length of what stands before the text of a comment: `/// ` or `//! `.
fn comment_length(line: &str) -> usize {
    let text = line.trim_start();
    let inner = text
        .strip_prefix("///")
        .or_else(|| text.strip_prefix("//!"));
    let inner = inner.map(|inner| inner.strip_prefix(' ').unwrap_or(inner));
    inner.map_or(0, |inner| line.len() - inner.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> Workspace {
        Workspace {
            root: "/w".into(),
            cargo_home: Some("/w/home".into()),
            doctest: None,
        }
    }

    #[test]
    fn members_stand_in_the_workspace() {
        let root = env::temp_dir().join(format!("cargo-common-places-{}", std::process::id()));
        let others = [
            ".cargo-home/registry/src/index-1/ndarray-0.16.1/src/lib.rs",
            "home/registry/src/index-1/ndarray-0.16.1/src/lib.rs",
            "vendor/ndarray/src/lib.rs",
        ];
        for file in [&["src/main.rs", "a/src/lib.rs"], &others[..]].concat() {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let workspace = Workspace {
            root: root.clone(),
            cargo_home: Some(root.join("home")),
            doctest: None,
        };
        let holds = |file: &str| {
            workspace.holds(&Frame {
                file: file.into(),
                ..Frame::default()
            })
        };
        let absolute = root.join("src/main.rs").display().to_string();
        for file in [
            "src/main.rs",
            &absolute,
            "./a/src/lib.rs",
            "a/../src/main.rs",
        ] {
            assert!(holds(file), "{file}");
        }
        for file in [
            "",
            "<unknown>",
            "library/core/src/num/f64.rs",
            "/bin/sh",
            "../w/x.rs",
        ] {
            assert!(!holds(file), "{file}");
        }
        for file in others {
            assert!(!holds(file), "{file}");
        }
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn places_in_doctests_are_places_in_their_file() {
        let workspace = Workspace {
            root: env::current_dir().unwrap(),
            cargo_home: None,
            doctest: Some(Doctest {
                file: "src/lib.rs".into(),
                lines_before: -1,
            }),
        };
        let settled = |file: &str, column| {
            let (file, function) = (file.to_string(), String::new());
            let mut frame = Frame {
                file,
                line: 2,
                column,
                function,
            };
            workspace.in_file(&mut frame);
            (frame.line, frame.column)
        };
        assert_eq!(settled("src/lib.rs", 5), (1, 9));
        assert_eq!(settled("src/lib.rs", 0), (1, 0));
        assert_eq!(settled("src/words.rs", 5), (2, 5));
        assert_eq!(
            ["/// x", "    //!x", "x", "// x"].map(comment_length),
            [4, 7, 0, 0]
        );
    }

    #[test]
    fn paths_are_short() {
        for (file, shown) in [
            ("src/main.rs", "src/main.rs"),
            ("/w/src/main.rs", "src/main.rs"),
            ("/elsewhere/src/lib.rs", "/elsewhere/src/lib.rs"),
            (
                "/rustc/59807616e/library/core/src/num/f64.rs",
                "library/core/src/num/f64.rs",
            ),
            (
                "/usr/src/rustc-1.96.0/library/alloc/src/vec/mod.rs",
                "library/alloc/src/vec/mod.rs",
            ),
            (
                "/w/.cargo-home/registry/src/index-1/ndarray-0.16.1/src/lib.rs",
                "ndarray-0.16.1/src/lib.rs",
            ),
            ("/srv/library/src/main.rs", "/srv/library/src/main.rs"),
        ] {
            assert_eq!(workspace().shown(file), shown);
        }
    }
}
