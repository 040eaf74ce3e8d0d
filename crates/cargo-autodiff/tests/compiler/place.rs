//! A workspace of a test's own, and what a rustc says in it.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{self, Command, ExitStatus, Stdio};

use serde_json::Value;

use crate::AUTODIFF;

pub const BEGIN: &str = r#"enzyme-begin: {"function":"_RNvCs1234_6member1f","mode":"reverse","where":[{"file":"src/main.rs","line":2,"column":0,"function":"_RNvCs1234_6member1f"}]}"#;

pub const END: &str = r#"enzyme-end: {"function":"_RNvCs1234_6member1f"}"#;

pub const ERROR: &str = r#"enzyme-error: {"kind":"NoDerivative","message":"`_RNvCs1234_5other4push` moves a `Vec`.","help":"write `vec![0.0; n]`","function":"_RNvCs1234_6member1f","where":[{"file":"/rustc/0/library/alloc/src/vec/mod.rs","line":9,"column":1,"function":"_RNvCs1234_5other4push"},{"file":"src/main.rs","line":3,"column":7,"function":"_RNvCs1234_6member1f"}]}"#;

pub const SOURCE: &str = "// A program.\nfn f(x: f64) -> f64 {\n    v.push(x * x) + 1.0\n}\n";

/// A workspace in a folder of its own.
pub struct Place(pub PathBuf);

impl Place {
    pub fn new(name: &str) -> Self {
        let root =
            env::temp_dir().join(format!("cargo-autodiff-compiler-{}-{name}", process::id()));
        fs::create_dir_all(root.join("src")).unwrap();
        fs::write(root.join("src/main.rs"), SOURCE).unwrap();
        Self(root)
    }

    /// Ourselves as cargo starts us for a member, with a rustc that says these lines.
    pub fn command(&self, says: &[&str], more: &[&str]) -> Command {
        let mut command = Command::new(AUTODIFF);
        command
            .env_clear()
            .current_dir(&self.0)
            .stdin(Stdio::null());
        command
            .env("CARGO_AUTODIFF_WRAPS", "rustc")
            .env("CARGO_CRATE_NAME", "member");
        command.env("FAKE_SAYS", says.join("\n"));
        command.arg(env::current_exe().unwrap());
        command.args(["--crate-name", "member", "--out-dir", "target/release/deps"]);
        command
            .args(["-C", "extra-filename=-0f", "-C", "lto"])
            .args(more);
        command.stderr(Stdio::piped());
        command
    }

    pub fn run(&self, says: &[&str], more: &[&str]) -> (ExitStatus, String) {
        let output = self.command(says, more).output().unwrap();
        (output.status, String::from_utf8(output.stderr).unwrap())
    }

    /// As cargo asks for messages: gives the exit code and them.
    pub fn messages(&self, says: &[&str]) -> (i32, Vec<Value>) {
        let (status, text) = self.run(says, &["--error-format=json"]);
        let read = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        (status.code().unwrap(), text.lines().map(read).collect())
    }

    pub fn dump(&self) -> Option<String> {
        fs::read_to_string(self.0.join("target/release/enzyme/member-0f.txt")).ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}
