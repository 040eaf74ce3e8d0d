//! What members are compiled with beside what their profile says. Pure.

use crate::words::value_of;

/// Enzyme cannot differentiate what rustc makes at level 0 ("cannot handle unknown binary operator" for a loop over a
/// range, for one). At level 1 and for size, memory is allocated and set in ways of which Enzyme cannot tell what lies
/// there: it refused 41 and 29 of 100 generated functions, and got two of those at level 1 wrong. So members are compiled
/// like those of the release profile.
const OPTIMISED: &str = "-Copt-level=3";
/// What rustc does by itself at level 0 alone.
const CHECKED: &str = "-Cdebug-assertions=on";
/// Enzyme finds the places of errors in debug information.
const WITH_LINES: &str = "-Cdebuginfo=line-tables-only";
/// So that programs stay what they are without it.
const STRIPPED: &str = "-Cstrip=debuginfo";

/// What makes rustc optimise, where the profile asks for less than level 2.
pub fn optimisation(words: &[String]) -> Vec<&'static str> {
    let level = codegen(words, "opt-level", "-O").unwrap_or("0");
    let mut flags = Vec::new();
    if matches!(level, "0" | "1" | "s" | "z") {
        flags.push(OPTIMISED);
        if level == "0" && codegen(words, "debug-assertions", "").is_none() {
            flags.push(CHECKED);
        }
    }
    flags
}

/// What makes rustc tell places, where the profile asks for none.
pub fn lines(words: &[String]) -> Vec<&'static str> {
    let mut flags = Vec::new();
    if matches!(
        codegen(words, "debuginfo", "-g").unwrap_or("0"),
        "0" | "none"
    ) {
        flags.push(WITH_LINES);
        if codegen(words, "strip", "").is_none() {
            flags.push(STRIPPED);
        }
    }
    flags
}

/// The value of a codegen option, the last one: `-C name=value` or `-Cname=value`; `short` is another way to write it,
/// with the highest value. (cargo says nothing of what is as rustc has it by itself, and never tells rustdoc.)
fn codegen<'a>(words: &'a [String], name: &str, short: &str) -> Option<&'a str> {
    words.iter().rev().find_map(|word| {
        let option = word.strip_prefix("-C").unwrap_or(word);
        match option.strip_prefix(name) {
            Some("") => Some("on"),
            Some(value) => value.strip_prefix('='),
            None => (word == short).then_some("3"),
        }
    })
}

/// Whether more is made than what other crates are checked with.
pub fn generates(words: &[String]) -> bool {
    value_of(words, "--emit").is_none_or(|kinds| {
        kinds
            .split(',')
            .any(|kind| !kind.starts_with("dep-info") && !kind.starts_with("metadata"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn what_the_profile_leaves_out_is_added() {
        let dev = [OPTIMISED, CHECKED];
        let placed = [WITH_LINES, STRIPPED];
        for (line, expected) in [
            ("rustc a.rs", [dev, placed].concat()),
            ("rustc a.rs -C opt-level=0 -g", dev.to_vec()),
            ("rustc -O a.rs -Copt-level=0 -C debuginfo=2", dev.to_vec()),
            (
                "rustc -C opt-level=0 -C debug-assertions=off -C debuginfo=2",
                vec![OPTIMISED],
            ),
            ("rustc -C opt-level=3", placed.to_vec()),
            ("rustc -Copt-level=0 -O", placed.to_vec()),
            ("rustc -O -C debuginfo=0 -C strip=symbols", vec![WITH_LINES]),
            (
                "rustc -Copt-level=s -C debuginfo=none",
                [&[OPTIMISED], &placed[..]].concat(),
            ),
            (
                "rustc -C opt-level=1 -C debuginfo=line-tables-only",
                vec![OPTIMISED],
            ),
            (
                "rustc -C opt-level=z -C debuginfo=1 -C lto",
                vec![OPTIMISED],
            ),
            ("rustc -C opt-level=2 -C debuginfo=1 -C lto", vec![]),
        ] {
            let found = [optimisation(&words(line)), lines(&words(line))].concat();
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn looking_generates_nothing() {
        assert!(generates(&words("rustc a.rs")));
        assert!(generates(&words(
            "rustc --emit=dep-info,metadata,link a.rs"
        )));
        assert!(generates(&words("rustc --emit llvm-ir a.rs")));
        assert!(!generates(&words("rustc --emit=dep-info,metadata a.rs")));
        assert!(!generates(&words(
            "rustc --emit=dep-info=x.d,metadata=y a.rs"
        )));
    }
}
