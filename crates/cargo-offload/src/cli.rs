//! What the user typed, and what cargo is to be asked for. Pure.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use cargo_common::failure::Failure;
use cargo_common::opening::{self, Opening};

use crate::target::Target;

/// The text of `cargo offload --help`.
pub const HELP: &str = "\
Compiles the kernels of a crate for devices, and runs cargo for the program that launches them

Usage: cargo offload COMMAND [--target TARGETS] [options] [arguments of that cargo command]

Commands that compile, with the release profile unless another is named:
  build, b     run, r     test, t
Commands that cargo gets unchanged:
  add  clean  fetch  generate-lockfile  metadata  remove  tree  update  vendor

Options:
      --target TARGETS   What kernels are compiled for, separated by commas: host (the virtual host device, which is
                         there on any machine), sm_90, gfx90a, ...; host where none is named
      --kernels PACKAGE  The member of the workspace whose library holds the kernels; else the package of -p, or that
                         of the current folder
      --autodiff         Kernels and program differentiate functions with #[autodiff_forward] or #[autodiff_reverse]
      --dev              The dev profile (cargo's own default) for the program; kernels are always optimised
      --profile NAME     Any other profile, for both
  -v, --verbose          Also print the commands that are run, as lines to run them again by hand
  -h, --help             This text
  -V, --version          The version

For each target, the library with the kernels is compiled into an image (`-Zoffload=Device`, in target/offload); then
cargo compiles the program, and its members get the images (`-Zoffload=Host=...`) and are linked with `offload-linker`.
Dependencies, build scripts and procedural macros compile as they always do.

Where neither CARGO_HOME is set nor the home folder can be written, downloaded packages go to .cargo-home in the
root of the workspace.
";

/// One call of a cargo command that compiles.
#[derive(Debug, PartialEq, Eq)]
pub struct Invocation {
    /// What kernels are compiled for, in the order of the images.
    pub targets: Vec<Target>,
    /// `--kernels`, or the package of `-p`.
    pub kernels: Option<String>,
    /// Whether functions are differentiated.
    pub autodiff: bool,
    /// Whether commands are shown.
    pub verbose: bool,
    /// The arguments for the cargo that compiles the program, the command first.
    pub host_args: Vec<OsString>,
    /// Those of its options that hold for the kernels too, but for the profile.
    pub shared_args: Vec<OsString>,
    /// The profile of the program.
    pub host_profile: String,
    /// The profile of the kernels.
    pub device_profile: String,
    /// `--manifest-path`, which says where the workspace is.
    pub manifest_path: Option<PathBuf>,
    /// `--target-dir`.
    pub target_dir: Option<PathBuf>,
    /// Whether cargo is asked to compile the standard library itself (`-Zbuild-std`).
    pub builds_std: bool,
}

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// The help text.
    Help,
    /// The version.
    Version,
    /// A command that cargo gets as it is.
    Plain(Vec<OsString>, Option<PathBuf>),
    /// A command that compiles.
    Compile(Invocation),
}

const COMPILING: &[(&str, &str)] = &[("build", "b"), ("run", "r"), ("test", "t")];
const PLAIN: &[&str] = &[
    "add",
    "clean",
    "fetch",
    "generate-lockfile",
    "metadata",
    "remove",
    "tree",
    "update",
    "vendor",
];

/// Options with a value that say nothing about the kernels.
const WITH_VALUE: &[&str] = &[
    "--artifact-dir",
    "--bench",
    "--bin",
    "--example",
    "--exclude",
    "--message-format",
    "--test",
];
/// Options with a value that hold for the kernels too.
const SHARED_WITH_VALUE: &[&str] = &[
    "--color",
    "--config",
    "--features",
    "--jobs",
    "--lockfile-path",
    "--manifest-path",
    "-F",
    "-Z",
    "-j",
];
/// Options without a value that hold for the kernels too.
const SHARED: &[&str] = &[
    "--all-features",
    "--frozen",
    "--ignore-rust-version",
    "--locked",
    "--no-default-features",
    "--offline",
    "--quiet",
    "--verbose",
    "-q",
    "-v",
    "-vv",
];

