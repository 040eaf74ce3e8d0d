//! What a compiler without our patches hands to Enzyme wrongly.

use std::io::Write;
use std::process::Stdio;

use fakes::Test;

use crate::place::{BEGIN, END, ERROR, Place};

/// The tests.
pub const TESTS: &[Test] = &[
    (
        "what is handed on wrongly is an error",
        what_is_handed_on_wrongly_is_an_error,
    ),
    (
        "what cannot be looked through is an error",
        what_cannot_be_looked_through_is_an_error,
    ),
    (
        "what rustdoc hands over is read by both",
        what_rustdoc_hands_over_is_read_by_both,
    ),
];

const EXPANDED: &str =
    "#[rustc_autodiff(Forward, 1, Dual, Const)]\nfn df(x: f64, bx_0: f64) -> f64 { 0.0 }\n";

const TREE: &str = "\
id: NodeId(9),
span: src/main.rs:2:1: 2:10 (#1),
Fn {
defaultness: Implicit,
ident: df#0,
";

fn what_is_handed_on_wrongly_is_an_error() {
    let place = Place::new("handed");
    let run = |says: &[&str], expands| {
        let mut command = place.command(says, &[]);
        if expands {
            command.env("CARGO_AUTODIFF_EXPANDS", "1");
        }
        let output = command
            .env("FAKE_EXPANDED", EXPANDED)
            .env("FAKE_TREE", TREE)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), text)
    };
    let (code, text) = run(&[BEGIN, END], true);
    assert_eq!(code, 101);
    let start = "error: this compiler returns the tangent of a result that is `Const` in forward mode\n --> src/main.rs:2:1\n";
    assert!(text.starts_with(start), "{text}");
    assert_eq!(run(&[BEGIN, END], false), (0, String::new()));
    // Errors of the compiler come first.
    let (code, text) = run(&[BEGIN, ERROR, "!exit 1"], true);
    assert_eq!((code, &text[..21]), (1, "error: `other::push` "));
}

fn what_cannot_be_looked_through_is_an_error() {
    let place = Place::new("unread");
    let mut command = place.command(&[], &[]);
    let output = command.env("CARGO_AUTODIFF_EXPANDS", "1").output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(101));
    assert!(
        text.starts_with("error: this compiler does not print the crate with its macros expanded"),
        "{text}"
    );
}

fn what_rustdoc_hands_over_is_read_by_both() {
    let place = Place::new("input");
    let mut command = place.command(&["!input"], &["-"]);
    command
        .env("CARGO_AUTODIFF_EXPANDS", "1")
        .env("FAKE_EXPANDED", "-")
        .stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(EXPANDED.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.starts_with(EXPANDED), "{text}");
    assert!(
        text.contains("error: this compiler returns the tangent"),
        "{text}"
    );
    assert_eq!(output.status.code(), Some(101));
}
