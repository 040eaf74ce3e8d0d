//! The executable between a fake rustc and a fake cargo: this test program stands in for both.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{self, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpid, kill_process, test_kill_process};
use serde_json::Value;

const AUTODIFF: &str = env!("CARGO_BIN_EXE_cargo-autodiff");
const BEGIN: &str = r#"enzyme-begin: {"function":"_RNvCs1234_6member1f","mode":"reverse","where":[{"file":"src/main.rs","line":2,"column":0,"function":"_RNvCs1234_6member1f"}]}"#;
const END: &str = r#"enzyme-end: {"function":"_RNvCs1234_6member1f"}"#;
const ERROR: &str = r#"enzyme-error: {"kind":"NoDerivative","message":"`_RNvCs1234_5other4push` moves a `Vec`.","help":"write `vec![0.0; n]`","function":"_RNvCs1234_6member1f","where":[{"file":"/rustc/0/library/alloc/src/vec/mod.rs","line":9,"column":1,"function":"_RNvCs1234_5other4push"},{"file":"src/main.rs","line":3,"column":7,"function":"_RNvCs1234_6member1f"}]}"#;
const SOURCE: &str = "// A program.\nfn f(x: f64) -> f64 {\n    v.push(x * x) + 1.0\n}\n";
const ASSERTION: &str =
    "rustc: /build/Enzyme/TypeTree.h:607: void f(): Assertion `pair.second' failed.";

fn main() {
    if let Ok(text) = env::var("FAKE_SAYS") {
        for (form, variable) in [
            ("-Zunpretty=expanded", "FAKE_EXPANDED"),
            ("-Zunpretty=ast-tree,expanded", "FAKE_TREE"),
        ] {
            if env::args().any(|word| word == form) {
                print_source(env::var(variable).ok());
            }
        }
        stand_in(&text);
    }
    let tests: &[(&str, fn())] = &[
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
        (
            "noise of a success is not heard",
            noise_of_a_success_is_not_heard,
        ),
        (
            "rustc's own words are passed on",
            rustcs_own_words_are_passed_on,
        ),
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
        ("messages come at once", messages_come_at_once),
        (
            "prints that were asked for are passed on",
            prints_that_were_asked_for_are_passed_on,
        ),
        ("work that takes long is told", work_that_takes_long_is_told),
        ("rustc ends with us", rustc_ends_with_us),
        ("we end with cargo", we_end_with_cargo),
        ("an interruption is passed on", an_interruption_is_passed_on),
    ];
    fakes::run_tests(tests);
}

/// A rustc that says `text`, line by line, and does what lines that begin with `!` tell it to.
fn stand_in(text: &str) -> ! {
    for line in text.lines() {
        match line.split_once(' ') {
            Some(("!pid", file)) => fs::write(file, process::id().to_string()).unwrap(),
            Some(("!file", file)) => eprintln!("{}", fs::read_to_string(file).unwrap()),
            Some(("!sleep", seconds)) => {
                sleep(Duration::from_secs_f64(seconds.parse().unwrap()));
            }
            Some(("!signal", number)) => {
                let signal = Signal::from_named_raw(number.parse().unwrap()).unwrap();
                // Twice, because Rust's own handler takes the first SIGSEGV.
                kill_process(getpid(), signal).unwrap();
                kill_process(getpid(), signal).unwrap();
                sleep(Duration::from_mins(1));
            }
            None if line == "!input" => {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text).unwrap();
                eprint!("{text}");
            }
            Some(("!exit", code)) => process::exit(code.parse().unwrap()),
            _ => eprintln!("{line}"),
        }
    }
    process::exit(0)
}

/// A rustc that prints an expanded source, or what it was given; without one, it fails.
fn print_source(source: Option<String>) -> ! {
    let Some(mut source) = source else {
        process::exit(1);
    };
    if source == "-" {
        source.clear();
        std::io::stdin().read_to_string(&mut source).unwrap();
    }
    print!("{source}");
    process::exit(0)
}

