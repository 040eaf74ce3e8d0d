//! How cargo is called for the kernels and for the program.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use fakes::{Test, failure as fails, output as run, success as succeed, tool};

use crate::OFFLOAD;
use crate::place::{FACTS, Place};

/// The tests.
pub const TESTS: &[Test] = &[
    ("a device is a pass", a_device_is_a_pass),
    ("the program gets the images", the_program_gets_the_images),
    (
        "compilers of the configuration are chained",
        compilers_of_the_configuration_are_chained,
    ),
    (
        "a target is what the program is compiled for",
        a_target_is_what_the_program_is_compiled_for,
    ),
    ("the folder is another one", the_folder_is_another_one),
    ("autodiff reaches both passes", autodiff_reaches_both_passes),
    ("a failed pass ends it", a_failed_pass_ends_it),
    ("plain commands get nothing", plain_commands_get_nothing),
    ("packages go to the workspace", packages_go_to_the_workspace),
    ("help and version", help_and_version),
];

fn a_device_is_a_pass() {
    let place = Place::new("pass");
    let mut command = place.offload(&["build", "--device", "host,sm_90", "--locked"]);
    let (_, err) = succeed(command.env("RUSTFLAGS", "-Ctarget-cpu=native"));
    let folder = place.0.path("target/offload/k");
    let pass = |target: &str, triple: &str| {
        format!(
            "pass rustc --locked --release --package k --lib --crate-type staticlib --target {triple} --target-dir {} \
             --message-format json-render-diagnostics -- -Zoffload=Device -Zunstable-options \
             -Clto=fat -Ccodegen-units=1 -Copt-level=3 -Cpanic=abort\n",
            folder.join(target).display()
        )
    };
    assert_eq!(
        err,
        format!(
            "{}RUSTFLAGS=-Ctarget-cpu=native\nCARGO_PROFILE_RELEASE_LTO=fat\n{}\
             CARGO_TARGET_NVPTX64_NVIDIA_CUDA_RUSTFLAGS=-Ctarget-cpu=sm_90\nCARGO_PROFILE_RELEASE_LTO=fat\n",
            pass("host", "x86_64-unknown-linux-gnu"),
            pass("sm_90", "nvptx64-nvidia-cuda")
        )
    );
}

fn the_program_gets_the_images() {
    let place = Place::new("program");
    let mut command = place.offload(&["run", "--device", "sm_90,host", "-v", "--", "7"]);
    let wrapper = env::current_exe().unwrap();
    let (out, err) = succeed(command.env("RUSTC_WORKSPACE_WRAPPER", &wrapper));
    let images = [
        place.image("sm_90", "nvptx64-nvidia-cuda"),
        place.host_image(),
    ];
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines[0], "args run --release -v -- 7");
    let front = lines[1].strip_prefix("RUSTC_WORKSPACE_WRAPPER=").unwrap();
    assert!(front.starts_with(&*place.0.path("target/offload/with").to_string_lossy()));
    assert_eq!(fs::read_link(front).unwrap(), Path::new(OFFLOAD));
    assert_eq!(
        lines[2..],
        [
            format!("RUSTDOC={OFFLOAD}"),
            format!(
                "CARGO_OFFLOAD_IMAGES={}:{}",
                images[0].display(),
                images[1].display()
            ),
            format!("CARGO_OFFLOAD_NEXT={}", wrapper.display()),
            "OFFLOAD_DEVICES=sm_90,host".to_string(),
            format!("OFFLOAD_TOOLCHAIN={}", place.0.path(FACTS).display()),
        ]
    );
    assert_eq!(
        fs::read_to_string(place.host_image()).unwrap(),
        "image of 1 0f"
    );
    let shown: Vec<_> = err.lines().filter(|line| line.starts_with("+ ")).collect();
    assert_eq!(shown.len(), 3, "{err}");
    assert!(
        shown[2].contains(" CARGO_OFFLOAD_IMAGES=") && shown[2].ends_with("run --release -v -- 7")
    );

    // In a program started by `cargo offload run`, our own place is not a user's wrapper.
    let (again, _) = succeed(
        place
            .offload(&["run", "--device", "sm_90,host"])
            .env("RUSTC_WORKSPACE_WRAPPER", front)
            .env("RUSTDOC", OFFLOAD),
    );
    assert!(
        again.contains(front) && !again.contains("CARGO_OFFLOAD_NEXT"),
        "{again}"
    );
    assert!(!again.contains("CARGO_OFFLOAD_RUSTDOC"), "{again}");
}

