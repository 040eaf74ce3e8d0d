//! What the user is told: of what libEnzyme says, of what rustc says in its name, and of how rustc ended. Pure.

use crate::contract::{Frame, Problem, Work};
use crate::diagnostic::{Diagnostic, Grade, Label, Note};
use crate::places::Workspace;
use crate::symbols;

/// Calls between the function that is differentiated and the place are shown up to this many.
const CALLS: usize = 4;

/// Everything that a report needs to know beside what it is about.
pub struct Context<'a> {
    /// Where the user's files are.
    pub workspace: &'a Workspace,
    /// The crate that is compiled.
    pub crate_name: &'a str,
    /// In whose name messages are: `cargo autodiff`, say.
    pub subcommand: &'a str,
}

impl Context<'_> {
    /// An error or a warning of libEnzyme. `work` is the function that is differentiated, where that is known.
    pub fn problem(&self, grade: Grade, problem: &Problem, work: Option<&Work>) -> Diagnostic {
        let message = symbols::in_text(&problem.message);
        let (first, rest) = message.split_once('\n').unwrap_or((&message, ""));
        let mut found = Diagnostic {
            grade,
            message: first.trim_end_matches('.').to_string(),
            labels: Vec::new(),
            notes: Vec::new(),
        };
        if !rest.trim().is_empty() {
            found.notes.push(Note::Note(rest.trim_end().to_string()));
        }
        self.tell_places(problem, &mut found);
        self.tell_function(problem, work, &mut found);
        if !problem.help.is_empty() {
            found
                .notes
                .push(Note::Help(symbols::in_text(&problem.help)));
        }
        found
    }

    /// Something else that went wrong while `work`, if anything, was differentiated.
    pub fn failure(&self, what: &str, notes: Vec<Note>, work: Option<&Work>) -> Diagnostic {
        let during = match work {
            Some(work) => format!("while it differentiated `{}`", self.name(&work.function)),
            None => format!("while it compiled `{}`", self.crate_name),
        };
        let mut found = Diagnostic {
            grade: Grade::Error,
            message: format!("{what} {during}"),
            labels: Vec::new(),
            notes: Vec::new(),
        };
        if let Some(work) = work {
            let problem = Problem {
                function: work.function.clone(),
                ..Problem::default()
            };
            self.tell_function(&problem, Some(work), &mut found);
        }
        found.notes.extend(notes);
        found
    }

    /// What is said once of a function that takes long.
    pub fn long(&self, work: &Work, seconds: u64) -> String {
        let place = work.place.as_ref().map_or_else(String::new, |place| {
            format!(" ({}:{})", self.workspace.shown(&place.file), place.line)
        });
        format!(
            "note: {}: differentiating `{}`{place} takes more than {seconds} seconds{}",
            self.subcommand,
            self.name(&work.function),
            match &*work.mode {
                "" => String::new(),
                mode => format!(", in {mode} mode"),
            },
        )
    }

    /// The calls from the function that is differentiated to the place: the innermost one in the user's own code is what
    /// the report is about.
    fn tell_places(&self, problem: &Problem, found: &mut Diagnostic) {
        let frames = calls(problem);
        let is_users = |frame: &Frame| self.workspace.holds(frame);
        let own = frames.iter().position(is_users);
        let start = own.unwrap_or_else(|| frames.len().saturating_sub(1));
        for (at, frame) in frames.iter().enumerate().skip(start).take(CALLS) {
            if at != start && !is_users(frame) {
                continue;
            }
            let text = match at.checked_sub(1).map(|inner| &frames[inner]) {
                None => String::new(),
                Some(inner) if is_users(inner) => {
                    format!("`{}` is called here", self.name(&inner.function))
                }
                Some(inner) => format!("inside of `{}`, called here", self.name(&inner.function)),
            };
            found.labels.push(Label {
                file: frame.file.clone(),
                line: frame.line,
                column: frame.column,
                text,
            });
        }
        if let Some(frame) = frames.first()
            && start > 0
            && frame.line > 0
        {
            found.notes.push(Note::Note(format!(
                "the place itself is {}:{}, in `{}`",
                self.workspace.shown(&frame.file),
                frame.line,
                self.name(&frame.function)
            )));
        }
    }

    fn tell_function(&self, problem: &Problem, work: Option<&Work>, found: &mut Diagnostic) {
        let mode = match work.map_or("", |work| &work.mode) {
            "" => "is differentiated".to_string(),
            mode => format!("is differentiated in {mode} mode"),
        };
        let declared = || problem.frames.last().filter(|frame| frame.column == 0);
        match work.and_then(|work| work.place.as_ref()).or_else(declared) {
            Some(place) if self.workspace.holds(place) => found.labels.push(Label {
                file: place.file.clone(),
                line: place.line,
                column: 0,
                text: format!("this function {mode}"),
            }),
            _ if problem.function.is_empty() => {}
            _ => found.notes.push(Note::Note(format!(
                "`{}` {mode}",
                self.name(&problem.function)
            ))),
        }
    }

    /// The name of a function, without that of the crate itself.
    fn name(&self, symbol: &str) -> String {
        let name = symbols::name(symbol);
        match name
            .strip_prefix(self.crate_name)
            .and_then(|rest| rest.strip_prefix("::"))
        {
            Some(inner) => inner.to_string(),
            None => name,
        }
    }
}

