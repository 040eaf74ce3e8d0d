//! For tests of our subcommands: a world of tools that only say how they were called.
//!
//! A test program stands in for cargo, rustc and the linkers itself. Started with `FAKE_TOOL` in its environment it is
//! such a tool (`run`); else it runs its tests, which start our executables with its own path in the place of the tools,
//! and with answers for them in the environment.

// Whatever goes wrong here ends the test.
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Output};

/// Says that the test program is a tool.
const TOOL: &str = "FAKE_TOOL";
/// The triple of the machine in this world.
pub const HOST: &str = "x86_64-unknown-linux-gnu";

/// A test, by its name.
pub type Test<'a> = (&'a str, fn());

/// The whole of a test program's `main`. As a tool it answers what `answer` knows (which then ends the process), what
/// cargo and rustc are asked for by all our subcommands, and otherwise prints its arguments and the environment variables
/// that are named in `shown`.
pub fn run(shown: &[&str], answer: fn(&[&str]), tests: &[Test]) {
    if env::var_os(TOOL).is_some() {
        let args: Vec<String> = env::args().skip(1).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        answer(&args);
        stand_in(&args, shown);
    }
    run_tests(tests);
}

/// Runs tests one by one, and says so.
pub fn run_tests(tests: &[Test]) {
    for (name, test) in tests {
        test();
        println!("test {name} ... ok");
    }
    println!("test result: ok. {} passed", tests.len());
}

fn stand_in(args: &[&str], shown: &[&str]) -> ! {
    match args {
        ["locate-project", ..] => match env::var("FAKE_MANIFEST") {
            Ok(path) => println!("{path}"),
            Err(_) => no_project(),
        },
        ["-Zunstable-options", "config", ..] => print!("{}", told("FAKE_CONFIG")),
        ["-vV"] => {
            let version = env::var("FAKE_VERSION").unwrap_or("rustc 1.96.0".to_string());
            println!("{version}\nhost: {HOST}\nLLVM version: 22.1.8");
        }
        ["--print", "sysroot"] => println!("{}", told("FAKE_SYSROOT")),
        _ => {
            if let Ok(says) = env::var("FAKE_SAYS") {
                fail(&says, 101);
            }
            println!("args {}", args.join(" "));
            if env::var_os("FAKE_WHERE").is_some() {
                println!("in {}", env::current_dir().unwrap().display());
            }
            show(shown);
            process::exit(env::var("FAKE_EXIT").map_or(0, |code| code.parse().unwrap()))
        }
    }
    process::exit(0)
}

/// What a test tells the tools by an environment variable; empty where it tells nothing.
pub fn told(variable: &str) -> String {
    env::var(variable).unwrap_or_default()
}

/// Prints the environment variables of these names that are set.
pub fn show(names: &[&str]) {
    for name in names {
        if let Ok(value) = env::var(name) {
            println!("{name}={value}");
        }
    }
}

/// What cargo says where there is no project.
pub fn no_project() -> ! {
    fail(
        "error: could not find `Cargo.toml` in `/nowhere` or any parent directory",
        101,
    )
}

/// Ends the tool with a message.
pub fn fail(message: &str, code: i32) -> ! {
    eprintln!("{message}");
    process::exit(code)
}

/// A folder of its own for a test, with an empty home folder, an empty sysroot, programs for PATH and a manifest; gone
/// with the value.
pub struct Place(PathBuf);

impl Place {
    /// One for the test `name`, with (empty) programs of these names.
    pub fn new(name: &str, programs: &[&str]) -> Self {
        let program = env::current_exe().unwrap();
        let program = program.file_name().unwrap().to_string_lossy();
        let root = env::temp_dir().join(format!("{program}-{}-{name}", process::id()));
        let place = Self(root);
        for folder in ["home", "bin", "sysroot"] {
            fs::create_dir_all(place.path(folder)).unwrap();
        }
        for name in programs {
            place.file(&format!("bin/{name}"), "");
        }
        place.file("Cargo.toml", "[package]\n");
        place
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.0
    }

    /// A path in it.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.0.join(relative)
    }

    /// Writes a file in it, and the folders above that file.
    pub fn file(&self, relative: &str, text: &str) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// A program of ours, to be run in it with fake tools and nothing else in the environment.
    pub fn command(&self, program: &str, args: &[&str]) -> Command {
        let myself = env::current_exe().unwrap();
        let mut command = tool(program);
        command
            .args(args)
            .env("CARGO", &myself)
            .env("RUSTC", &myself);
        command
            .env("FAKE_MANIFEST", self.path("Cargo.toml"))
            .env("FAKE_SYSROOT", self.path("sysroot"))
            .env("HOME", self.path("home"))
            .env("PATH", self.path("bin"));
        command
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// A program of ours, with nothing in its environment but that tools are fakes.
pub fn tool(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env(TOOL, "1");
    command
}

/// Runs it, and gives (exit code, stdout, stderr).
pub fn output(command: &mut Command) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// Runs it to its end with exit code 0, and gives (stdout, stderr).
pub fn success(command: &mut Command) -> (String, String) {
    let (code, out, err) = output(command);
    assert_eq!(code, 0, "{out}{err}");
    (out, err)
}

/// Runs it to an error of ours, and gives what it says.
pub fn failure(command: &mut Command) -> String {
    let (code, out, err) = output(command);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    err
}
