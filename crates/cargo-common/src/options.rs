//! The options of a cargo command, as cargo itself reads them: one table for all our subcommands. Pure.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::failure::Failure;

/// Options of cargo's that take the next argument as their value, where none is attached (`--name=value`, `-nvalue`).
const WITH_VALUE: &[&str] = &[
    "--artifact-dir",
    "--bench",
    "--bin",
    "--color",
    "--config",
    "--example",
    "--exclude",
    "--features",
    "--jobs",
    "--lockfile-path",
    "--manifest-path",
    "--message-format",
    "--package",
    "--profile",
    "--target",
    "--target-dir",
    "--test",
    DIRECTORY,
    "-F",
    "-Z",
    "-j",
    "-p",
];
/// What cargo takes before a command alone: the folder to work in.
const DIRECTORY: &str = "-C";
/// Options of one letter without a value, which cargo lets users write together: `-rv`.
const FLAGS: &str = "hqrv";

/// One option, or a word that is none.
#[derive(Debug, PartialEq, Eq)]
pub struct Given {
    /// Its name: `--name` or `-n`.
    pub name: String,
    /// Its value; empty where it has none.
    pub value: String,
    /// How it is passed on.
    pub words: Vec<OsString>,
}

/// The arguments of a command.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The options, up to `--`, or for `run` up to the first word that is the program's.
    pub options: Vec<Given>,
    /// That word, and all that follow it.
    pub rest: Vec<OsString>,
    /// `-C`: the folder to work in.
    pub directory: Option<PathBuf>,
}

impl Line {
    /// The user's own configuration: `--config`, with its values.
    pub fn config(&self) -> Vec<OsString> {
        let options = self.options.iter();
        options
            .filter(|option| option.name == "--config")
            .flat_map(|option| option.words.clone())
            .collect()
    }

    /// The value of an option, the last one.
    pub fn value(&self, name: &str) -> Option<&str> {
        let mut options = self.options.iter().rev();
        options
            .find(|option| option.name == name)
            .map(|option| option.value.as_str())
    }

    /// Everything, as it is passed on.
    pub fn words(&self) -> Vec<OsString> {
        let options = self.options.iter().flat_map(|option| option.words.clone());
        options.chain(self.rest.clone()).collect()
    }
}

/// Reads the arguments that follow a command; `ours` are options with a value that the subcommand has beside cargo's.
pub fn read(is_run: bool, args: &[OsString], ours: &[&str]) -> Result<Line, Failure> {
    let mut line = Line::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let text = arg.to_string_lossy();
        if text == "--" || (is_run && !text.starts_with('-')) {
            line.rest.push(arg.clone());
            break;
        }
        for (name, attached, word) in apart(arg, &text) {
            let takes_value = WITH_VALUE.contains(&&*name) || ours.contains(&&*name);
            let mut words = vec![word];
            let mut value = attached;
            if takes_value && value.is_none() {
                let next = args.next().ok_or_else(|| no_value(&name))?;
                words.push(next.clone());
                value = Some(next.to_string_lossy().into_owned());
            }
            let value = value.unwrap_or_default();
            if name == DIRECTORY {
                line.directory = Some(line.directory.unwrap_or_default().join(value));
            } else {
                line.options.push(Given { name, value, words });
            }
        }
    }
    line.rest.extend(args.cloned());
    Ok(line)
}

/// The error of an option that is the last word.
pub fn no_value(name: &str) -> Failure {
    Failure::new(
        format!("`{name}` has no value"),
        "it is the last argument",
        format!("write `{name} VALUE`, or leave it out"),
    )
}

/// The options in one word, each with the value that is attached to it, and the word to pass it on with.
fn apart(arg: &OsString, text: &str) -> Vec<(String, Option<String>, OsString)> {
    if let Some((name, value)) = text.split_once('=')
        && name.starts_with("--")
    {
        return vec![(name.to_string(), Some(value.to_string()), arg.clone())];
    }
    let Some(letters) = text
        .strip_prefix('-')
        .filter(|letters| !letters.starts_with('-'))
    else {
        return vec![(text.to_string(), None, arg.clone())];
    };
    let mut found = Vec::new();
    for (at, letter) in letters.char_indices() {
        let name = format!("-{letter}");
        let after = &letters[at + letter.len_utf8()..];
        if WITH_VALUE.contains(&&*name) {
            let value = after.strip_prefix('=').unwrap_or(after);
            let word = format!("-{}", &letters[at..]).into();
            found.push((
                name,
                Some(value.to_string()).filter(|value| !value.is_empty()),
                word,
            ));
            break;
        }
        if !FLAGS.contains(letter) {
            // Nothing that is known: cargo may know more of it.
            return vec![(text.to_string(), None, arg.clone())];
        }
        found.push((name.clone(), None, name.into()));
    }
    if found.is_empty() {
        found.push((text.to_string(), None, arg.clone()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(is_run: bool, text: &str) -> Line {
        let args: Vec<_> = text.split_whitespace().map(OsString::from).collect();
        read(is_run, &args, &["--ours"]).unwrap()
    }

    fn options(text: &str) -> Vec<(String, String)> {
        let options = line(false, text).options;
        options
            .into_iter()
            .map(|option| (option.name, option.value))
            .collect()
    }

    fn passed(line: &Line) -> String {
        let words: Vec<_> = line
            .words()
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        words.join(" ")
    }

    #[test]
    fn letters_that_cargo_combines_are_taken_apart() {
        for (text, expected, words) in [
            ("-rv", &[("-r", ""), ("-v", "")][..], "-r -v"),
            ("-vv", &[("-v", ""), ("-v", "")], "-v -v"),
            ("-rj2", &[("-r", ""), ("-j", "2")], "-r -j2"),
            ("-qp=k", &[("-q", ""), ("-p", "k")], "-q -p=k"),
            ("-rF a,b", &[("-r", ""), ("-F", "a,b")], "-r -F a,b"),
            // `cargo tree -e features`: its letters are none of those that are known.
            ("-ev", &[("-ev", "")], "-ev"),
            ("-", &[("-", "")], "-"),
        ] {
            let found = options(text);
            let found: Vec<_> = found.iter().map(|(a, b)| (&**a, &**b)).collect();
            assert_eq!(found, expected, "{text}");
            assert_eq!(passed(&line(false, text)), words);
        }
    }

    #[test]
    fn values_are_attached_or_follow() {
        let found = line(
            false,
            "--config a=1 --ours b --ours=c -Zx --lib name --config=d",
        );
        assert_eq!(found.value("--ours"), Some("c"));
        assert_eq!(found.config(), ["--config", "a=1", "--config=d"]);
        assert_eq!(
            passed(&found),
            "--config a=1 --ours b --ours=c -Zx --lib name --config=d"
        );
        for last in ["--ours", "--profile", "-rj"] {
            let failure = read(false, &[last.into()], &["--ours"]).unwrap_err();
            assert!(failure.what.ends_with("has no value"), "{failure}");
        }
    }

    #[test]
    fn the_programs_own_words_are_left_alone() {
        let found = line(true, "-r name -v -C x");
        assert_eq!((found.options.len(), found.rest.len()), (1, 4));
        assert_eq!(found.directory, None);
        assert_eq!(line(false, "name -- -C x").rest.len(), 3);
    }

    #[test]
    fn the_folder_to_work_in_is_ours_to_take() {
        for text in ["-C a/b --lib", "-Ca -C b --lib", "-C=a/b --lib"] {
            let found = line(false, text);
            assert_eq!(found.directory, Some("a/b".into()), "{text}");
            assert_eq!(passed(&found), "--lib");
        }
    }
}
