//! Ourselves in front of rustc and rustdoc.

use std::env;
use std::fs;
use std::process::Command;

use fakes::{Place as Folder, Test, output as run, success as succeed, tool};

use crate::{LINKER, OFFLOAD};

/// The tests.
pub const TESTS: &[Test] = &[
    ("members get the flags", members_get_the_flags),
    ("cargo is told of the object", cargo_is_told_of_the_object),
    (
        "errors of Enzyme are rustc's in both passes",
        errors_of_enzyme_are_rustcs_in_both_passes,
    ),
    (
        "others are passed on untouched",
        others_are_passed_on_untouched,
    ),
];

/// Ourselves in front of a fake rustc, as cargo starts us.
fn wrapper(crate_name: Option<&str>, args: &[&str]) -> Command {
    let mut command = tool(OFFLOAD);
    command.env("CARGO_OFFLOAD_IMAGES", "/a/host.out:/b/host.out");
    if let Some(name) = crate_name {
        command.env("CARGO_CRATE_NAME", name);
    }
    command.arg(env::current_exe().unwrap()).args(args);
    command
}

fn cargo_is_told_of_the_object() {
    let place = Folder::new("object", &[]);
    let rules = place.file("member-0f.d", "/t/member.d: src/lib.rs\n");
    let folder = place.root().to_str().unwrap().to_string();
    let args = [
        "--crate-name",
        "member",
        "--out-dir",
        &folder,
        "-Cextra-filename=-0f",
    ];
    let text = || fs::read_to_string(&rules).unwrap();
    let compile = |name| {
        let mut command = wrapper(name, &args);
        command.env("CARGO_OFFLOAD_OBJECT", "/with/images.o");
        command
    };
    // A crate that fails has no result, and another's is none of ours.
    let (code, ..) = run(compile(Some("member")).env("FAKE_EXIT", "7"));
    assert_eq!(code, 7);
    succeed(&mut compile(None));
    assert_eq!(text(), "/t/member.d: src/lib.rs\n");
    let (out, _) = succeed(&mut compile(Some("member")));
    let flags =
        format!("-Zoffload=Host= -Zunstable-options -Clink-arg=/with/images.o -Clinker={LINKER}\n");
    assert!(out.contains(&flags), "{out}");
    assert_eq!(text(), "/t/member.d: src/lib.rs /with/images.o\n");
    // One that differentiates too.
    succeed(compile(Some("member")).env("CARGO_OFFLOAD_AUTODIFF", "1"));
    assert_eq!(
        text(),
        "/t/member.d: src/lib.rs /with/images.o /with/images.o\n"
    );
}

fn members_get_the_flags() {
    let flags =
        format!("-Zoffload=Host=/a/host.out,Host=/b/host.out -Zunstable-options -Clinker={LINKER}");
    let args = ["--crate-name", "member", "-C", "linker=my-cc"];
    let (out, _) = succeed(&mut wrapper(Some("member"), &args));
    assert!(
        out.starts_with(&format!("args {} {flags}\n", args.join(" "))),
        "{out}"
    );
    assert!(out.ends_with("OFFLOAD_LINKER_CC=my-cc\n"), "{out}");
    let (out, _) = succeed(wrapper(Some("member"), &args).env("CARGO_OFFLOAD_AUTODIFF", "1"));
    assert!(
        out.contains(" -Zautodiff=Enable ") && out.contains(" -Cdebuginfo=line-tables-only "),
        "{out}"
    );
    // With a wrapper of the user, that one is started, and told which rustc to use.
    let me = env::current_exe().unwrap();
    let (out, _) = succeed(wrapper(Some("member"), &args).env("CARGO_OFFLOAD_NEXT", &me));
    assert!(
        out.starts_with(&format!("args {} --crate-name member", me.display())),
        "{out}"
    );
    // rustdoc, which is not named in its arguments, and tests a member's examples.
    let mut rustdoc = tool(OFFLOAD);
    rustdoc
        .env("CARGO_OFFLOAD_IMAGES", "/a/host.out:/b/host.out")
        .env("CARGO_OFFLOAD_RUSTDOC", &me)
        .env("CARGO_CRATE_NAME", "member")
        .args(["--crate-name", "member", "--test", "src/lib.rs"]);
    let (out, _) = succeed(&mut rustdoc);
    assert!(
        out.starts_with(&format!(
            "args --crate-name member --test src/lib.rs {flags}\n"
        )),
        "{out}"
    );
}

fn errors_of_enzyme_are_rustcs_in_both_passes() {
    let error =
        r#"enzyme-error: {"message":"it has no derivative","help":"","function":"f","where":[]}"#;
    let args = [
        "--crate-name",
        "member",
        "--out-dir",
        "/proc/nowhere",
        "--error-format=json",
    ];
    let program = wrapper(Some("member"), &args);
    let mut kernels = wrapper(
        Some("member"),
        &[&args[..], &["-Zoffload=Device", "-Zautodiff=Enable"]].concat(),
    );
    kernels.env("CARGO_OFFLOAD_KERNELS", "host.out");
    for mut command in [program, kernels] {
        command
            .env("CARGO_OFFLOAD_AUTODIFF", "1")
            .env("FAKE_SAYS", error);
        let (code, _, err) = run(&mut command);
        assert_eq!(code, 101);
        assert!(
            err.starts_with('{') && err.contains("error: it has no derivative\\n"),
            "{err}"
        );
    }
    // Another crate for the device is none of ours.
    let mut other = wrapper(Some("member"), &args);
    other
        .env("CARGO_OFFLOAD_KERNELS", "host.out")
        .env("FAKE_SAYS", error);
    assert_eq!(run(&mut other).2, format!("{error}\n"));
}

fn others_are_passed_on_untouched() {
    for (name, args) in [
        (None, &["--crate-name", "anyhow", "--emit=metadata"][..]),
        (
            Some("build_script_build"),
            &["--crate-name", "build_script_build", "--crate-type", "bin"],
        ),
        (
            Some("macros"),
            &["--crate-name", "macros", "--crate-type", "proc-macro"],
        ),
    ] {
        let (out, _) = succeed(&mut wrapper(name, args));
        assert!(
            out.starts_with(&format!("args {}\n", args.join(" "))),
            "{out}"
        );
    }
}
