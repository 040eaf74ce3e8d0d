//! What the user typed, and what cargo is to be asked for. Pure.

use std::ffi::OsString;
use std::path::PathBuf;

use cargo_common::failure::Failure;
use cargo_common::opening::{self, Opening};
use cargo_common::options;

/// The text of `cargo autodiff --help`.
pub const HELP: &str = "\
Runs cargo so that the members of the workspace can use #[autodiff_forward] and #[autodiff_reverse]

Usage: cargo autodiff COMMAND [--dev | --release | --profile NAME] [arguments of that cargo command]

Commands that compile, with the release profile unless another is named:
  build, b     run, r     test, t     bench     rustc
Commands that only look, as cargo does them:
  check, c     clippy     doc, d
Commands that cargo gets unchanged:
  add  clean  fetch  generate-lockfile  metadata  remove  tree  update  vendor

Options:
      --dev           The dev profile (cargo's own default) instead of release
      --profile NAME  Any other profile
  -C DIR              Work in another folder; also before the command
  -h, --help          This text
  -V, --version       The version

Members are compiled with -Zautodiff=Enable, fat LTO (whatever the profile says about LTO) and unstable features
unlocked, and with opt-level 3 where the profile says less than 2 (or `s`, or `z`), because Enzyme cannot read code that
is optimised less. Dependencies, build scripts and procedural macros compile as they always do. `cargo build` without
`autodiff` stays what it is; both keep their results side by side in one target folder.

What Enzyme cannot differentiate is an error at your line. What it prints besides goes to target/PROFILE/enzyme, and
is kept where the compilation fails.

Where neither CARGO_HOME is set nor the home folder can be written, downloaded packages go to .cargo-home in the
root of the workspace. `cargo autodiff fetch` with network, then `cargo autodiff run --offline` without, works for
any user.
";

/// How a cargo command is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It compiles code that runs: flag, unlocking, fat LTO.
    Compile,
    /// It reads the members' code only: flag and unlocking.
    Look,
    /// As `Look`, but cargo-clippy takes the place in front of rustc that we otherwise use.
    Clippy,
    /// It never starts the compiler.
    Plain,
}

/// One call of cargo.
#[derive(Debug, PartialEq, Eq)]
pub struct Invocation {
    /// How it is run.
    pub kind: Kind,
    /// The arguments for cargo, the command first.
    pub cargo_args: Vec<OsString>,
    /// The profile that compiles; none where nothing is compiled to run.
    pub profile: Option<String>,
    /// `--manifest-path`, which says where the workspace is.
    pub manifest_path: Option<PathBuf>,
    /// `--config`, with its values.
    pub config: Vec<OsString>,
    /// `-C`: the folder to work in.
    pub directory: Option<PathBuf>,
}

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// The help text.
    Help,
    /// The version.
    Version,
    /// A call of cargo.
    Cargo(Invocation),
}

const COMMANDS: &[(&str, &[&str], Kind)] = &[
    ("build", &["b"], Kind::Compile),
    ("run", &["r"], Kind::Compile),
    ("test", &["t"], Kind::Compile),
    ("bench", &[], Kind::Compile),
    ("rustc", &[], Kind::Compile),
    ("check", &["c"], Kind::Look),
    ("doc", &["d"], Kind::Look),
    ("clippy", &[], Kind::Clippy),
    ("add", &[], Kind::Plain),
    ("clean", &[], Kind::Plain),
    ("fetch", &[], Kind::Plain),
    ("generate-lockfile", &[], Kind::Plain),
    ("metadata", &[], Kind::Plain),
    ("remove", &["rm"], Kind::Plain),
    ("tree", &[], Kind::Plain),
    ("update", &[], Kind::Plain),
    ("vendor", &[], Kind::Plain),
];

/// Reads the arguments that follow `cargo autodiff`.
pub fn parse(args: &[OsString]) -> Result<Request, Failure> {
    let (word, rest, before) = match opening::read(args, crate::SUBCOMMAND)? {
        Opening::Help => return Ok(Request::Help),
        Opening::Version => return Ok(Request::Version),
        Opening::Command(word, rest, before) => (word, rest, before),
    };
    let Some((name, _, kind)) = COMMANDS
        .iter()
        .find(|(name, short, _)| *name == word || short.contains(&&*word))
    else {
        return Err(unknown_command(&word));
    };
    let mut call = invocation(name, *kind, rest)?;
    call.directory = opening::directory(before, call.directory);
    Ok(Request::Cargo(call))
}

