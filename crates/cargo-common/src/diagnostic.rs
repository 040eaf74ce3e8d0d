//! One error, warning or note in rustc's own form: as text, and as the JSON that cargo and editors read.

use std::fs;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde_json::{Value, json};

use crate::places::Workspace;

/// How grave it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// The compilation fails.
    Error,
    /// It goes on.
    Warning,
}

/// What is said, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How grave it is.
    pub grade: Grade,
    /// One line.
    pub message: String,
    /// Places; the first is the one that it is about.
    pub labels: Vec<Label>,
    /// What follows.
    pub notes: Vec<Note>,
}

/// A place that is underlined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The file.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in bytes, from 1; 0 for the whole line.
    pub column: usize,
    /// What stands beside it; may be empty.
    pub text: String,
}

/// A remark under the places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// More about what happened.
    Note(String),
    /// What to do.
    Help(String),
}

/// How it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// With colours.
    pub colour: bool,
    /// In one line.
    pub short: bool,
}

/// A label, and what its file holds there.
struct Found<'a> {
    label: &'a Label,
    shown: String,
    source: String,
    range: Range<usize>,
}

impl Diagnostic {
    /// As text, with an empty line behind it.
    pub fn text(&self, style: Style, workspace: &Workspace) -> String {
        let found = self.found(workspace);
        let level = match self.grade {
            Grade::Error => Level::ERROR,
            Grade::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(&self.message));
        let mut files: Vec<&str> = found.iter().map(|found| &*found.shown).collect();
        files.dedup();
        for file in files {
            let here = || found.iter().filter(|found| found.shown == file);
            let source = here().next().map_or("", |found| &found.source);
            let marks = here().map(|found| {
                let is_first = self.labels.first() == Some(found.label);
                let kind = if is_first {
                    AnnotationKind::Primary
                } else {
                    AnnotationKind::Context
                };
                kind.span(found.range.clone()).label(&*found.label.text)
            });
            group = group.element(Snippet::source(source).path(file).annotations(marks));
        }
        // A file that cannot be read is named all the same.
        if let Some(first) = self.labels.first()
            && !found.iter().any(|found| found.label == first)
        {
            let origin = Origin::path(workspace.shown(&first.file)).line(first.line);
            group = group.element(origin.char_column(first.column.max(1)));
        }
        for note in &self.notes {
            group = group.element(match note {
                Note::Note(text) => Level::NOTE.message(text),
                Note::Help(text) => Level::HELP.message(text),
            });
        }
        let renderer = if style.colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let text = renderer.short_message(style.short).render(&[group]);
        if style.short {
            text + "\n"
        } else {
            text + "\n\n"
        }
    }

    /// As a line of JSON, with the text in it.
    pub fn json(&self, style: Style, workspace: &Workspace) -> String {
        let children: Vec<Value> = self
            .notes
            .iter()
            .map(|note| {
                let (level, text) = match note {
                    Note::Note(text) => ("note", text),
                    Note::Help(text) => ("help", text),
                };
                json!({"message": text, "code": null, "level": level, "spans": [], "children": [], "rendered": null})
            })
            .collect();
        let spans: Vec<Value> = self
            .found(workspace)
            .iter()
            .map(|found| self.span(found))
            .collect();
        json!({
            "$message_type": "diagnostic",
            "message": self.message,
            "code": null,
            "level": match self.grade { Grade::Error => "error", Grade::Warning => "warning" },
            "spans": spans,
            "children": children,
            "rendered": self.text(style, workspace),
        })
        .to_string()
    }

