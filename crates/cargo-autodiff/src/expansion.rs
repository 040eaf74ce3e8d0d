//! A crate as it is after its macros are expanded, as rustc itself prints it, and what is found in it.

use std::env;
use std::io;
use std::process::{Command, Stdio};

use cargo_common::contract::Problem;
use cargo_common::input::Input;

use crate::handed;

/// Set by `command` where rustc hands some things to Enzyme as if they were others.
pub const WANTED: &str = "CARGO_AUTODIFF_EXPANDS";

/// Options that say what becomes of a compilation, which is of no interest here.
const LEFT_OUT: &[&str] = &[
    "-o",
    "--out-dir",
    "--emit",
    "--print",
    "--error-format",
    "--json",
];

/// Whether this compiler's members are to be looked through.
pub fn is_wanted() -> bool {
    env::var_os(WANTED).is_some()
}

/// What rustc, started as in `words`, would hand on wrongly.
pub fn problems(words: &[String], given: &Input) -> io::Result<Vec<Problem>> {
    if words.iter().any(|word| word.contains("unpretty")) {
        return Ok(Vec::new());
    }
    let faults = print(words, given, "expanded")?.and_then(|expanded| handed::faults(&expanded));
    let Some(faults) = faults else {
        return Ok(vec![Problem {
            message: "this compiler does not print the crate with its macros expanded".to_string(),
            help: "derivatives in it cannot be looked through: move them into a crate of their own, or use an image of \
                   the `patched` channel, which need not do that"
                .to_string(),
            ..Problem::default()
        }]);
    };
    if faults.is_empty() {
        return Ok(Vec::new());
    }
    let tree = print(words, given, "ast-tree,expanded")?.unwrap_or_default();
    let problems = faults.iter().map(|fault| fault.problem(fault.place(&tree)));
    Ok(problems.collect())
}

/// What rustc prints of the crate; none where it fails.
fn print(words: &[String], given: &Input, form: &str) -> io::Result<Option<String>> {
    let Some((program, words)) = words.split_first() else {
        return Ok(None);
    };
    let mut command = Command::new(program);
    command
        .args(looking(words))
        .arg(format!("-Zunpretty={form}"))
        .env("RUSTC_BOOTSTRAP", "1")
        .stdin(given.stdin())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn()?;
    given.feed(&mut child);
    let output = child.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(output.status.success().then_some(text))
}

/// The arguments without those that make files or messages.
fn looking(words: &[String]) -> Vec<&String> {
    let mut kept = Vec::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let is_incremental = |word: &str| word.starts_with("incremental=");
        let option = LEFT_OUT.iter().find_map(|option| word.strip_prefix(option));
        if option == Some("")
            || (word == "-C" && words.peek().is_some_and(|next| is_incremental(next)))
        {
            words.next();
        } else if !option.is_some_and(|rest| rest.starts_with('='))
            && !word.strip_prefix("-C").is_some_and(is_incremental)
        {
            kept.push(word);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_made() {
        let line = "--crate-name m --edition=2024 src/main.rs --error-format=json --json=artifacts --emit=dep-info,link \
                    -C opt-level=3 --out-dir /w/deps -C incremental=/w/i -Cincremental=/w/i -C lto -o x --cfg a --emit link";
        let words: Vec<String> = line.split_whitespace().map(String::from).collect();
        let kept: Vec<&str> = looking(&words).into_iter().map(String::as_str).collect();
        assert_eq!(
            kept.join(" "),
            "--crate-name m --edition=2024 src/main.rs -C opt-level=3 -C lto --cfg a"
        );
    }
}
