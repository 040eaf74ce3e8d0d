//! rustc as a process of its own, with ourselves between it and who reads its messages.
//!
//! libEnzyme tells what it does in lines of its own (`contract`), but it prints more, and so does LLVM: whole modules as
//! text, assertions, remarks. What rustc says is passed on at once; what they say becomes one message in rustc's form, and
//! the rest goes to a file.

use std::borrow::Cow;
use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, getpid, kill_process};
use serde_json::Value;

use crate::contract::{self, Problem, Told, Work};
use crate::diagnostic::{Diagnostic, Grade, Note};
use crate::dump::Dump;
use crate::input::Input;
use crate::output::Output;
use crate::places::Workspace;
use crate::report::{self, Context};
use crate::tied;

/// After so many seconds in one function the user is told which it is.
const PATIENCE: u64 = 60;
/// The environment variable with another number.
const PATIENCE_VARIABLE: &str = "CARGO_AUTODIFF_PATIENCE";
/// What rustc ends with when it panics, and what we end with where a signal ended it.
const BROKEN: u8 = 101;

/// What finds problems that the compiler does not see, from its arguments and its input.
pub type Examine = fn(&[String], &Input) -> io::Result<Vec<Problem>>;

/// A call of rustc.
pub struct Job<'a> {
    /// In whose name messages are: `cargo autodiff`, say.
    pub subcommand: &'static str,
    /// All arguments.
    pub words: &'a [String],
    /// The crate that is compiled.
    pub crate_name: &'a str,
    /// The file for what Enzyme and LLVM print.
    pub dump: PathBuf,
    /// What is done where the compiler ends well.
    pub examine: Option<Examine>,
}

/// Runs rustc, and gives the exit code that we end with. The main thread has to call it.
pub fn run(mut command: Command, job: Job) -> io::Result<u8> {
    let output = Output::of(job.words);
    command.args(output.flags());
    command.env(contract::ASK.0, contract::ASK.1);
    let mut command = tied::to_us(&command)?;
    tied::to_parent();
    let input = Input::read(job.words)?;
    let mut child = command
        .stdin(input.stdin())
        .stderr(Stdio::piped())
        .spawn()?;
    input.feed(&mut child);
    let lines = child.stderr.take().map(read_lines);
    let mut watch = Watch {
        output,
        workspace: Workspace::from_env(),
        crate_name: job.crate_name.to_string(),
        subcommand: job.subcommand,
        passes_all: asks_for_prints(job.words),
        dump: Some(Dump::new(job.dump)),
        begun: Vec::new(),
        running: Vec::new(),
        problems: Vec::new(),
        is_noisy: false,
        is_explained: false,
        last_words: None,
        patience: patience(),
    };
    let reader_is_there = lines.is_none_or(|lines| watch.follow(&lines).is_ok());
    if !reader_is_there {
        // Nobody hears what rustc says: it need not go on.
        child.kill()?;
    }
    let status = child.wait()?;
    if let Some(examine) = job.examine
        && status.success()
        && watch.problems.is_empty()
    {
        watch.problems = examine(job.words, &input)?;
        for frame in watch
            .problems
            .iter_mut()
            .flat_map(|problem| &mut problem.frames)
        {
            watch.workspace.in_file(frame);
        }
    }
    watch.end(status)
}

/// Runs rustc, which says itself what there is to say, and gives the exit code that we end with. The main thread has to
/// call it.
pub fn run_plainly(command: &Command) -> io::Result<u8> {
    let mut command = tied::to_us(command)?;
    tied::to_parent();
    let status = command.status()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.unwrap_or(BROKEN))
}

fn patience() -> Duration {
    let seconds = env::var(PATIENCE_VARIABLE).ok();
    Duration::from_secs(
        seconds
            .and_then(|text| text.parse().ok())
            .unwrap_or(PATIENCE),
    )
}

/// The lines of a stream, each with its end, as they come.
fn read_lines(stream: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream
            .read_until(b'\n', &mut line)
            .is_ok_and(|length| length > 0)
        {
            if sender.send(std::mem::take(&mut line)).is_err() {
                return;
            }
        }
    });
    lines
}

/// Whether the user's own flags make Enzyme, LLVM or rustc print: then all of it is wanted.
fn asks_for_prints(words: &[String]) -> bool {
    words.iter().any(|word| {
        let is_enzymes = word.contains("autodiff=") && word.contains("Print");
        is_enzymes
            || ["llvm-args", "time-", "print-"].iter().any(|flag| {
                let word = word
                    .strip_prefix("-C")
                    .or(word.strip_prefix("-Z"))
                    .unwrap_or(word);
                word.starts_with(flag)
            })
    })
}

