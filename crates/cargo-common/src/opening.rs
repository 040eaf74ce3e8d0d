//! The beginning of a command line, which is the same for all our subcommands. Pure.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::options;

/// What the first argument says.
#[derive(Debug, PartialEq, Eq)]
pub enum Opening<'a> {
    /// Nothing, or that help is wanted.
    Help,
    /// That the version is wanted.
    Version,
    /// A command of cargo, the arguments that follow it, and the folder to work in (`-C`, where it stands before it).
    Command(String, &'a [OsString], Option<PathBuf>),
}

/// Reads the first argument of `subcommand` (`cargo autodiff`, say); options but `-C` are refused there.
pub fn read<'a>(args: &'a [OsString], subcommand: &str) -> Result<Opening<'a>, Failure> {
    let Some((first, rest)) = args.split_first() else {
        return Ok(Opening::Help);
    };
    let word = first.to_string_lossy();
    match &*word {
        "-h" | "--help" | "help" => Ok(Opening::Help),
        "-V" | "--version" => Ok(Opening::Version),
        "-C" => match rest.split_first() {
            Some((folder, rest)) => below(Path::new(folder), rest, subcommand),
            None => Err(options::no_value("-C")),
        },
        option if option.starts_with("-C") => {
            below(Path::new(&option["-C".len()..]), rest, subcommand)
        }
        option if option.starts_with('-') => Err(Failure::new(
            format!("unknown option `{option}` before the command"),
            "options of cargo go after the command",
            format!(
                "write `{subcommand} COMMAND {option}`, for example `{subcommand} build {option}`"
            ),
        )),
        _ => Ok(Opening::Command(word.into_owned(), rest, None)),
    }
}

fn below<'a>(
    folder: &Path,
    args: &'a [OsString],
    subcommand: &str,
) -> Result<Opening<'a>, Failure> {
    Ok(match read(args, subcommand)? {
        Opening::Command(word, rest, inner) => {
            let folder = inner.map_or_else(|| folder.to_path_buf(), |inner| folder.join(inner));
            Opening::Command(word, rest, Some(folder))
        }
        other => other,
    })
}

/// The folder of both places where `-C` may stand.
pub fn directory(before: Option<PathBuf>, after: Option<PathBuf>) -> Option<PathBuf> {
    match (before, after) {
        (Some(before), Some(after)) => Some(before.join(after)),
        (before, after) => before.or(after),
    }
}

/// Goes to the folder that was named, before anything else is done.
pub fn go_to(directory: Option<&Path>) -> Result<(), Failure> {
    let Some(folder) = directory else {
        return Ok(());
    };
    env::set_current_dir(folder).map_err(|error| {
        Failure::new(
            format!("-C {}: there is no such folder", folder.display()),
            error.to_string(),
            "name the folder of a project, from here",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_may_stand_before_the_command() {
        for (line, folder) in [
            ("build --lib", None),
            ("-C a build --lib", Some("a")),
            ("-Ca -C b build --lib", Some("a/b")),
        ] {
            let args: Vec<_> = line.split(' ').map(OsString::from).collect();
            let Ok(Opening::Command(word, rest, found)) = read(&args, "cargo x") else {
                panic!("{line}");
            };
            assert_eq!((&*word, rest.len()), ("build", 1));
            assert_eq!(found, folder.map(PathBuf::from), "{line}");
        }
        let failure = read(&["-C".into()], "cargo x").unwrap_err();
        assert_eq!(failure.what, "`-C` has no value");
        assert_eq!(
            directory(Some("a".into()), Some("b".into())),
            Some("a/b".into())
        );
        assert!(go_to(Some(Path::new("/nowhere"))).is_err() && go_to(None).is_ok());
    }
}
