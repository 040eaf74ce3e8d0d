//! How the caller of the compiler wants messages.

use std::io::{self, IsTerminal};

use serde_json::Value;

use crate::diagnostic::{Diagnostic, Style};
use crate::places::Workspace;

/// The form of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One JSON object a line, as cargo asks for.
    Json,
    /// Text. rustc is asked for JSON all the same, because its messages are told from other lines by that.
    Text,
    /// Text, from rustc too.
    Untouched,
}

/// The form, and how texts look in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Output {
    /// The form.
    pub form: Form,
    /// The look of texts.
    pub style: Style,
}

impl Output {
    /// What the arguments of rustc say.
    pub fn of(words: &[String]) -> Self {
        let asks = |what: &str| words.iter().any(|word| word.contains(what));
        let mut form = Form::Text;
        let mut short = asks("diagnostic-short");
        for (at, word) in words.iter().enumerate() {
            let value = match word.strip_prefix("--error-format") {
                Some("") => words.get(at + 1).map_or("", String::as_str),
                Some(value) => value.trim_start_matches('='),
                None => continue,
            };
            form = match value {
                "json" => Form::Json,
                _ => Form::Untouched,
            };
            short |= value == "short";
        }
        let colour = match form {
            Form::Json => asks("diagnostic-rendered-ansi"),
            Form::Text | Form::Untouched => match colour_word(words) {
                Some("always") => true,
                Some("never") => false,
                _ => io::stderr().is_terminal(),
            },
        };
        Self {
            form,
            style: Style { colour, short },
        }
    }

    /// What rustc is given beside its arguments.
    pub fn flags(self) -> &'static [&'static str] {
        match (self.form, self.style.colour) {
            (Form::Json | Form::Untouched, _) => &[],
            (Form::Text, true) => &["--error-format=json", "--json=diagnostic-rendered-ansi"],
            (Form::Text, false) => &["--error-format=json"],
        }
    }

    /// A message of ours.
    pub fn of_ours(self, diagnostic: &Diagnostic, workspace: &Workspace) -> String {
        match self.form {
            Form::Json => diagnostic.json(self.style, workspace) + "\n",
            Form::Text | Form::Untouched => diagnostic.text(self.style, workspace),
        }
    }

    /// A message of rustc, which is JSON.
    pub fn of_rustc(self, line: &str, message: &Value) -> String {
        match (self.form, message["rendered"].as_str()) {
            (Form::Text, Some(text)) => text.to_string(),
            _ => format!("{line}\n"),
        }
    }
}

fn colour_word(words: &[String]) -> Option<&str> {
    words
        .iter()
        .enumerate()
        .rev()
        .find_map(|(at, word)| match word.strip_prefix("--color")? {
            "" => words.get(at + 1).map(String::as_str),
            value => value.strip_prefix('='),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_what_rustc_is_asked_for() {
        for (line, form, colour, short) in [
            (
                "--error-format=json --json=diagnostic-rendered-ansi,artifacts",
                Form::Json,
                true,
                false,
            ),
            (
                "--error-format json --json=diagnostic-short",
                Form::Json,
                false,
                true,
            ),
            ("--color always", Form::Text, true, false),
            ("--color=never -O", Form::Text, false, false),
            (
                "--color never --error-format=short",
                Form::Untouched,
                false,
                true,
            ),
        ] {
            let words: Vec<_> = line.split_whitespace().map(String::from).collect();
            let style = Style { colour, short };
            assert_eq!(Output::of(&words), Output { form, style }, "{line}");
        }
    }

    #[test]
    fn text_is_taken_out_of_json() {
        let style = Style {
            colour: true,
            short: false,
        };
        let text = Output {
            form: Form::Text,
            style,
        };
        assert_eq!(text.flags().len(), 2);
        let line = r#"{"rendered":"error: x\n\n"}"#;
        let message = serde_json::from_str(line).unwrap();
        assert_eq!(text.of_rustc(line, &message), "error: x\n\n");
        let json = Output {
            form: Form::Json,
            style,
        };
        assert_eq!(json.of_rustc(line, &message), format!("{line}\n"));
        assert_eq!(json.flags().len(), 0);
    }
}
