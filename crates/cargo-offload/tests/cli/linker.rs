//! The linker that rustc starts.

use std::env;
use std::fs;
use std::process::Command;

use fakes::{Test, failure as fails, success as succeed, tool};

use crate::LINKER;
use crate::place::{FACTS, FACTS_TEXT, Place};

/// The tests.
pub const TESTS: &[Test] = &[
    (
        "the linker keeps the command line",
        the_linker_keeps_the_command_line,
    ),
    (
        "the linker takes the ptx that devices need",
        the_linker_takes_the_ptx_that_devices_need,
    ),
    ("a missing linker is named", a_missing_linker_is_named),
];

/// `offload-linker` with the facts of a place, where all that is started says how it was called.
fn linker(place: &Place) -> Command {
    let llvm = place.0.path("llvm");
    fs::create_dir_all(llvm.join("bin")).unwrap();
    let wrapper = llvm.join("bin/clang-linker-wrapper");
    fs::copy(env::current_exe().unwrap(), wrapper).unwrap();
    place.0.file("bin/cc", "");
    let facts = FACTS_TEXT.replace("/nowhere/llvm-22", &llvm.to_string_lossy());
    let mut command = tool(LINKER);
    command
        .env("OFFLOAD_TOOLCHAIN", place.0.file(FACTS, &facts))
        .env("PATH", place.0.path("bin"));
    command
}

fn the_linker_keeps_the_command_line() {
    let place = Place::new("linker");
    let llvm = place.0.path("llvm");
    let cc = place.0.path("bin/cc");
    let mut command = linker(&place);
    command
        .env("OFFLOAD_DEVICES", "host,sm_90")
        .args(["-m64", "a.o", "-o", "prog"]);
    let (out, _) = succeed(&mut command);
    assert_eq!(
        out,
        format!(
            "args --host-triple=x86_64-unknown-linux-gnu \
             --device-compiler=nvptx64-nvidia-cuda=--cuda-feature=+ptx78 \
             --device-linker=amd64-pc-linux-gnu=-lm --linker-path={} -m64 a.o -o prog -L{1}/lib \
             -Wl,-rpath,{1}/lib -Wl,-lomptarget -Wl,-lomp -Wl,-lc\n",
            cc.display(),
            llvm.display()
        ) + &format!(
            "OFFLOAD_DEVICES=host,sm_90\nOFFLOAD_TOOLCHAIN={}\n",
            place.0.path(FACTS).display()
        )
    );
    let err = fails(command.env("OFFLOAD_LINKER_CC", "gcc-99"));
    assert!(
        err.starts_with("error: offload-linker: `gcc-99` is missing\n"),
        "{err}"
    );
}

fn the_linker_takes_the_ptx_that_devices_need() {
    let place = Place::new("ptx");
    for (devices, ptx) in [
        ("sm_80", "70"),
        ("sm_90,host", "78"),
        ("sm_80,sm_100", "86"),
        ("", "86"),
    ] {
        let (out, _) = succeed(linker(&place).env("OFFLOAD_DEVICES", devices));
        let flag = format!("--device-compiler=nvptx64-nvidia-cuda=--cuda-feature=+ptx{ptx} ");
        assert!(out.contains(&flag), "{devices}: {out}");
    }
}

fn a_missing_linker_is_named() {
    let place = Place::new("no-linker");
    let err = fails(linker(&place).env("OFFLOAD_LLVM", "/nowhere"));
    assert!(
        err.contains(
            "clang-linker-wrapper is missing\n  why: /nowhere/bin/clang-linker-wrapper is not there"
        ),
        "{err}"
    );
}