fn unknown_command(word: &str) -> Failure {
    let names: Vec<&str> = COMMANDS.iter().map(|(name, _, _)| *name).collect();
    let nearest = names
        .iter()
        .min_by_key(|name| distance(word, name))
        .filter(|name| distance(word, name) <= 2);
    Failure::new(
        format!("unknown command `{word}`"),
        format!("the commands are: {}", names.join(", ")),
        match nearest {
            Some(name) => format!("did you mean `cargo autodiff {name}`?"),
            None => format!(
                "use one of these, or plain `cargo {word}`, which runs without differentiation"
            ),
        },
    )
}

fn invocation(name: &str, kind: Kind, rest: &[OsString]) -> Result<Invocation, Failure> {
    let compiles = matches!(kind, Kind::Compile | Kind::Look | Kind::Clippy);
    let mut line = options::read(name == "run", rest, &[])?;
    let is = |names: &[&str]| {
        let mut options = line.options.iter();
        options.any(|option| names.contains(&&*option.name))
    };
    // Elsewhere it is cargo's own: `cargo add --dev`.
    let is_dev = compiles && is(&["--dev"]);
    let is_release = is(&["-r", "--release"]);
    let named_profile = line.value("--profile").map(String::from);
    if u8::from(is_dev) + u8::from(is_release) + u8::from(named_profile.is_some()) > 1 {
        return Err(Failure::new(
            "more than one profile is named",
            "--dev, --release and --profile NAME exclude each other",
            "keep one of them",
        ));
    }
    let mut cargo_args = vec![OsString::from(name)];
    let mut profile = None;
    if kind == Kind::Compile {
        let named = is_release || named_profile.is_some();
        let (default, dev) = match name {
            "bench" => ("bench", "dev"),
            "test" => ("release", "test"),
            _ => ("release", "dev"),
        };
        profile = Some(match named_profile {
            Some(name) => name,
            None if is_dev => dev.to_string(),
            None if is_release => "release".to_string(),
            None => default.to_string(),
        });
        match name {
            "bench" if is_dev => cargo_args.extend(["--profile", "dev"].map(OsString::from)),
            "bench" => {}
            _ if is_dev || named => {}
            _ => cargo_args.push("--release".into()),
        }
    }
    if compiles {
        line.options.retain(|option| option.name != "--dev");
    }
    cargo_args.extend(line.words());
    Ok(Invocation {
        kind,
        cargo_args,
        profile,
        manifest_path: line.value("--manifest-path").map(PathBuf::from),
        config: line.config(),
        directory: line.directory,
    })
}

