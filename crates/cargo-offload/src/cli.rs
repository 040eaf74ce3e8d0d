//! What the user typed is read. Pure.

use std::ffi::OsString;
use std::path::PathBuf;

use cargo_common::failure::Failure;
use cargo_common::opening::{self, Opening};
use cargo_common::options::{self, Given};

use crate::device::Device;
use crate::request::{Invocation, Plain, Request};

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

/// Options with a value that cargo does not have.
const OURS: &[&str] = &["--device", "--kernels"];
/// Options that hold for the kernels too.
const SHARED: &[&str] = &[
    "--color",
    "--config",
    "--features",
    "--jobs",
    "--lockfile-path",
    "--manifest-path",
    "-F",
    "-Z",
    "-j",
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
];

/// Options that hold for whatever cargo compiles.
const MANNER: &[&str] = &[
    "--color",
    "--jobs",
    "--quiet",
    "--verbose",
    "-j",
    "-q",
    "-v",
];

/// Reads the arguments that follow `cargo offload`.
pub fn parse(args: &[OsString]) -> Result<Request, Failure> {
    let (word, rest, before) = match opening::read(args, crate::SUBCOMMAND)? {
        Opening::Help => return Ok(Request::Help),
        Opening::Version => return Ok(Request::Version),
        Opening::Command(word, rest, before) => (word, rest, before),
    };
    if PLAIN.contains(&word.as_str()) {
        let line = options::read(false, rest, &[])?;
        let mut args = vec![OsString::from(word)];
        args.extend(line.words());
        return Ok(Request::Plain(Plain {
            args,
            manifest_path: line.value("--manifest-path").map(PathBuf::from),
            directory: opening::directory(before, line.directory),
        }));
    }
    match COMPILING
        .iter()
        .find(|(name, short)| *name == word || *short == word)
    {
        Some((name, _)) => {
            let mut call = compile(name, rest)?;
            call.directory = opening::directory(before, call.directory);
            Ok(Request::Compile(Box::new(call)))
        }
        None => Err(Failure::new(
            format!("unknown command `{word}`"),
            format!("the commands are: build, run, test, {}", PLAIN.join(", ")),
            "use one of these; `cargo offload --help` tells more",
        )),
    }
}

/// What the options say.
#[derive(Default)]
struct Options {
    devices: Vec<Device>,
    old_spelling: Option<String>,
    triple: Option<String>,
    kernels: Option<String>,
    package: Option<String>,
    autodiff: bool,
    verbose: bool,
    profiles: Vec<Profile>,
    builds_std: bool,
    passed: Vec<OsString>,
    shared: Vec<OsString>,
    manner: Vec<OsString>,
}

/// A profile that is named.
enum Profile {
    Dev,
    Release,
    Other(String),
}

fn compile(name: &str, rest: &[OsString]) -> Result<Invocation, Failure> {
    let line = options::read(name == "run", rest, OURS)?;
    let mut options = Options::default();
    for option in &line.options {
        options.take(option)?;
    }
    options.passed.extend(line.rest.iter().cloned());
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
    if options.devices.is_empty() {
        options.devices.push(Device::Host);
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
        devices: options.devices,
        old_spelling: options.old_spelling,
        triple: options.triple,
        kernels: options.kernels.or(options.package),
        autodiff: options.autodiff,
        verbose: options.verbose,
        host_args,
        shared_args: options.shared,
        manner_args: options.manner,
        host_profile,
        device_profile,
        manifest_path: line.value("--manifest-path").map(PathBuf::from),
        config: line.config(),
        directory: line.directory.clone(),
        target_dir: line.value("--target-dir").map(PathBuf::from),
        builds_std: options.builds_std,
    })
}