/// What was seen so far.
struct Watch {
    output: Output,
    workspace: Workspace,
    crate_name: String,
    subcommand: &'static str,
    passes_all: bool,
    dump: Option<Dump>,
    /// All functions whose differentiation was begun.
    begun: Vec<Work>,
    /// Those that are not done, and since when.
    running: Vec<Running>,
    problems: Vec<Problem>,
    /// Whether Enzyme or LLVM has said something: rustc's own work, in which a procedural macro may print, is done then.
    is_noisy: bool,
    /// Whether there was an error that says why the compilation fails.
    is_explained: bool,
    last_words: Option<String>,
    patience: Duration,
}

struct Running {
    work: Work,
    since: Instant,
    is_told: bool,
}

impl Watch {
    /// Reads lines to their end; fails where nobody reads ours.
    fn follow(&mut self, lines: &Receiver<Vec<u8>>) -> io::Result<()> {
        loop {
            match lines.recv_timeout(self.next_look()) {
                Ok(line) => self.take(&line)?,
                Err(RecvTimeoutError::Timeout) => self.tell_of_long_work()?,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    fn next_look(&self) -> Duration {
        match self.running.last() {
            Some(running) if !running.is_told => {
                self.patience.saturating_sub(running.since.elapsed())
            }
            _ => Duration::from_hours(1),
        }
    }

    fn tell_of_long_work(&mut self) -> io::Result<()> {
        let text = match self.running.last() {
            Some(running) if !running.is_told && running.since.elapsed() >= self.patience => {
                self.context().long(&running.work, self.patience.as_secs())
            }
            _ => return Ok(()),
        };
        if let Some(running) = self.running.last_mut() {
            running.is_told = true;
        }
        print(&(text + "\n"))
    }

    fn context(&self) -> Context<'_> {
        Context {
            workspace: &self.workspace,
            crate_name: &self.crate_name,
            subcommand: self.subcommand,
        }
    }

    fn take(&mut self, line: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches(['\n', '\r']);
        if let Some(told) = contract::read(text) {
            return self.told(told);
        }
        if text.starts_with('{')
            && text.contains("\"$message_type\"")
            && let Ok(message) = serde_json::from_str(text)
        {
            return self.message(text, &message);
        }
        if self.passes_all || !(self.is_noisy || is_noise(text)) {
            return print_bytes(line);
        }
        self.is_noisy = true;
        if let Some(error) = text.strip_prefix("error: ")
            && error.contains("Enzyme:")
            && self.problems.is_empty()
        {
            self.problems.push(report::without_contract(error));
        } else if self.last_words.is_none() {
            self.last_words = last_words(text).map(|words| report::shortened(&words, 300));
        }
        self.keep(line);
        Ok(())
    }

    fn told(&mut self, mut told: Told) -> io::Result<()> {
        self.is_noisy = true;
        for frame in told.frames() {
            self.workspace.in_file(frame);
        }
        match told {
            Told::Begin(work) => {
                self.begun.push(work.clone());
                self.running.push(Running {
                    work,
                    since: Instant::now(),
                    is_told: false,
                });
            }
            Told::End(function) => {
                let at = self
                    .running
                    .iter()
                    .rposition(|running| running.work.function == function);
                if let Some(at) = at {
                    self.running.remove(at);
                }
            }
            Told::Error(problem) => self.problems.push(problem),
            Told::Warning(problem) => {
                let warning = self.diagnostic(Grade::Warning, &problem);
                return self.say(&warning);
            }
        }
        Ok(())
    }

    /// A message of rustc. Those that it passes on from Enzyme may be a whole module long.
    fn message(&mut self, line: &str, message: &Value) -> io::Result<()> {
        let text = message["message"].as_str().unwrap_or_default();
        let is_error = message["level"] == "error";
        if !text.contains("Enzyme:") || self.passes_all {
            self.is_explained |= is_error;
            return print(&self.output.of_rustc(line, message));
        }
        self.is_noisy = true;
        self.keep(text.trim_end().as_bytes());
        self.keep(b"\n");
        let problem = report::without_contract(text);
        if is_error {
            self.problems.push(problem);
            return Ok(());
        }
        let warning = self.diagnostic(Grade::Warning, &problem);
        self.say(&warning)
    }

    fn keep(&mut self, bytes: &[u8]) {
        if let Some(dump) = &mut self.dump {
            dump.write(bytes);
        }
    }

    fn diagnostic(&self, grade: Grade, problem: &Problem) -> Diagnostic {
        let running = self.running.last().map(|running| &running.work);
        let named = self
            .begun
            .iter()
            .rev()
            .find(|work| work.function == problem.function);
        let work = match running {
            Some(work) if work.function == problem.function || problem.function.is_empty() => {
                running
            }
            _ => named,
        };
        self.context().problem(grade, problem, work)
    }

    fn say(&self, diagnostic: &Diagnostic) -> io::Result<()> {
        print(&self.output.of_ours(diagnostic, &self.workspace))
    }

    /// Says why the compilation failed, where it did, and gives the exit code.
    fn end(mut self, status: ExitStatus) -> io::Result<u8> {
        let dump = self.dump.take();
        if status.success() && self.problems.is_empty() {
            if let Some(dump) = dump {
                dump.discard();
            }
            return Ok(0);
        }
        let dump = dump.and_then(Dump::finish).map(|path| self.shown(&path));
        if let Some(signal) = status.signal().and_then(interruption) {
            // As rustc itself would: who ends it wants us to end, too.
            kill_process(getpid(), signal)?;
        }
        let about_dump =
            dump.map(|path| format!("what Enzyme and LLVM printed besides is in {path}"));
        let mut errors = self.errors(status);
        match (errors.last_mut(), about_dump) {
            (Some(error), Some(note)) => error.notes.push(Note::Note(note)),
            (None, Some(note)) => print(&format!("note: {}: {note}\n", self.subcommand))?,
            (_, None) => {}
        }
        for error in &errors {
            self.say(error)?;
        }
        Ok(match status.code() {
            // An error that libEnzyme told of is one, however rustc ended.
            Some(0) | None => BROKEN,
            Some(code) => u8::try_from(code).unwrap_or(BROKEN),
        })
    }

    fn errors(&self, status: ExitStatus) -> Vec<Diagnostic> {
        if !self.problems.is_empty() {
            let all = self.problems.iter();
            return all
                .map(|problem| self.diagnostic(Grade::Error, problem))
                .collect();
        }
        let what = match status.signal() {
            Some(signal) => format!("the compiler was ended by {}", signal_name(signal)),
            // rustc, or what it printed in Enzyme's stead, has said why.
            None if self.is_explained || !self.is_noisy => return Vec::new(),
            None => "the compiler gave up".to_string(),
        };
        let mut notes = Vec::new();
        if let Some(words) = &self.last_words {
            notes.push(Note::Note(format!("it said: {words}")));
        }
        notes.push(Note::Help(
            if status.signal() == Some(Signal::KILL.as_raw()) {
                "most often memory ran out: give it more (a container: `--memory`), or compile fewer crates at once \
                 (`-j 1`)"
            } else {
                "this is a fault of the compiler, not of the program; to find what it ends on, take calls out of the \
                 function one by one, and write that one in another way"
            }
            .to_string(),
        ));
        let work = self.running.last().map(|running| &running.work);
        vec![self.context().failure(&what, notes, work)]
    }

    fn shown(&self, path: &Path) -> String {
        self.workspace.shown(&path.display().to_string())
    }
}

/// The signals with which a user ends a command.
fn interruption(signal: i32) -> Option<Signal> {
    [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT]
        .into_iter()
        .find(|named| named.as_raw() == signal)
}

fn signal_name(signal: i32) -> Cow<'static, str> {
    for (named, name) in [
        (Signal::ABORT, "SIGABRT"),
        (Signal::BUS, "SIGBUS"),
        (Signal::FPE, "SIGFPE"),
        (Signal::ILL, "SIGILL"),
        (Signal::KILL, "SIGKILL"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::SYS, "SIGSYS"),
        (Signal::TRAP, "SIGTRAP"),
    ] {
        if named.as_raw() == signal {
            return name.into();
        }
    }
    format!("signal {signal}").into()
}

/// How lines of Enzyme and LLVM begin that come before any line of the contract.
const BEGINNINGS: &[&str] = &[
    "; ModuleID",
    "; Function Attrs",
    "declare ",
    "define ",
    "error: rustc interrupted by ",
    "freeing without malloc",
    "newFunc:",
    "oldFunc:",
    "PLEASE submit a bug report",
    "Stack dump",
    "warning: didn't implement ",
    "warning: <unknown>:0:0",
];
/// What their last words have in them.
const LAST_WORDS: &[&str] = &[
    "Assertion `",
    "LLVM ERROR: ",
    "Illegal updateAnalysis",
    "Enzyme: ",
    "fatal error: error in backend",
];

fn is_noise(line: &str) -> bool {
    BEGINNINGS
        .iter()
        .any(|beginning| line.starts_with(beginning))
        || last_words(line).is_some()
}

fn last_words(line: &str) -> Option<String> {
    LAST_WORDS
        .iter()
        .any(|words| line.contains(words))
        // `rustc: /path/File.cpp:12: void f(): Assertion ...`: the path is that of the machine that built it.
        .then(|| match line.find("Assertion `") {
            Some(at) => line[at..].to_string(),
            None => line.to_string(),
        })
}

fn print(text: &str) -> io::Result<()> {
    print_bytes(text.as_bytes())
}

fn print_bytes(bytes: &[u8]) -> io::Result<()> {
    io::stderr().write_all(bytes)
}