/// Reads the arguments that follow `cargo offload`.
pub fn parse(args: &[OsString]) -> Result<Request, Failure> {
    let (word, rest) = match opening::read(args, crate::SUBCOMMAND)? {
        Opening::Help => return Ok(Request::Help),
        Opening::Version => return Ok(Request::Version),
        Opening::Command(word, rest) => (word, rest),
    };
    if PLAIN.contains(&word.as_str()) {
        let manifest_path = value_after(rest, "--manifest-path").map(PathBuf::from);
        return Ok(Request::Plain(args.to_vec(), manifest_path));
    }
    match COMPILING
        .iter()
        .find(|(name, short)| *name == word || *short == word)
    {
        Some((name, _)) => compile(name, rest).map(Request::Compile),
        None => Err(Failure::new(
            format!("unknown command `{word}`"),
            format!("the commands are: build, run, test, {}", PLAIN.join(", ")),
            "use one of these; `cargo offload --help` tells more",
        )),
    }
}

fn value_after<'a>(args: &'a [OsString], option: &str) -> Option<&'a OsStr> {
    args.windows(2)
        .find(|pair| pair[0] == option)
        .map(|pair| pair[1].as_os_str())
}

/// What the options before `--` say.
#[derive(Default)]
struct Options {
    targets: Vec<Target>,
    kernels: Option<String>,
    package: Option<String>,
    autodiff: bool,
    verbose: bool,
    profiles: Vec<Profile>,
    manifest_path: Option<PathBuf>,
    target_dir: Option<PathBuf>,
    builds_std: bool,
    passed: Vec<OsString>,
    shared: Vec<OsString>,
}

/// A profile that is named.
enum Profile {
    Dev,
    Release,
    Other(String),
}

fn compile(name: &str, rest: &[OsString]) -> Result<Invocation, Failure> {
    let mut options = scan(name == "run", rest)?;
    if options.profiles.len() > 1 {
        return Err(Failure::new(
            "more than one profile is named",
            "--dev, --release and --profile NAME exclude each other",
            "keep one of them",
        ));
    }
    let profile = options.profiles.pop();
    let is_dev = matches!(profile, Some(Profile::Dev));
    if options.autodiff && is_dev {
        return Err(Failure::new(
            "--autodiff and --dev exclude each other",
            "Enzyme cannot differentiate code that was not optimised",
            "leave out --dev, or name a profile with opt-level 1 or more with --profile",
        ));
    }
    if options.targets.is_empty() {
        options.targets.push(Target::Host);
    }
    let mut host_args = vec![OsString::from(name)];
    if profile.is_none() {
        host_args.push("--release".into());
    }
    host_args.append(&mut options.passed);
    let device_profile = match profile {
        Some(Profile::Other(name)) => name,
        _ => "release".to_string(),
    };
    let host_profile = match name {
        "test" if is_dev => "test".to_string(),
        _ if is_dev => "dev".to_string(),
        _ => device_profile.clone(),
    };
    Ok(Invocation {
        targets: options.targets,
        kernels: options.kernels.or(options.package),
        autodiff: options.autodiff,
        verbose: options.verbose,
        host_args,
        shared_args: options.shared,
        host_profile,
        device_profile,
        manifest_path: options.manifest_path,
        target_dir: options.target_dir,
        builds_std: options.builds_std,
    })
}

