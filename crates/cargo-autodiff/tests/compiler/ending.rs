//! rustc, ourselves and cargo end together.

use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use fakes::Test;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::place::{BEGIN, Place};

/// The tests.
pub const TESTS: &[Test] = &[
    ("rustc ends with us", rustc_ends_with_us),
    ("we end with cargo", we_end_with_cargo),
    ("an interruption is passed on", an_interruption_is_passed_on),
];

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

fn an_interruption_is_passed_on() {
    let place = Place::new("interruption");
    for signal in [Signal::INT, Signal::TERM] {
        let end = format!("!signal {}", signal.as_raw());
        let (status, text) = place.run(&[BEGIN, &end], &["--error-format=json"]);
        assert_eq!((status.signal(), &*text), (Some(signal.as_raw()), ""));
    }
}