impl Options {
    /// Reads one option, and passes on to cargo what is not ours alone.
    fn take(&mut self, option: &Given) -> Result<(), Failure> {
        let value = option.value.as_str();
        match option.name.as_str() {
            "--dev" => self.profiles.push(Profile::Dev),
            "--autodiff" => self.autodiff = true,
            "--kernels" => self.kernels = Some(value.to_string()),
            "--device" => return self.add_devices(value),
            "--target" if Device::are_named(value) => {
                self.old_spelling = Some(value.to_string());
                return self.add_devices(value);
            }
            "--target" => {
                if self.triple.replace(value.to_string()).is_some() {
                    return Err(Failure::new(
                        "more than one --target is named",
                        "kernels on the virtual host device are compiled for the one that the program is compiled for",
                        "name one, and run the command again for the other",
                    ));
                }
                self.passed.extend(option.words.iter().cloned());
            }
            name => {
                if SHARED.contains(&name) {
                    self.shared.extend(option.words.iter().cloned());
                }
                if MANNER.contains(&name) {
                    self.manner.extend(option.words.iter().cloned());
                }
                // The program is linked with the std that there is.
                if name != "-Z" || !value.starts_with("build-std") {
                    self.passed.extend(option.words.iter().cloned());
                }
                match name {
                    "-r" | "--release" => self.profiles.push(Profile::Release),
                    "-v" | "--verbose" => self.verbose = true,
                    "--profile" => self.profiles.push(Profile::Other(value.to_string())),
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

    fn add_devices(&mut self, list: &str) -> Result<(), Failure> {
        for word in list.split(',') {
            let device: Device = word.trim().parse()?;
            if self.devices.contains(&device) {
                return Err(Failure::new(
                    format!("the device `{device}` is named twice"),
                    "a program has one image for each device",
                    "name it once",
                ));
            }
            self.devices.push(device);
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
            Ok(Request::Compile(call)) => *call,
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
        assert_eq!(found.devices, [Device::Host]);
        assert_eq!(text(&found.host_args), "run --release");
        assert_eq!(
            (&*found.host_profile, &*found.device_profile),
            ("release", "release")
        );
        assert!(found.shared_args.is_empty() && !found.autodiff && !found.verbose);
    }

    #[test]
    fn devices_keep_their_order() {
        let words = |line| {
            let devices = call(line).devices;
            devices.iter().map(Device::to_string).collect::<Vec<_>>()
        };
        assert_eq!(words("build --device sm_90,host"), ["sm_90", "host"]);
        assert_eq!(
            words("b --device=gfx90a --device sm_90"),
            ["gfx90a", "sm_90"]
        );
    }

    #[test]
    fn a_target_is_what_cargo_says_unless_it_names_devices() {
        let old = call("build --target sm_90,host");
        assert_eq!(old.devices, call("build --device sm_90,host").devices);
        assert_eq!(old.old_spelling.as_deref(), Some("sm_90,host"));
        assert_eq!(text(&old.host_args), "build --release");
        let new = call("build --device host --target aarch64-unknown-linux-gnu");
        assert_eq!(new.triple.as_deref(), Some("aarch64-unknown-linux-gnu"));
        assert_eq!((new.devices, new.old_spelling), (vec![Device::Host], None));
        assert_eq!(
            text(&new.host_args),
            "build --release --target aarch64-unknown-linux-gnu"
        );
        assert!(new.shared_args.is_empty());
    }

    #[test]
    fn options_that_cargo_combines_are_read() {
        let found = call("build -rv -Fx");
        assert!(found.verbose);
        assert_eq!(text(&found.host_args), "build -r -v -Fx");
        assert_eq!(text(&found.shared_args), "-v -Fx");
        for line in [
            "-C a/b build --lib",
            "build -Ca/b --lib",
            "-Ca build -C b --lib",
        ] {
            let found = call(line);
            assert_eq!(found.directory, Some("a/b".into()), "{line}");
            assert_eq!(text(&found.host_args), "build --release --lib");
        }
        let found = call("build --config a=1");
        assert_eq!(found.config, ["--config", "a=1"]);
    }

    #[test]
    fn what_holds_for_the_kernels_too_is_passed_to_both() {
        let found = call(
            "run --device host --locked --offline -v --features a,b -Fc -j 2 --bin x --kernels k --autodiff prog --target 3",
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
        assert_eq!(found.devices, [Device::Host]);
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
            Ok(Request::Plain(Plain {
                args,
                manifest_path: Some("a/Cargo.toml".into()),
                directory: None
            }))
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
            ("build --device avr", "unknown device `avr`"),
            ("build --device host,", "unknown device ``"),
            ("build --target host,", "unknown device ``"),
            (
                "build --target a-b-c --target d-e-f",
                "more than one --target is named",
            ),
            (
                "build --device host,host",
                "the device `host` is named twice",
            ),
            ("build --device", "`--device` has no value"),
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
