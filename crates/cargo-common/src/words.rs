//! The arguments of one call of the compiler, as cargo makes it. Pure, but for reading the files that it names.

use std::ffi::OsString;
use std::fs;

/// The arguments as text, with those in files (`@path`, which cargo uses when a line is too long) put in their place.
pub fn expand(args: &[OsString]) -> Vec<String> {
    let mut words = Vec::with_capacity(args.len());
    for arg in args {
        let text = arg.to_string_lossy().into_owned();
        match text.strip_prefix('@').map(fs::read_to_string) {
            Some(Ok(content)) => words.extend(content.lines().map(String::from)),
            _ => words.push(text),
        }
    }
    words
}

/// The value of an option in either spelling, `--name value` or `--name=value`.
pub fn value_of<'a>(words: &'a [String], option: &str) -> Option<&'a str> {
    words.iter().enumerate().find_map(|(index, word)| {
        let rest = word.strip_prefix(option)?;
        if rest.is_empty() {
            words.get(index + 1).map(String::as_str)
        } else {
            rest.strip_prefix('=')
        }
    })
}

/// Whether rustc is to compile a crate that runs where the program does: no build script, no procedural macro.
///
/// A real compilation by cargo has `CARGO_CRATE_NAME` (`crate_name`), equal to `--crate-name`; a build script that
/// asks the compiler what it can do has not. It must not see unlocked features: its crate is compiled without.
pub fn compiles_member(words: &[String], crate_name: Option<&str>, is_binary: bool) -> bool {
    let Some(name) = value_of(words, "--crate-name") else {
        return false;
    };
    let is_build_script = name.starts_with("build_script_")
        && !is_binary
        && value_of(words, "--crate-type") == Some("bin")
        && !words.iter().any(|word| word == "--test");
    let is_macro = value_of(words, "--crate-type") == Some("proc-macro");
    crate_name == Some(name) && !is_build_script && !is_macro
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::env;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn members_are_known() {
        for line in [
            "rustc --crate-name member --edition=2024 src/lib.rs --crate-type lib --emit=dep-info,metadata,link",
            "rustc --crate-name member src/main.rs --crate-type bin",
            "rustc --crate-name member src/lib.rs --test",
            "rustc --crate-name member src/lib.rs --crate-type cdylib",
        ] {
            assert!(
                compiles_member(&words(line), Some("member"), false),
                "{line}"
            );
        }
    }

    #[test]
    fn probes_are_not() {
        for (line, name) in [
            ("rustc -vV", None),
            ("rustc - --crate-name ___ --print=file-names", None),
            // Build scripts of dependencies, which try whether a nightly feature compiles.
            (
                "rustc --crate-name=anyhow --crate-type=lib --emit=metadata src/nightly.rs",
                None,
            ),
            (
                "rustc --crate-name probe0 --crate-type=lib -",
                Some("member"),
            ),
        ] {
            assert!(!compiles_member(&words(line), name, false), "{line}");
        }
    }

    #[test]
    fn build_scripts_and_procedural_macros_are_not() {
        let line = words("rustc --crate-name build_script_build build.rs --crate-type bin");
        assert!(!compiles_member(&line, Some("build_script_build"), false));
        let line = words("rustc --crate-name build_script_runner src/main.rs --crate-type bin");
        assert!(compiles_member(&line, Some("build_script_runner"), true));
        let line = words("rustc --crate-name macros src/lib.rs --crate-type proc-macro");
        assert!(!compiles_member(&line, Some("macros"), false));
    }

    #[test]
    fn options_have_two_spellings() {
        assert_eq!(
            value_of(&words("a --crate-name b"), "--crate-name"),
            Some("b")
        );
        assert_eq!(
            value_of(&words("a --crate-name=b"), "--crate-name"),
            Some("b")
        );
        assert_eq!(value_of(&words("a --crate-names b"), "--crate-name"), None);
        assert_eq!(value_of(&words("a --crate-name"), "--crate-name"), None);
    }

    #[test]
    fn arguments_in_files_are_read() {
        let file = env::temp_dir().join(format!("cargo-common-args-{}", std::process::id()));
        fs::write(&file, "--crate-name\nmember\n").unwrap();
        let args = [
            OsString::from("rustc"),
            OsString::from(format!("@{}", file.display())),
        ];
        assert_eq!(expand(&args), ["rustc", "--crate-name", "member"]);
        fs::remove_file(file).unwrap();
    }
}
