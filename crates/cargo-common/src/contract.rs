//! What libEnzyme tells about its work, one line each, where the environment asks for it. Pure.

use serde_json::Value;

/// The environment variable that asks for these lines, and its value.
pub const ASK: (&str, &str) = ("ENZYME_ERRORS", "json");

/// One such line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A function is going to be differentiated.
    Begin(Work),
    /// The function with this symbol is done.
    End(String),
    /// Something has no derivative: the compilation ends here.
    Error(Problem),
    /// Something that the user should know of.
    Warning(Problem),
}

impl Told {
    /// All places in it.
    pub fn frames(&mut self) -> &mut [Frame] {
        match self {
            Self::Begin(work) => work.place.as_mut_slice(),
            Self::End(_) => &mut [],
            Self::Error(problem) | Self::Warning(problem) => &mut problem.frames,
        }
    }
}

/// A function that is being differentiated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// Its symbol.
    pub function: String,
    /// `forward` or `reverse`; empty where it is not told.
    pub mode: String,
    /// Where it stands.
    pub place: Option<Frame>,
}

/// What is wrong, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// One or more lines for a person.
    pub message: String,
    /// What to write instead; may be empty.
    pub help: String,
    /// The symbol of the function that is differentiated; may be empty.
    pub function: String,
    /// The place, and what called it, innermost first, up to that function; empty without debug information.
    pub frames: Vec<Frame>,
}

/// A place in a source file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The file, as the compiler was given it.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in bytes, from 1; 0 where it is not known.
    pub column: usize,
    /// The symbol or the name of the function that the place is in.
    pub function: String,
}

/// Reads a line of the compiler; none where it is not one of these.
pub fn read(line: &str) -> Option<Told> {
    let (word, json) = line.strip_prefix("enzyme-")?.split_once(": ")?;
    let value: Value = serde_json::from_str(json).ok()?;
    match word {
        "begin" => Some(Told::Begin(Work {
            function: text(&value["function"]),
            mode: text(&value["mode"]),
            place: frames(&value["where"]).into_iter().next(),
        })),
        "end" => Some(Told::End(text(&value["function"]))),
        "error" => Some(Told::Error(problem(&value))),
        "warning" => Some(Told::Warning(problem(&value))),
        _ => None,
    }
}

fn problem(value: &Value) -> Problem {
    Problem {
        message: text(&value["message"]),
        help: text(&value["help"]),
        function: text(&value["function"]),
        frames: frames(&value["where"]),
    }
}

fn frames(value: &Value) -> Vec<Frame> {
    let number = |value: &Value| {
        value
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
            .unwrap_or(0)
    };
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .map(|frame| Frame {
            file: text(&frame["file"]),
            line: number(&frame["line"]),
            column: number(&frame["column"]),
            function: text(&frame["function"]),
        })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let line = r#"enzyme-begin: {"function":"_RNvCs_1m1f","mode":"reverse","where":[{"file":"src/main.rs","line":5,"column":0,"function":"_RNvCs_1m1f"}]}"#;
        let Some(Told::Begin(work)) = read(line) else {
            panic!("{line}");
        };
        assert_eq!(
            (&*work.function, &*work.mode, work.place.unwrap().line),
            ("_RNvCs_1m1f", "reverse", 5)
        );
        assert_eq!(
            read(r#"enzyme-end: {"function":"f"}"#),
            Some(Told::End("f".into()))
        );
        let line = r#"enzyme-error: {"kind":"NoDerivative","message":"a\nb","help":"","function":"f","where":[]}"#;
        let Some(Told::Error(problem)) = read(line) else {
            panic!("{line}");
        };
        assert_eq!((&*problem.message, problem.frames.len()), ("a\nb", 0));
        assert!(matches!(read("enzyme-warning: {}"), Some(Told::Warning(_))));
    }

    #[test]
    fn other_lines_are_not() {
        for line in [
            "",
            "enzyme-error",
            "enzyme-error: no JSON",
            "enzyme-other: {}",
            "  enzyme-end: {}",
            r#"{"$message_type":"artifact"}"#,
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