/// A workspace in a folder of its own.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let root =
            env::temp_dir().join(format!("cargo-autodiff-compiler-{}-{name}", process::id()));
        fs::create_dir_all(root.join("src")).unwrap();
        fs::write(root.join("src/main.rs"), SOURCE).unwrap();
        Self(root)
    }

    /// Ourselves as cargo starts us for a member, with a rustc that says these lines.
    fn command(&self, says: &[&str], more: &[&str]) -> Command {
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

    fn run(&self, says: &[&str], more: &[&str]) -> (ExitStatus, String) {
        let output = self.command(says, more).output().unwrap();
        (output.status, String::from_utf8(output.stderr).unwrap())
    }

    /// As cargo asks for messages: gives the exit code and them.
    fn messages(&self, says: &[&str]) -> (i32, Vec<Value>) {
        let (status, text) = self.run(says, &["--error-format=json"]);
        let read = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        (status.code().unwrap(), text.lines().map(read).collect())
    }

    fn dump(&self) -> Option<String> {
        fs::read_to_string(self.0.join("target/release/enzyme/member-0f.txt")).ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

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

/// Waits until the fake rustc has said who it is.
fn pid_in(file: &PathBuf) -> Pid {
    let start = Instant::now();
    loop {
        let read = fs::read_to_string(file)
            .ok()
            .and_then(|text| text.parse().ok());
        if let Some(pid) = read.and_then(Pid::from_raw) {
            return pid;
        }
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "rustc was not started"
        );
        sleep(Duration::from_millis(5));
    }
}

fn rustc_ends_with_us() {
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        let place = Place::new("ends");
        let file = place.0.join("pid");
        let pid = format!("!pid {}", file.display());
        let mut child = place
            .command(&[&pid, BEGIN, "!sleep 60"], &["--error-format=json"])
            .spawn()
            .unwrap();
        let rustc = pid_in(&file);
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(signal.as_raw()));
        // The pipe is closed when the last process that holds it is gone.
        let mut rest = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut rest)
            .unwrap();
        assert_eq!(rest, "");
        wait_for_end(rustc);
    }
}

fn we_end_with_cargo() {
    let place = Place::new("cargo");
    let file = place.0.join("pid");
    let pid = format!("!pid {}", file.display());
    let ours = place.command(&[&pid, BEGIN, "!sleep 60"], &["--error-format=json"]);
    // A shell of that name, which starts us and waits.
    let cargo = place.0.join("cargo");
    fs::copy("/bin/sh", &cargo).unwrap();
    let mut command = Command::new(&cargo);
    command.env_clear().current_dir(&place.0);
    command.args(["-c", "\"$@\" & wait", "sh"]);
    command.arg(ours.get_program()).args(ours.get_args());
    for (name, value) in ours.get_envs() {
        command.env(name, value.unwrap());
    }
    let mut child = command.spawn().unwrap();
    let rustc = pid_in(&file);
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for_end(rustc);
}

fn wait_for_end(rustc: Pid) {
    let start = Instant::now();
    while test_kill_process(rustc).is_ok() && !is_zombie(rustc) {
        assert!(start.elapsed() < Duration::from_secs(20), "rustc goes on");
        sleep(Duration::from_millis(5));
    }
}

/// Whether it has ended, and nobody has asked how: in a container there may be nobody to do so.
fn is_zombie(pid: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    status.is_ok_and(|text| {
        text.rsplit(") ")
            .next()
            .is_some_and(|rest| rest.starts_with('Z'))
    })
}

fn an_interruption_is_passed_on() {
    let place = Place::new("interruption");
    for signal in [Signal::INT, Signal::TERM] {
        let end = format!("!signal {}", signal.as_raw());
        let (status, text) = place.run(&[BEGIN, &end], &["--error-format=json"]);
        assert_eq!((status.signal(), &*text), (Some(signal.as_raw()), ""));
    }
}
