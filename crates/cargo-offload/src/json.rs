//! Reads JSON, as much of it as `cargo metadata` prints. Pure.

use std::iter::Peekable;
use std::str::Chars;

/// A JSON value; numbers are kept as they are written.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, `true`, `false`, or a number.
    Word(String),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Value>),
    /// An object, in the order in which it is written.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// A member of an object.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(pairs) => pairs
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// A member of an object that is a string.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_text()
    }

    /// The string, where it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of a member that is an array; none where it is something else.
    pub fn list(&self, name: &str) -> &[Self] {
        match self.get(name) {
            Some(Self::List(values)) => values,
            _ => &[],
        }
    }
}

/// The value that a whole text is; none where it is no JSON.
pub fn parse(text: &str) -> Option<Value> {
    let mut rest = text.chars().peekable();
    let value = value(&mut rest)?;
    skip_space(&mut rest);
    rest.next().is_none().then_some(value)
}

type Rest<'a> = Peekable<Chars<'a>>;

fn skip_space(rest: &mut Rest) {
    while rest.next_if(char::is_ascii_whitespace).is_some() {}
}

/// Takes `wanted` (after space), or nothing.
fn take(rest: &mut Rest, wanted: char) -> bool {
    skip_space(rest);
    rest.next_if_eq(&wanted).is_some()
}

fn value(rest: &mut Rest) -> Option<Value> {
    skip_space(rest);
    match rest.peek()? {
        '"' => string(rest).map(Value::Text),
        '[' => list(rest),
        '{' => map(rest),
        _ => {
            let mut word = String::new();
            while let Some(c) =
                rest.next_if(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.'))
            {
                word.push(c);
            }
            (!word.is_empty()).then_some(Value::Word(word))
        }
    }
}

fn list(rest: &mut Rest) -> Option<Value> {
    rest.next();
    let mut values = Vec::new();
    if !take(rest, ']') {
        loop {
            values.push(value(rest)?);
            if !take(rest, ',') {
                break;
            }
        }
        take(rest, ']').then_some(())?;
    }
    Some(Value::List(values))
}

fn map(rest: &mut Rest) -> Option<Value> {
    rest.next();
    let mut pairs = Vec::new();
    if !take(rest, '}') {
        loop {
            skip_space(rest);
            let key = string(rest)?;
            take(rest, ':').then_some(())?;
            pairs.push((key, value(rest)?));
            if !take(rest, ',') {
                break;
            }
        }
        take(rest, '}').then_some(())?;
    }
    Some(Value::Map(pairs))
}

fn string(rest: &mut Rest) -> Option<String> {
    rest.next_if_eq(&'"')?;
    let mut text = String::new();
    loop {
        match rest.next()? {
            '"' => return Some(text),
            '\\' => text.push(match rest.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'u' => escaped(rest)?,
                other => other,
            }),
            other => text.push(other),
        }
    }
}

/// The character of `\uXXXX`, or of two of them where it needs two.
fn escaped(rest: &mut Rest) -> Option<char> {
    let mut unit = || {
        let digits: String = rest.by_ref().take(4).collect();
        u32::from_str_radix(&digits, 16).ok()
    };
    let first = unit()?;
    if !(0xD800..0xDC00).contains(&first) {
        return char::from_u32(first);
    }
    (rest.next()? == '\\' && rest.next()? == 'u').then_some(())?;
    let digits: String = rest.by_ref().take(4).collect();
    let second = u32::from_str_radix(&digits, 16).ok()?;
    char::from_u32(0x10000 + ((first - 0xD800) << 10) + second.checked_sub(0xDC00)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read() {
        let value = parse(
            r#" {"a": [1, -2.5e+3, true, null, "x\"\\\n\u00e9\ud83e\udd80"], "b": {}, "c": [], "d": {"e": "f"}} "#,
        )
        .unwrap();
        let words = ["1", "-2.5e+3", "true", "null"].map(|word| Value::Word(word.into()));
        assert_eq!(value.list("a")[..4], words);
        assert_eq!(value.list("a")[4].as_text(), Some("x\"\\\né🦀"));
        assert_eq!(value.get("b"), Some(&Value::Map(Vec::new())));
        assert_eq!(value.list("c"), []);
        assert_eq!(value.get("d").and_then(|d| d.text("e")), Some("f"));
        assert_eq!((value.get("z"), value.text("a")), (None, None));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in [
            "",
            "{",
            "[1,",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":}",
            "{a: 1}",
            "\"x",
            "\"\\u12\"",
            "1 2",
            "error: no",
            "\"\\ud800x\"",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