/// Edit distance between two short words.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(words: &[&str]) -> Result<Request, Failure> {
        parse(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    fn call(words: &[&str]) -> (Kind, Vec<String>, Option<String>) {
        match ask(words) {
            Ok(Request::Cargo(call)) => {
                let args = call
                    .cargo_args
                    .iter()
                    .map(|arg| arg.to_string_lossy().into_owned())
                    .collect();
                (call.kind, args, call.profile)
            }
            other => panic!("{words:?} gave {other:?}"),
        }
    }

    #[test]
    fn compiling_commands_use_the_release_profile() {
        for (word, name) in [
            ("build", "build"),
            ("b", "build"),
            ("run", "run"),
            ("t", "test"),
            ("rustc", "rustc"),
        ] {
            let (kind, args, profile) = call(&[word]);
            assert_eq!(
                (kind, args),
                (
                    Kind::Compile,
                    vec![name.to_string(), "--release".to_string()]
                )
            );
            assert_eq!(profile.as_deref(), Some("release"));
        }
        assert_eq!(
            call(&["bench"]),
            (Kind::Compile, vec!["bench".into()], Some("bench".into()))
        );
    }

    #[test]
    fn a_named_profile_is_kept() {
        for (words, args, profile) in [
            (
                &["build", "--dev", "--lib"][..],
                &["build", "--lib"][..],
                "dev",
            ),
            (&["test", "--dev"], &["test"], "test"),
            (&["bench", "--dev"], &["bench", "--profile", "dev"], "dev"),
            (&["build", "-r"], &["build", "-r"], "release"),
            (&["build", "--release"], &["build", "--release"], "release"),
            (
                &["build", "--profile", "release"],
                &["build", "--profile", "release"],
                "release",
            ),
            (
                &["build", "--profile=my-own"],
                &["build", "--profile=my-own"],
                "my-own",
            ),
            (
                &["test", "some_test", "--profile", "fast"],
                &["test", "some_test", "--profile", "fast"],
                "fast",
            ),
        ] {
            let (_, got, named) = call(words);
            assert_eq!(
                (got, named.as_deref()),
                (
                    args.iter().map(ToString::to_string).collect(),
                    Some(profile)
                )
            );
        }
    }

    #[test]
    fn the_programs_own_arguments_are_left_alone() {
        for words in [
            &["run", "--", "--dev", "--profile"][..],
            &["run", "input.csv", "--dev", "--release"],
            &["run", "--bin", "name", "input.csv", "--dev"],
            &["test", "--", "--dev"],
        ] {
            let (_, args, profile) = call(words);
            let mut expected = vec![words[0].to_string(), "--release".to_string()];
            expected.extend(words[1..].iter().map(ToString::to_string));
            assert_eq!(
                (args, profile.as_deref()),
                (expected, Some("release")),
                "{words:?}"
            );
        }
    }

    #[test]
    fn looking_and_plain_commands_choose_no_profile() {
        assert_eq!(
            call(&["check", "--tests"]),
            (Kind::Look, vec!["check".into(), "--tests".into()], None)
        );
        assert_eq!(call(&["clippy", "--", "-D", "warnings"]).0, Kind::Clippy);
        assert_eq!(
            call(&["fetch", "--locked"]),
            (Kind::Plain, vec!["fetch".into(), "--locked".into()], None)
        );
        // `--dev` is cargo's own option here.
        assert_eq!(call(&["add", "--dev", "csv"]).1, ["add", "--dev", "csv"]);
    }

    #[test]
    fn the_manifest_path_is_found() {
        for words in [
            &["build", "--manifest-path", "a/Cargo.toml"][..],
            &["build", "--manifest-path=a/Cargo.toml"],
        ] {
            let Ok(Request::Cargo(call)) = ask(words) else {
                panic!("{words:?}")
            };
            assert_eq!(call.manifest_path, Some(PathBuf::from("a/Cargo.toml")));
        }
    }

    #[test]
    fn options_that_cargo_combines_are_read() {
        let (_, args, profile) = call(&["build", "-rv", "-Fx"]);
        assert_eq!(
            (args, profile.as_deref()),
            (
                ["build", "-r", "-v", "-Fx"].map(String::from).into(),
                Some("release")
            )
        );
        for words in [
            &["-C", "a/b", "build"][..],
            &["build", "-C", "a/b"],
            &["-Ca", "build", "-Cb"],
        ] {
            let Ok(Request::Cargo(call)) = ask(words) else {
                panic!("{words:?}")
            };
            assert_eq!(call.directory, Some(PathBuf::from("a/b")));
            assert_eq!(call.cargo_args, ["build", "--release"]);
        }
    }

    #[test]
    fn help_and_version() {
        for words in [&[][..], &["--help"], &["-h"], &["help"]] {
            assert_eq!(ask(words), Ok(Request::Help));
        }
        for words in [&["--version"][..], &["-V"]] {
            assert_eq!(ask(words), Ok(Request::Version));
        }
    }

    #[test]
    fn errors_say_what_to_do() {
        let failure = ask(&["biuld"]).unwrap_err();
        assert_eq!(failure.what, "unknown command `biuld`");
        assert_eq!(failure.fix, "did you mean `cargo autodiff build`?");
        let failure = ask(&["publish"]).unwrap_err();
        assert!(failure.fix.contains("plain `cargo publish`"), "{failure}");
        assert_eq!(
            ask(&["--locked", "build"]).unwrap_err().what,
            "unknown option `--locked` before the command"
        );
        assert_eq!(
            ask(&["build", "--dev", "--release"]).unwrap_err().what,
            "more than one profile is named"
        );
        assert_eq!(
            ask(&["build", "--profile"]).unwrap_err().what,
            "`--profile` has no value"
        );
    }

    #[test]
    fn distance_counts_edits() {
        for (left, right, edits) in [
            ("", "ab", 2),
            ("run", "run", 0),
            ("rnu", "run", 2),
            ("tset", "test", 2),
        ] {
            assert_eq!(distance(left, right), edits);
        }
    }

    #[test]
    fn the_help_names_every_command() {
        for (name, _, _) in COMMANDS {
            assert!(HELP.contains(name), "{name}");
        }
    }
}