/// Reads the options up to `--` (for `run` up to the first word that is the program's).
fn scan(is_run: bool, rest: &[OsString]) -> Result<Options, Failure> {
    let mut options = Options::default();
    let mut args = rest.iter();
    while let Some(arg) = args.next() {
        let text = arg.to_string_lossy();
        if text == "--" || (is_run && !text.starts_with('-')) {
            options.passed.push(arg.clone());
            break;
        }
        let (name, attached) = split(&text);
        let takes_value = WITH_VALUE.contains(&&*name)
            || SHARED_WITH_VALUE.contains(&&*name)
            || OURS_WITH_VALUE.contains(&&*name);
        let mut words = vec![arg.clone()];
        let mut value = attached;
        if takes_value && value.is_none() {
            let next = args.next().ok_or_else(|| {
                Failure::new(
                    format!("`{name}` has no value"),
                    "it is the last argument",
                    format!("write `{name} VALUE`, or leave it out"),
                )
            })?;
            words.push(next.clone());
            value = Some(next.to_string_lossy().into_owned());
        }
        options.take(&name, &value.unwrap_or_default(), words)?;
    }
    options.passed.extend(args.cloned());
    Ok(options)
}

/// Options with a value that `Options::take` reads.
const OURS_WITH_VALUE: &[&str] = &[
    "--kernels",
    "--package",
    "--profile",
    "--target",
    "--target-dir",
    "-p",
];

/// An option's name, and the value that is attached to it: `--name=value`, `-nvalue`.
fn split(text: &str) -> (String, Option<String>) {
    if let Some((name, value)) = text.split_once('=')
        && name.starts_with("--")
    {
        return (name.to_string(), Some(value.to_string()));
    }
    match text.split_at_checked(2) {
        Some((name @ ("-F" | "-Z" | "-j" | "-p"), value)) if !value.is_empty() => {
            (name.to_string(), Some(value.to_string()))
        }
        _ => (text.to_string(), None),
    }
}

