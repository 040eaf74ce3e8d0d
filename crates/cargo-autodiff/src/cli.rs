//! What the user typed, and what cargo is to be asked for. Pure.

use std::ffi::OsString;
use std::path::PathBuf;

use cargo_common::failure::Failure;
use cargo_common::opening::{self, Opening};

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

/// Options of cargo's compiling commands that take the next argument as their value.
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
    "-C",
    "-F",
    "-Z",
    "-j",
    "-p",
];

/// Reads the arguments that follow `cargo autodiff`.
pub fn parse(args: &[OsString]) -> Result<Request, Failure> {
    let (word, rest) = match opening::read(args, crate::SUBCOMMAND)? {
        Opening::Help => return Ok(Request::Help),
        Opening::Version => return Ok(Request::Version),
        Opening::Command(word, rest) => (word, rest),
    };
    let Some((name, _, kind)) = COMMANDS
        .iter()
        .find(|(name, short, _)| *name == word || short.contains(&&*word))
    else {
        return Err(unknown_command(&word));
    };
    invocation(name, *kind, rest).map(Request::Cargo)
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

/// What the options before `--` say.
#[derive(Default)]
struct Options {
    dev: bool,
    release: bool,
    profile: Option<String>,
    manifest_path: Option<PathBuf>,
}

fn invocation(name: &str, kind: Kind, rest: &[OsString]) -> Result<Invocation, Failure> {
    let compiles = matches!(kind, Kind::Compile | Kind::Look | Kind::Clippy);
    let (options, passed) = scan(name == "run", compiles, rest)?;
    if u8::from(options.dev) + u8::from(options.release) + u8::from(options.profile.is_some()) > 1 {
        return Err(Failure::new(
            "more than one profile is named",
            "--dev, --release and --profile NAME exclude each other",
            "keep one of them",
        ));
    }
    let mut cargo_args = vec![OsString::from(name)];
    let mut profile = None;
    if kind == Kind::Compile {
        let named = options.release || options.profile.is_some();
        let (default, dev) = match name {
            "bench" => ("bench", "dev"),
            "test" => ("release", "test"),
            _ => ("release", "dev"),
        };
        profile = Some(match options.profile {
            Some(name) => name,
            None if options.dev => dev.to_string(),
            None if options.release => "release".to_string(),
            None => default.to_string(),
        });
        match name {
            "bench" if options.dev => cargo_args.extend(["--profile", "dev"].map(OsString::from)),
            "bench" => {}
            _ if options.dev || named => {}
            _ => cargo_args.push("--release".into()),
        }
    }
    cargo_args.extend(passed);
    Ok(Invocation {
        kind,
        cargo_args,
        profile,
        manifest_path: options.manifest_path,
    })
}

/// Reads cargo's options up to `--` (for `run` up to the first word that is the program's), and takes `--dev` out.
fn scan(
    is_run: bool,
    compiles: bool,
    rest: &[OsString],
) -> Result<(Options, Vec<OsString>), Failure> {
    let mut options = Options::default();
    let mut passed = Vec::with_capacity(rest.len());
    let mut args = rest.iter();
    while let Some(arg) = args.next() {
        let text = arg.to_string_lossy();
        let ends = text == "--" || (is_run && !text.starts_with('-'));
        if ends {
            passed.push(arg.clone());
            break;
        }
        if compiles && text == "--dev" {
            options.dev = true;
            continue;
        }
        passed.push(arg.clone());
        let (name, mut value) = match text.split_once('=') {
            Some((name, value)) if name.starts_with("--") => {
                (name.to_string(), Some(value.to_string()))
            }
            _ => (text.into_owned(), None),
        };
        if value.is_none()
            && WITH_VALUE.contains(&name.as_str())
            && let Some(next) = args.next()
        {
            passed.push(next.clone());
            value = Some(next.to_string_lossy().into_owned());
        }
        match (name.as_str(), value) {
            ("-r" | "--release", _) => options.release = true,
            ("--profile", Some(value)) => options.profile = Some(value),
            ("--profile" | "--manifest-path", None) => {
                return Err(Failure::new(
                    format!("`{name}` has no value"),
                    "it is the last argument",
                    format!("write `{name} VALUE`, or leave it out"),
                ));
            }
            ("--manifest-path", Some(value)) => options.manifest_path = Some(value.into()),
            _ => {}
        }
    }
    passed.extend(args.cloned());
    Ok((options, passed))
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
