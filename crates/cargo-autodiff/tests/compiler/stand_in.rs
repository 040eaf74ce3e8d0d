//! The fake rustc.

use std::env;
use std::fs;
use std::io::Read;
use std::process;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

/// Does as rustc, where a test says how it answers (`FAKE_SAYS`); returns where this is the test program.
pub fn answer() {
    let Ok(text) = env::var("FAKE_SAYS") else {
        return;
    };
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