impl Options {
    /// Reads one option, and passes on to cargo (`words`) what is not ours alone.
    fn take(&mut self, name: &str, value: &str, words: Vec<OsString>) -> Result<(), Failure> {
        match name {
            "--dev" => self.profiles.push(Profile::Dev),
            "--autodiff" => self.autodiff = true,
            "--kernels" => self.kernels = Some(value.to_string()),
            "--target" => {
                for word in value.split(',') {
                    let target: Target = word.trim().parse()?;
                    if self.targets.contains(&target) {
                        return Err(Failure::new(
                            format!("the target `{target}` is named twice"),
                            "a program has one image for each target",
                            "name it once",
                        ));
                    }
                    self.targets.push(target);
                }
            }
            _ => {
                if SHARED.contains(&name) || SHARED_WITH_VALUE.contains(&name) {
                    self.shared.extend(words.iter().cloned());
                }
                // The program is linked with the std that there is.
                if name != "-Z" || !value.starts_with("build-std") {
                    self.passed.extend(words);
                }
                match name {
                    "-r" | "--release" => self.profiles.push(Profile::Release),
                    "-v" | "-vv" | "--verbose" => self.verbose = true,
                    "--profile" => self.profiles.push(Profile::Other(value.to_string())),
                    "--manifest-path" => self.manifest_path = Some(value.into()),
                    "--target-dir" => self.target_dir = Some(value.into()),
                    "-p" | "--package" => {
                        self.package.get_or_insert_with(|| value.to_string());
                    }
                    "-Z" => self.builds_std |= value.starts_with("build-std"),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(line: &str) -> Result<Request, Failure> {
        parse(
            &line
                .split_whitespace()
                .map(OsString::from)
                .collect::<Vec<_>>(),
        )
    }

    fn call(line: &str) -> Invocation {
        match ask(line) {
            Ok(Request::Compile(call)) => call,
            other => panic!("{line} gave {other:?}"),
        }
    }

    fn text(args: &[OsString]) -> String {
        let words: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
        words.join(" ")
    }

    #[test]
    fn the_virtual_host_device_is_the_default() {
        let found = call("run");
        assert_eq!(found.targets, [Target::Host]);
        assert_eq!(text(&found.host_args), "run --release");
        assert_eq!(
            (&*found.host_profile, &*found.device_profile),
            ("release", "release")
        );
        assert!(found.shared_args.is_empty() && !found.autodiff && !found.verbose);
    }

    #[test]
    fn targets_keep_their_order() {
        let words = |line| {
            let targets = call(line).targets;
            targets.iter().map(Target::to_string).collect::<Vec<_>>()
        };
        assert_eq!(words("build --target sm_90,host"), ["sm_90", "host"]);
        assert_eq!(
            words("b --target=gfx90a --target sm_90"),
            ["gfx90a", "sm_90"]
        );
    }

    #[test]
    fn what_holds_for_the_kernels_too_is_passed_to_both() {
        let found = call(
            "run --target host --locked --offline -v --features a,b -Fc -j 2 --bin x --kernels k --autodiff prog --target 3",
        );
        assert_eq!(
            text(&found.host_args),
            "run --release --locked --offline -v --features a,b -Fc -j 2 --bin x prog --target 3"
        );
        assert_eq!(
            text(&found.shared_args),
            "--locked --offline -v --features a,b -Fc -j 2"
        );
        assert_eq!(found.kernels.as_deref(), Some("k"));
        assert!(found.autodiff && found.verbose);
    }

    #[test]
    fn what_follows_two_dashes_is_the_programs() {
        let found = call("test --test grid -- --target x --dev");
        assert_eq!(
            text(&found.host_args),
            "test --release --test grid -- --target x --dev"
        );
        assert_eq!(found.targets, [Target::Host]);
    }

    #[test]
    fn profiles() {
        for (line, args, host, device) in [
            ("build --dev", "build", "dev", "release"),
            ("test --dev", "test", "test", "release"),
            ("build -r", "build -r", "release", "release"),
            ("run --profile fast", "run --profile fast", "fast", "fast"),
        ] {
            let found = call(line);
            assert_eq!(text(&found.host_args), args);
            assert_eq!(
                (&*found.host_profile, &*found.device_profile),
                (host, device)
            );
        }
    }

    #[test]
    fn places_and_packages_are_read() {
        let found =
            call("build -p app --manifest-path a/Cargo.toml --target-dir t -Zbuild-std=core");
        assert_eq!(found.kernels.as_deref(), Some("app"));
        assert_eq!(found.manifest_path, Some("a/Cargo.toml".into()));
        assert_eq!(found.target_dir, Some("t".into()));
        assert!(found.builds_std);
        assert_eq!(
            text(&found.shared_args),
            "--manifest-path a/Cargo.toml -Zbuild-std=core"
        );
        assert!(!text(&found.host_args).contains("build-std"));
        assert_eq!(
            call("build -papp --kernels k").kernels.as_deref(),
            Some("k")
        );
    }

    #[test]
    fn plain_commands_are_untouched() {
        let args: Vec<_> = ["fetch", "--manifest-path", "a/Cargo.toml"]
            .map(OsString::from)
            .into();
        assert_eq!(
            parse(&args),
            Ok(Request::Plain(args, Some("a/Cargo.toml".into())))
        );
    }

    #[test]
    fn errors_say_what_to_do() {
        for (line, what) in [
            ("biuld", "unknown command `biuld`"),
            (
                "--target host",
                "unknown option `--target` before the command",
            ),
            ("build --target avr", "unknown target `avr`"),
            ("build --target host,", "unknown target ``"),
            (
                "build --target host,host",
                "the target `host` is named twice",
            ),
            ("build --target", "`--target` has no value"),
            ("build --dev --release", "more than one profile is named"),
            (
                "run --dev --autodiff",
                "--autodiff and --dev exclude each other",
            ),
        ] {
            assert_eq!(ask(line).unwrap_err().what, what);
        }
        for line in ["", "help", "--help", "-h"] {
            assert_eq!(ask(line), Ok(Request::Help));
        }
        assert_eq!(ask("-V"), Ok(Request::Version));
    }
}