    fn span(&self, found: &Found) -> Value {
        let before = &found.source[..found.range.start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = found.source[line_start..]
            .lines()
            .next()
            .unwrap_or_default();
        let column = |byte: usize| found.source[line_start..byte].chars().count() + 1;
        let (start, end) = (column(found.range.start), column(found.range.end));
        json!({
            "file_name": found.shown,
            "byte_start": found.range.start,
            "byte_end": found.range.end,
            "line_start": found.label.line,
            "line_end": found.label.line,
            "column_start": start,
            "column_end": end,
            "is_primary": self.labels.first() == Some(found.label),
            "text": [{"text": line, "highlight_start": start, "highlight_end": end}],
            "label": (!found.label.text.is_empty()).then_some(&found.label.text),
            "suggested_replacement": null,
            "suggestion_applicability": null,
            "expansion": null,
        })
    }

    /// The labels whose files are there, those of one file together.
    fn found(&self, workspace: &Workspace) -> Vec<Found<'_>> {
        let mut found: Vec<Found> = Vec::new();
        for label in &self.labels {
            let Ok(source) = fs::read_to_string(workspace.path(&label.file)) else {
                continue;
            };
            let Some(range) = range(&source, label.line, label.column) else {
                continue;
            };
            let shown = workspace.shown(&label.file);
            let at = found
                .iter()
                .rposition(|other| other.shown == shown)
                .map_or(found.len(), |at| at + 1);
            let entry = Found {
                label,
                shown,
                source,
                range,
            };
            found.insert(at, entry);
        }
        found
    }
}

/// What is underlined: from the column on to the end of the call there, or the head of a function.
fn range(source: &str, line: usize, column: usize) -> Option<Range<usize>> {
    let start: usize = source
        .split_inclusive('\n')
        .take(line.checked_sub(1)?)
        .map(str::len)
        .sum();
    let text = source.get(start..)?.lines().next()?;
    if column == 0 {
        let head = text.split('{').next().unwrap_or(text).trim_end();
        let indent = text.len() - text.trim_start().len();
        return (indent < head.len()).then(|| start + indent..start + head.len());
    }
    let at = (column - 1).min(text.len());
    let rest = text.get(at..)?;
    Some(start + at..start + at + call_length(rest))
}

/// The length of the expression at the beginning of a line: names, fields and calls, with all that is in brackets.
fn call_length(text: &str) -> usize {
    let mut open: Vec<char> = Vec::new();
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '(' => open.push(')'),
            '[' => open.push(']'),
            // A comparison, but for `::<`.
            '<' if before == ':' || open.last() == Some(&'>') => open.push('>'),
            '>' if before == '-' && !open.is_empty() => {}
            _ if open.last() == Some(&c) => drop(open.pop()),
            '&' | '*' | '-' | '#' if at == 0 => {}
            _ if !open.is_empty() => {}
            _ if c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '!' | '?') => {}
            _ => return at.max(text.chars().next().map_or(0, char::len_utf8)),
        }
        before = c;
    }
    text.trim_end().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_at_a_column_is_underlined() {
        for (text, length) in [
            ("black_box(x * x) * x", 16),
            ("push(x);", 7),
            ("iter().map(|v| v * v).sum::<f64>() + 1.0", 34),
            ("vec![0.0; n];", 12),
            ("println!(\"y = {y}\");", 19),
            ("[0.0; 3];", 8),
            ("-x.sqrt() - 1.0", 9),
            ("x + y", 1),
            ("if x {", 2),
            ("f::<Vec<f64>>(x), y)", 16),
            ("+ y", 1),
            ("#[f(x, y)] fn", 10),
            ("é()", 4),
            ("for_each(|v| {", 14),
            ("", 0),
        ] {
            assert_eq!(call_length(text), length, "{text}");
        }
    }

    #[test]
    fn places_are_found_in_a_source() {
        let source = "#[x]\n    pub fn f(x: f64) -> f64 {\n    é.sin()\n}\n";
        let at = |line, column| range(source, line, column).map(|range| &source[range]);
        assert_eq!(at(2, 0), Some("pub fn f(x: f64) -> f64"));
        assert_eq!(at(3, 5), Some("é.sin()"));
        assert_eq!(at(3, 8), Some("sin()"));
        assert_eq!(at(3, 6), None, "no character begins there");
        assert_eq!(at(3, 99), Some(""));
        assert_eq!(at(4, 0), Some("}"));
        assert_eq!(at(9, 1), None);
        assert_eq!(at(0, 1), None);
    }
}
