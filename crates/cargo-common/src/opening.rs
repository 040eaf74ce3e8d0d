//! The beginning of a command line, which is the same for all our subcommands. Pure.

use std::ffi::OsString;

use crate::failure::Failure;

/// What the first argument says.
pub enum Opening<'a> {
    /// Nothing, or that help is wanted.
    Help,
    /// That the version is wanted.
    Version,
    /// A command of cargo, and the arguments that follow it.
    Command(String, &'a [OsString]),
}

/// Reads the first argument of `subcommand` (`cargo autodiff`, say); an option there is refused.
pub fn read<'a>(args: &'a [OsString], subcommand: &str) -> Result<Opening<'a>, Failure> {
    let Some((first, rest)) = args.split_first() else {
        return Ok(Opening::Help);
    };
    let word = first.to_string_lossy();
    match &*word {
        "-h" | "--help" | "help" => Ok(Opening::Help),
        "-V" | "--version" => Ok(Opening::Version),
        option if option.starts_with('-') => Err(Failure::new(
            format!("unknown option `{option}` before the command"),
            "options of cargo go after the command",
            format!(
                "write `{subcommand} COMMAND {option}`, for example `{subcommand} build {option}`"
            ),
        )),
        _ => Ok(Opening::Command(word.into_owned(), rest)),
    }
}