/// The frames but for one that tells where the function that is differentiated begins.
fn calls(problem: &Problem) -> &[Frame] {
    match &*problem.frames {
        [calls @ .., last] if last.column == 0 && last.function == problem.function => calls,
        all => all,
    }
}

/// What rustc prints of a fault that Enzyme tells in LLVM's way: a place (mostly `<unknown>:0:0`), the function, and then
/// Enzyme's text, which may go on with a whole module. Its first line is kept.
pub fn without_contract(message: &str) -> Problem {
    let (before, after) = message.split_once("Enzyme:").unwrap_or(("", message));
    let line = after.trim_start().lines().next().unwrap_or_default();
    // Behind it stands what it is about, as LLVM IR.
    let line = line.split("  ").next().unwrap_or_default();
    let function = before
        .split_once("in function ")
        .and_then(|(_, rest)| rest.split([' ', ':']).next())
        .unwrap_or_default();
    Problem {
        message: format!("Enzyme: {}", shortened(line, 200)),
        help: String::new(),
        function: function.to_string(),
        frames: place(before).into_iter().collect(),
    }
}

/// The place in `FILE:LINE:COLUMN: ...`, unless LLVM knew none.
fn place(text: &str) -> Option<Frame> {
    let word = text.split_whitespace().next()?.strip_suffix(':')?;
    let (rest, column) = word.rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    let line = line.parse().ok().filter(|line| *line > 0)?;
    Some(Frame {
        file: file.to_string(),
        line,
        column: column.parse().ok()?,
        function: String::new(),
    })
}

