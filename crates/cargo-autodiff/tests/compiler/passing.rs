//! What is passed on of what rustc says, and when.

use std::io::{BufRead, BufReader};

use fakes::Test;

use crate::place::{BEGIN, END, Place};

/// The tests.
pub const TESTS: &[Test] = &[
    (
        "noise of a success is not heard",
        noise_of_a_success_is_not_heard,
    ),
    (
        "rustc's own words are passed on",
        rustcs_own_words_are_passed_on,
    ),
    ("messages come at once", messages_come_at_once),
    (
        "prints that were asked for are passed on",
        prints_that_were_asked_for_are_passed_on,
    ),
    ("work that takes long is told", work_that_takes_long_is_told),
];

fn noise_of_a_success_is_not_heard() {
    let place = Place::new("success");
    let says = [
        "freeing without malloc   %x = load ptr",
        "anything",
        BEGIN,
        "warning: didn't implement memmove, using memcpy",
        END,
    ];
    assert_eq!(place.messages(&says), (0, vec![]));
    assert_eq!(place.dump(), None);
}

fn rustcs_own_words_are_passed_on() {
    let place = Place::new("own");
    let artifact = r#"{"$message_type":"artifact","artifact":"x","emit":"metadata"}"#;
    let (status, text) = place.run(
        &["[src/lib.rs:1:1] x = 1", artifact, "{ no JSON", "!exit 7"],
        &["--error-format=json"],
    );
    assert_eq!(status.code(), Some(7));
    assert_eq!(
        text,
        format!("[src/lib.rs:1:1] x = 1\n{artifact}\n{{ no JSON\n")
    );
    let warning = r#"{"$message_type":"diagnostic","message":"m","level":"warning","rendered":"warning: m\n\n"}"#;
    let (_, text) = place.run(&[warning], &[]);
    assert_eq!(text, "warning: m\n\n");
}

fn messages_come_at_once() {
    let place = Place::new("at-once");
    let artifact = r#"{"$message_type":"artifact","artifact":"x","emit":"metadata"}"#;
    let mut child = place
        .command(&[artifact, "!sleep 60"], &["--error-format=json"])
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line.trim_end(), artifact);
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
}

fn prints_that_were_asked_for_are_passed_on() {
    let place = Place::new("prints");
    for flag in [
        "-Zautodiff=PrintTA",
        "-Cllvm-args=-print-after-all",
        "-Ztime-passes",
    ] {
        let (_, text) = place.run(&["define void @f() {"], &["--error-format=json", flag]);
        assert_eq!(text, "define void @f() {\n", "{flag}");
    }
}

fn work_that_takes_long_is_told() {
    let place = Place::new("long");
    let says = [BEGIN, "!sleep 0.3", END, "!sleep 0.3"];
    let mut command = place.command(&says, &["--error-format=json"]);
    let output = command
        .env("CARGO_AUTODIFF_PATIENCE", "0")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "note: cargo autodiff: differentiating `f` (src/main.rs:2) takes more than 0 seconds, in reverse mode\n"
    );
}
