//! A command as a line for a shell, so that it can be run again by hand.

use std::ffi::OsStr;
use std::process::Command;

/// The line: changes to the environment first, then the program and its arguments, quoted.
pub fn of(command: &Command) -> String {
    let mut words = Vec::new();
    let removed: Vec<String> = command
        .get_envs()
        .filter(|(_, value)| value.is_none())
        .map(|(name, _)| format!("-u {}", quoted(name)))
        .collect();
    if !removed.is_empty() {
        words.push(format!("env {}", removed.join(" ")));
    }
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            words.push(format!("{}={}", name.display(), quoted(value)));
        }
    }
    words.push(quoted(command.get_program()));
    words.extend(command.get_args().map(quoted));
    words.join(" ")
}

fn quoted(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    let is_plain = |c: char| {
        c.is_alphanumeric() || matches!(c, '-' | '_' | '=' | '/' | '.' | ',' | ':' | '+' | '@')
    };
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_can_be_pasted() {
        let mut command = Command::new("cargo");
        command
            .args(["run", "--", "two words", "it's", ""])
            .env("B", "x y")
            .env("A", "1")
            .env_remove("RUSTFLAGS");
        assert_eq!(
            of(&command),
            r"env -u RUSTFLAGS A=1 B='x y' cargo run -- 'two words' 'it'\''s' ''"
        );
        assert_eq!(of(&Command::new("cargo")), "cargo");
    }
}
