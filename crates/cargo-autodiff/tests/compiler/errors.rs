//! What Enzyme and LLVM say becomes errors of rustc.

use std::fs;

use fakes::Test;
use serde_json::Value;

use crate::place::{BEGIN, END, ERROR, Place, SOURCE};

/// The tests.
pub const TESTS: &[Test] = &[
    (
        "an error of Enzyme becomes one of rustc",
        an_error_of_enzyme_becomes_one_of_rustc,
    ),
    (
        "an error is text where text is wanted",
        an_error_is_text_where_text_is_wanted,
    ),
    (
        "a warning of Enzyme becomes one of rustc",
        a_warning_of_enzyme_becomes_one_of_rustc,
    ),
    (
        "modules are cut out of messages",
        modules_are_cut_out_of_messages,
    ),
    (
        "errors in LLVM's way become rustc's",
        errors_in_llvms_way_become_rustcs,
    ),
    ("a signal is an error", a_signal_is_an_error),
    (
        "a signal without a function is one, too",
        a_signal_without_a_function_is_one_too,
    ),
    ("memory that ran out is told", memory_that_ran_out_is_told),
];

const ASSERTION: &str =
    "rustc: /build/Enzyme/TypeTree.h:607: void f(): Assertion `pair.second' failed.";

const TEXT: &str = "\
error: `other::push` moves a `Vec`
 --> src/main.rs:3:7
  |
