//! What a compiler reads from its standard input: rustdoc hands over examples in this way.

use std::io::{self, Read, Write};
use std::process::{Child, Stdio};
use std::thread;

/// The source that is compiled, where it does not stand in a file.
pub struct Input(Option<Vec<u8>>);

impl Input {
    /// Reads it, where the compiler's arguments say so.
    pub fn read(words: &[String]) -> io::Result<Self> {
        if !words.iter().any(|word| word == "-") {
            return Ok(Self(None));
        }
        let mut text = Vec::new();
        io::stdin().lock().read_to_end(&mut text)?;
        Ok(Self(Some(text)))
    }

    /// What a process is started with.
    pub fn stdin(&self) -> Stdio {
        match self.0 {
            Some(_) => Stdio::piped(),
            None => Stdio::inherit(),
        }
    }

    /// Writes it to a process that was started so.
    pub fn feed(&self, child: &mut Child) {
        if let (Some(mut stdin), Some(text)) = (child.stdin.take(), self.0.clone()) {
            // Who does not read to the end has a reason, and says it.
            thread::spawn(move || stdin.write_all(&text));
        }
    }
}
