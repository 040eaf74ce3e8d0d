//! What a crate is made of, as rustc tells cargo: a file with a rule as `make` has it, `made: read read ...`.

use std::fs;
use std::io;
use std::path::Path;

/// Adds a file to the first rule, the one that cargo looks at. Where there is no such rule nobody asked for one.
pub fn add(rules: &Path, file: &Path) -> io::Result<()> {
    let text = match fs::read_to_string(rules) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        text => text?,
    };
    match added(&text, &file.to_string_lossy()) {
        Some(text) => fs::write(rules, text),
        None => Ok(()),
    }
}

fn added(text: &str, file: &str) -> Option<String> {
    let start = text.find(": ")?;
    let end = text[start..]
        .find('\n')
        .map_or(text.len(), |length| start + length);
    let (rule, rest) = text.split_at(end);
    Some(format!("{rule} {}{rest}", file.replace(' ', "\\ ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_has_one_file_more() {
        for (text, wanted) in [
            (
                "/t/p.d: src/main.rs src/a.rs\n\n/t/p: src/main.rs\n\n# env-dep:X\n",
                Some(
                    "/t/p.d: src/main.rs src/a.rs /a\\ b/images.o\n\n/t/p: src/main.rs\n\n# env-dep:X\n",
                ),
            ),
            ("p: main.rs", Some("p: main.rs /a\\ b/images.o")),
            ("main.rs:\n", None),
            ("", None),
        ] {
            assert_eq!(added(text, "/a b/images.o").as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn without_rules_nothing_is_written() {
        let nowhere = Path::new("/nowhere/p.d");
        add(nowhere, Path::new("/images.o")).unwrap();
        assert!(add(Path::new("/proc/self"), Path::new("/images.o")).is_err());
    }
}