2 | fn f(x: f64) -> f64 {
  | ------------------- this function is differentiated in reverse mode
3 |     v.push(x * x) + 1.0
  |       ^^^^^^^^^^^ inside of `other::push`, called here
  |
  = note: the place itself is library/alloc/src/vec/mod.rs:9, in `other::push`
  = help: write `vec![0.0; n]`
  = note: what Enzyme and LLVM printed besides is in target/release/enzyme/member-0f.txt

";

fn an_error_of_enzyme_becomes_one_of_rustc() {
    let place = Place::new("error");
    let (code, messages) = place.messages(&[BEGIN, "define void @f() {", ERROR, "!exit 101"]);
    assert_eq!((code, messages.len()), (101, 1));
    let message = &messages[0];
    assert_eq!(message["$message_type"], "diagnostic");
    assert_eq!(message["level"], "error");
    assert_eq!(message["rendered"], TEXT);
    let spans = message["spans"].as_array().unwrap();
    assert_eq!(spans.len(), 2);
    let of = |span: &Value, name: &str| span[name].as_u64().unwrap();
    assert_eq!(
        [
            "line_start",
            "line_end",
            "column_start",
            "column_end",
            "byte_start",
            "byte_end"
        ]
        .map(|name| of(&spans[0], name)),
        [3, 3, 7, 18, 42, 53]
    );
    assert_eq!(&SOURCE[42..53], "push(x * x)");
    assert_eq!(
        (&spans[0]["is_primary"], &spans[1]["is_primary"]),
        (&true.into(), &false.into())
    );
    assert_eq!(message["children"][1]["level"], "help");
    assert_eq!(place.dump().unwrap(), "define void @f() {\n");
}

fn an_error_is_text_where_text_is_wanted() {
    let place = Place::new("text");
    let says = [BEGIN, "define void @f() {", ERROR, "!exit 101"];
    let (status, text) = place.run(&says, &[]);
    assert_eq!((status.code(), &*text), (Some(101), TEXT));
    let (_, text) = place.run(&says, &["--color", "always"]);
    assert!(text.starts_with("\u{1b}[1m\u{1b}[91merror"), "{text}");
    let (_, text) = place.run(&says, &["--error-format=short"]);
    assert!(
        text.starts_with("src/main.rs:3:7: error: `other::push` moves a `Vec`"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1);
}

fn a_warning_of_enzyme_becomes_one_of_rustc() {
    let place = Place::new("warning");
    let warning = ERROR.replace("enzyme-error", "enzyme-warning");
    let (code, messages) = place.messages(&[BEGIN, &warning, END]);
    assert_eq!((code, messages.len()), (0, 1));
    assert_eq!(messages[0]["level"], "warning");
    assert_eq!(place.dump(), None);
}

fn modules_are_cut_out_of_messages() {
    let place = Place::new("module");
    let module = "define void @f() {\\n".repeat(100_000);
    let message = format!(
        r#"{{"$message_type":"diagnostic","message":"<unknown>:0:0: in function preprocess__RNvCs1234_6member1f: Enzyme: Cannot deduce type of copy   call void\n{module}","level":"error","rendered":"x"}}"#
    );
    let aborting = r#"{"$message_type":"diagnostic","message":"aborting due to 1 previous error","level":"error","rendered":"y"}"#;
    // Too long for the environment.
    let file = place.0.join("message");
    fs::write(&file, message).unwrap();
    let file = format!("!file {}", file.display());
    let (code, messages) = place.messages(&[&file, aborting, "!exit 1"]);
    assert_eq!((code, messages.len()), (1, 2));
    assert_eq!(messages[0]["rendered"], "y");
    assert_eq!(messages[1]["message"], "Enzyme: Cannot deduce type of copy");
    assert_eq!(
        messages[1]["children"][0]["message"],
        "`f` is differentiated"
    );
    assert_eq!(place.dump().unwrap().lines().count(), 100_001);
}

fn errors_in_llvms_way_become_rustcs() {
    let place = Place::new("llvm");
    let says = [
        "error: src/main.rs:3:7: in function preprocess__RNvCs1234_6member1f double (ptr): Enzyme: Cannot deduce type \
         of copy   tail call void @llvm.memcpy",
        "<analysis>",
        "!exit 1",
    ];
    let (code, messages) = place.messages(&says);
    assert_eq!((code, messages.len()), (1, 1));
    assert_eq!(messages[0]["message"], "Enzyme: Cannot deduce type of copy");
    assert_eq!(messages[0]["spans"][0]["line_start"], 3);
    let (code, messages) = place.messages(&["LLVM ERROR: no way", "!exit 1"]);
    assert_eq!((code, messages.len()), (1, 1));
    assert_eq!(
        messages[0]["message"],
        "the compiler gave up while it compiled `member`"
    );
    assert_eq!(
        messages[0]["children"][0]["message"],
        "it said: LLVM ERROR: no way"
    );
}

fn a_signal_is_an_error() {
    let place = Place::new("signal");
    for (signal, name) in [
        (6, "SIGABRT"),
        (11, "SIGSEGV"),
        (4, "SIGILL"),
        (9, "SIGKILL"),
    ] {
        let end = format!("!signal {signal}");
        let (code, messages) = place.messages(&[BEGIN, "newFunc: x", ASSERTION, &end]);
        assert_eq!((code, messages.len()), (101, 1), "{name}");
        assert_eq!(
            messages[0]["message"],
            format!("the compiler was ended by {name} while it differentiated `f`")
        );
        assert_eq!(messages[0]["spans"][0]["line_start"], 2);
        assert_eq!(
            messages[0]["children"][0]["message"],
            "it said: Assertion `pair.second' failed."
        );
        assert_eq!(place.dump().unwrap(), format!("newFunc: x\n{ASSERTION}\n"));
    }
}

fn a_signal_without_a_function_is_one_too() {
    let place = Place::new("no-function");
    for says in [&["!signal 11"][..], &[BEGIN, END, "!signal 11"]] {
        let (code, messages) = place.messages(says);
        assert_eq!((code, messages.len()), (101, 1));
        assert_eq!(
            messages[0]["message"],
            "the compiler was ended by SIGSEGV while it compiled `member`"
        );
    }
}

fn memory_that_ran_out_is_told() {
    let place = Place::new("memory");
    let (_, messages) = place.messages(&[BEGIN, "!signal 9"]);
    let help = messages[0]["children"][0]["message"].as_str().unwrap();
    assert!(help.starts_with("most often memory ran out"), "{help}");
    assert_eq!(place.dump(), None);
}