/// At most so many characters.
pub fn shortened(text: &str, length: usize) -> String {
    let text = text.trim();
    match text.char_indices().nth(length) {
        Some((end, _)) => format!("{} ...", text[..end].trim_end()),
        None => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(problem: &Problem, work: Option<&Work>) -> Diagnostic {
        let workspace = Workspace::from_env();
        let context = Context {
            workspace: &workspace,
            crate_name: "member",
            subcommand: "cargo autodiff",
        };
        context.problem(Grade::Error, problem, work)
    }

    fn frame(file: &str, line: usize, function: &str) -> Frame {
        Frame {
            file: file.into(),
            line,
            column: 5,
            function: function.into(),
        }
    }

    fn work(mode: &str) -> Work {
        Work {
            function: "_RNvCs1234_6member1f".into(),
            mode: mode.into(),
            place: Some(Frame {
                column: 0,
                ..frame("src/lib.rs", 4, "_RNvCs1234_6member1f")
            }),
        }
    }

    #[test]
    fn the_innermost_place_of_the_user_comes_first() {
        let problem = Problem {
            message: "a `Vec` that grows has no derivative.\nMore of it.".into(),
            help: "make it at its length".into(),
            function: "_RNvCs1234_6member1f".into(),
            frames: vec![
                frame("/rustc/0/library/alloc/src/raw_vec.rs", 500, "finish_grow"),
                frame(
                    "/rustc/0/library/alloc/src/vec/mod.rs",
                    9,
                    "alloc::vec::Vec<T>::push",
                ),
                frame("src/lib.rs", 12, "_RNvCs1234_6member4fill"),
                frame("src/lib.rs", 7, "_RNvCs1234_6member1f"),
                work("").place.unwrap(),
            ],
        };
        let found = report(&problem, Some(&work("reverse")));
        assert_eq!(found.message, "a `Vec` that grows has no derivative");
        let labels: Vec<_> = found
            .labels
            .iter()
            .map(|label| (label.line, &*label.text))
            .collect();
        assert_eq!(
            labels,
            [
                (12, "inside of `alloc::vec::Vec<T>::push`, called here"),
                (7, "`fill` is called here"),
                (4, "this function is differentiated in reverse mode"),
            ]
        );
        assert_eq!(
            found.notes,
            [
                Note::Note("More of it.".into()),
                Note::Note(
                    "the place itself is library/alloc/src/raw_vec.rs:500, in `finish_grow`".into()
                ),
                Note::Help("make it at its length".into()),
            ]
        );
    }

    #[test]
    fn without_places_the_function_is_named() {
        let problem = Problem {
            message: "no".into(),
            function: "_RNvCs1234_6member1f".into(),
            ..Problem::default()
        };
        let found = report(&problem, None);
        assert_eq!(found.labels, []);
        assert_eq!(found.notes, [Note::Note("`f` is differentiated".into())]);
        let found = report(&problem, Some(&work("")));
        assert_eq!(found.labels[0].text, "this function is differentiated");
        let declared = Problem {
            frames: vec![work("").place.unwrap()],
            ..problem
        };
        let found = report(&declared, None);
        assert_eq!((found.labels.len(), found.labels[0].line), (1, 4));
    }

    #[test]
    fn a_place_outside_is_better_than_none() {
        let problem = Problem {
            message: "no".into(),
            frames: vec![frame("/elsewhere/src/lib.rs", 3, "g")],
            ..Problem::default()
        };
        let found = report(&problem, None);
        assert_eq!(found.labels[0].file, "/elsewhere/src/lib.rs");
        assert_eq!(found.notes, []);
    }

    #[test]
    fn faults_in_llvms_way_are_cut() {
        let message = "<unknown>:0:0: in function preprocess__RNvCs1234_6member1f double (ptr): Enzyme: Cannot deduce \
                       type of copy   call void @llvm.memcpy\n; ModuleID = 'x'\n";
        let problem = without_contract(message);
        assert_eq!(problem.message, "Enzyme: Cannot deduce type of copy");
        assert_eq!(problem.function, "preprocess__RNvCs1234_6member1f");
        assert_eq!(problem.frames, []);
        let problem = without_contract("src/lib.rs:7:5: in function f: Enzyme: no");
        assert_eq!(
            (problem.frames[0].line, &*problem.frames[0].file),
            (7, "src/lib.rs")
        );
    }

    #[test]
    fn failures_name_the_function() {
        let workspace = Workspace::from_env();
        let context = Context {
            workspace: &workspace,
            crate_name: "member",
            subcommand: "cargo autodiff",
        };
        let found = context.failure(
            "the compiler ended by SIGSEGV",
            Vec::new(),
            Some(&work("forward")),
        );
        assert_eq!(
            found.message,
            "the compiler ended by SIGSEGV while it differentiated `f`"
        );
        assert_eq!(found.labels.len(), 1);
        let found = context.failure("the compiler ended by SIGSEGV", Vec::new(), None);
        assert_eq!(
            found.message,
            "the compiler ended by SIGSEGV while it compiled `member`"
        );
        assert!(context.long(&work("reverse"), 60).ends_with(
            "differentiating `f` (src/lib.rs:4) takes more than 60 seconds, in reverse mode"
        ));
    }

    #[test]
    fn long_texts_are_shortened() {
        assert_eq!(shortened(" ab ", 2), "ab");
        assert_eq!(shortened("ééé", 2), "éé ...");
    }
}