fn compilers_of_the_configuration_are_chained() {
    let place = Place::new("config");
    let root = place.0.root().display();
    fs::create_dir(place.0.path("tools")).unwrap();
    symlink(env::current_exe().unwrap(), place.0.path("tools/wrap")).unwrap();
    // From the folder that `.cargo` stands in.
    let origin = format!("# {root}/.cargo/config.toml");
    let config = format!(
        "build.rustc-workspace-wrapper = \"tools/wrap\" {origin}\nbuild.rustdoc = \"my-rustdoc\" {origin}\n"
    );
    let mut command = place.offload(&["build"]);
    let (out, _) = succeed(command.env("FAKE_CONFIG", config));
    assert!(
        out.contains(&format!("CARGO_OFFLOAD_NEXT={root}/tools/wrap\n"))
            && out.contains("CARGO_OFFLOAD_RUSTDOC=my-rustdoc\n"),
        "{out}"
    );
    // rustc too: the one of the environment would be asked first.
    let myself = env::current_exe().unwrap();
    let config = format!(
        "build.rustc = \"{}\" # /p/.cargo/config.toml\n",
        myself.display()
    );
    let mut command = place.offload(&["build"]);
    succeed(command.env_remove("RUSTC").env("FAKE_CONFIG", config));
}

fn a_target_is_what_the_program_is_compiled_for() {
    let place = Place::new("triple");
    let triple = "aarch64-unknown-linux-gnu";
    place.0.file(
        &format!("sysroot/lib/rustlib/{triple}/lib/libcore-0.rlib"),
        "",
    );
    let (out, err) = succeed(&mut place.offload(&["build", "--target", triple]));
    assert!(
        out.starts_with(&format!("args build --release --target {triple}\n")),
        "{out}"
    );
    assert!(
        err.contains(&format!(" --target {triple} --target-dir ")),
        "{err}"
    );
    // As devices were named before `--device` was there.
    let (out, err) = succeed(&mut place.offload(&["build", "--target", "sm_90,host"]));
    assert!(out.starts_with("args build --release\n"), "{out}");
    assert!(
        err.starts_with("note: cargo offload: what kernels are compiled for is named with `--device sm_90,host`;"),
        "{err}"
    );
}

fn the_folder_is_another_one() {
    let place = Place::new("folder");
    let folder = place.0.path("home");
    let name = folder.to_string_lossy();
    for args in [&["-C", &name, "fetch"][..], &["build", "-C", &name, "-rv"]] {
        let (out, _) = succeed(place.offload(args).env("FAKE_WHERE", "1"));
        let line = format!("in {}", folder.canonicalize().unwrap().display());
        assert!(
            out.lines().any(|found| found == line) && !out.contains("-C"),
            "{out}"
        );
    }
}

fn autodiff_reaches_both_passes() {
    let place = Place::new("autodiff");
    let enzyme = "sysroot/lib/rustlib/x86_64-unknown-linux-gnu/lib/libEnzyme-22.so";
    let err = fails(&mut place.offload(&["build", "--autodiff"]));
    assert!(err.contains("rustc's Enzyme library is missing"), "{err}");
    fs::write(place.0.path(enzyme), "").unwrap();
    let (out, err) = succeed(&mut place.offload(&["build", "--autodiff"]));
    assert!(
        err.contains(" -Cpanic=abort -Zautodiff=Enable -Cdebuginfo=line-directives-only\n"),
        "{err}"
    );
    for line in [
        "CARGO_OFFLOAD_AUTODIFF=1",
        "CARGO_PROFILE_RELEASE_LTO=fat",
        "CARGO_INCREMENTAL=0",
    ] {
        assert!(out.lines().any(|found| found == line), "{out}");
    }
}

fn a_failed_pass_ends_it() {
    let place = Place::new("failed");
    let err = fails(place.offload(&["run"]).env("FAKE_CODE", "wrong"));
    assert!(
        err.contains(
            "error: could not compile\nerror: cargo offload: the kernels do not compile for host\n  why: cargo, which \
             said why above, ended with exit status: 101\n"
        ),
        "{err}"
    );
    // The exit code of the program is passed on.
    assert_eq!(run(place.offload(&["run"]).env("FAKE_EXIT", "42")).0, 42);
}

fn plain_commands_get_nothing() {
    let (out, err) = succeed(&mut Place::new("plain").offload(&["fetch", "--locked"]));
    assert_eq!((&*out, &*err), ("args fetch --locked\n", ""));
}

fn packages_go_to_the_workspace() {
    let place = Place::new("home");
    for args in [&["fetch"][..], &["build"]] {
        let (out, err) = succeed(place.offload(args).env("HOME", "/proc"));
        let home = place.0.path(".cargo-home");
        assert!(
            out.contains(&format!("CARGO_HOME={}\n", home.display())),
            "{out}"
        );
        assert!(
            err.starts_with("note: cargo offload: no CARGO_HOME"),
            "{err}"
        );
    }
}

fn help_and_version() {
    let (version, _) = succeed(tool(OFFLOAD).args(["offload", "--version"]));
    assert_eq!(
        version,
        format!("cargo-offload {}\n", env!("CARGO_PKG_VERSION"))
    );
    for args in [&["offload", "--help"][..], &["--help"], &[]] {
        let (help, _) = succeed(tool(OFFLOAD).args(args));
        assert!(help.contains("Usage: cargo offload COMMAND"), "{help}");
    }
}
