//! Symbols of functions, as a person writes their names. Pure.

use rustc_demangle::try_demangle;

/// The name of the function with this symbol. Enzyme puts words of its own before the symbols of what it makes
/// (`preprocess_`, `diffe`); a name that is no symbol stays as it is.
pub fn name(symbol: &str) -> String {
    let start = ["_ZN", "_R"]
        .iter()
        .filter_map(|prefix| symbol.find(prefix))
        .min()
        .unwrap_or(0);
    match try_demangle(&symbol[start..]) {
        Ok(name) => format!("{name:#}"),
        Err(_) => symbol.to_string(),
    }
}

/// A text with the symbols in it replaced by names.
pub fn in_text(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        let (before, word) = rest.split_at(start);
        let end = word.find(|c| !is_part(c)).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        result.push_str(before);
        // A full stop or a colon behind a symbol belongs to the sentence.
        let symbol = word.trim_end_matches('.');
        result.push_str(&name(symbol));
        result.push_str(&word[symbol.len()..]);
        rest = after;
    }
    result.push_str(rest);
    result
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUSH: &str = "_ZN5alloc3vec16Vec$LT$T$C$A$GT$4push17h0123456789abcdefE";

    #[test]
    fn symbols_of_both_kinds_are_read() {
        for (symbol, expected) in [
            (PUSH, "alloc::vec::Vec<T,A>::push"),
            ("_RNvCs1234_7mycrate3foo", "mycrate::foo"),
            ("_RNvCs1234_7mycrate3foo.llvm.123", "mycrate::foo"),
            ("preprocess__RNvCs1234_7mycrate3foo", "mycrate::foo"),
            ("sin", "sin"),
            ("llvm.memcpy.p0.p0.i64", "llvm.memcpy.p0.p0.i64"),
            ("", ""),
        ] {
            assert_eq!(name(symbol), expected);
        }
    }

    #[test]
    fn symbols_are_found_in_text() {
        assert_eq!(
            in_text(&format!("call of `{PUSH}`, and of {PUSH}: no.")),
            "call of `alloc::vec::Vec<T,A>::push`, and of alloc::vec::Vec<T,A>::push: no."
        );
        assert_eq!(in_text("é has no derivative."), "é has no derivative.");
        assert_eq!(
            in_text("ends with _RNvCs1234_7mycrate3foo."),
            "ends with mycrate::foo."
        );
    }
}
