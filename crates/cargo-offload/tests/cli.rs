//! The executables, with this test program standing in for cargo, rustc and the linkers: it prints how it was called.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

use fakes::{
    HOST, Place as Folder, fail, failure as fails, output as run, success as succeed, told, tool,
};

const OFFLOAD: &str = env!("CARGO_BIN_EXE_cargo-offload");
const LINKER: &str = env!("CARGO_BIN_EXE_offload-linker");
const SHOWN: &[&str] = &[
    "RUSTC_BOOTSTRAP",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTDOC",
    "RUSTFLAGS",
    "CARGO_OFFLOAD_IMAGES",
    "CARGO_OFFLOAD_AUTODIFF",
    "CARGO_OFFLOAD_NEXT",
    "CARGO_OFFLOAD_RUSTDOC",
    "CARGO_PROFILE_RELEASE_LTO",
    "CARGO_INCREMENTAL",
    "CARGO_HOME",
    "OFFLOAD_LINKER_CC",
    "OFFLOAD_DEVICES",
    "OFFLOAD_TOOLCHAIN",
];

fn main() {
    let tests: &[(&str, fn())] = &[
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
        (
            "build scripts see no unlocking",
            build_scripts_see_no_unlocking,
        ),
        (
            "images follow what cargo made",
            images_follow_what_cargo_made,
        ),
        (
            "images of libraries that are gone go",
            images_of_libraries_that_are_gone_go,
        ),
        (
            "a lost image is compiled again",
            a_lost_image_is_compiled_again,
        ),
        ("autodiff reaches both passes", autodiff_reaches_both_passes),
        ("a failed pass ends it", a_failed_pass_ends_it),
        ("missing things are named", missing_things_are_named),
        ("plain commands get nothing", plain_commands_get_nothing),
        ("packages go to the workspace", packages_go_to_the_workspace),
        ("members get the flags", members_get_the_flags),
        (
            "errors of Enzyme are rustc's in both passes",
            errors_of_enzyme_are_rustcs_in_both_passes,
        ),
        (
            "others are passed on untouched",
            others_are_passed_on_untouched,
        ),
        (
            "the linker keeps the command line",
            the_linker_keeps_the_command_line,
        ),
        (
            "the linker takes the ptx that devices need",
            the_linker_takes_the_ptx_that_devices_need,
        ),
        ("a missing linker is named", a_missing_linker_is_named),
        ("help and version", help_and_version),
    ];
    fakes::run(SHOWN, answer, tests);
}

/// Answers where `cargo offload` alone asks cargo and rustc, and compiles kernels as cargo does.
fn answer(args: &[&str]) {
    match args {
        ["metadata", ..] => match env::var("FAKE_METADATA") {
            Ok(metadata) => println!("{metadata}"),
            Err(_) => fakes::no_project(),
        },
        ["-Zunstable-options", "-Zoffload=Device", ..] if told("FAKE_STABLE") == "1" => fail(
            "error: the option `Z` is only accepted on the nightly compiler",
            1,
        ),
        ["-Zunstable-options", "-Zoffload=Device", ..] => println!("rustc 1.96.0"),
        ["rustc", ..] => compile(args),
        ["--crate-name", "k", ..] if args.contains(&"-Zoffload=Device") => compile_kernels(args),
        // A wrapper of the user, which starts the rustc that it is given.
        [_, "--crate-name", "k", ..] if args.contains(&"-Zoffload=Device") => {
            compile_kernels(&args[1..]);
        }
        _ => return,
    }
    process::exit(0)
}

/// The value that follows an option.
fn after<'a>(args: &[&'a str], option: &str) -> &'a str {
    let at = args.iter().position(|arg| *arg == option).unwrap();
    args[at + 1]
}

/// cargo in a device pass. `FAKE_HASH` stands for features and flags: each has a library of its own, which is compiled
/// where it is not there, or where the code is another one (`FAKE_CODE`).
fn compile(args: &[&str]) {
    eprintln!("pass {}", args.join(" "));
    for name in [
        "RUSTFLAGS",
        "CARGO_TARGET_NVPTX64_NVIDIA_CUDA_RUSTFLAGS",
        "CARGO_PROFILE_RELEASE_LTO",
        "RUSTC_BOOTSTRAP",
    ] {
        if let Ok(value) = env::var(name) {
            eprintln!("{name}={value}");
        }
    }
    let code = env::var("FAKE_CODE").unwrap_or_else(|_| "1".to_string());
    let hash = env::var("FAKE_HASH").unwrap_or_else(|_| "0f".to_string());
    let results = PathBuf::from(after(args, "--target-dir"))
        .join(after(args, "--target"))
        .join("release");
    let deps = results.join("deps");
    fs::create_dir_all(&deps).unwrap();
    let library = deps.join(format!("libk-{hash}.a"));
    let fresh = fs::read_to_string(&library).is_ok_and(|there| there == format!("{code} {hash}"));
    if !fresh {
        let mut rustc = Command::new(env::var_os("RUSTC_WORKSPACE_WRAPPER").unwrap());
        rustc
            .arg(env::var_os("RUSTC").unwrap())
            .args(["--crate-name", "k", "--crate-type", "staticlib"])
            .args(["-C", &format!("extra-filename=-{hash}"), "--out-dir"])
            .arg(&deps)
            .args(["--error-format=json", "--emit=link", "-Zoffload=Device"])
            .env("CARGO_CRATE_NAME", "k");
        if args.contains(&"-Zautodiff=Enable") {
            rustc.arg("-Zautodiff=Enable");
        }
        if !rustc.status().unwrap().success() {
            fail("error: could not compile", 101);
        }
    }
    let uplifted = results.join("libk.a");
    let _ = fs::remove_file(&uplifted);
    fs::hard_link(&library, &uplifted).unwrap();
    println!(
        r#"{{"reason":"compiler-artifact","target":{{"crate_types":["staticlib"]}},"filenames":["{}"],"fresh":{fresh}}}"#,
        uplifted.display()
    );
}

/// rustc in a device pass: the image is always the same file. Code that is wrong gives one too, and an error.
fn compile_kernels(args: &[&str]) {
    let deps = PathBuf::from(after(args, "--out-dir"));
    let hash = after(args, "-C").strip_prefix("extra-filename=-").unwrap();
    let code = env::var("FAKE_CODE").unwrap_or_else(|_| "1".to_string());
    if let Ok(says) = env::var("FAKE_SAYS") {
        fail(&says, 101);
    }
    if code != "none" {
        fs::write(deps.join("host.out"), format!("image of {code} {hash}")).unwrap();
    }
    if code == "wrong" {
        process::exit(1);
    }
    fs::write(
        deps.join(format!("libk-{hash}.a")),
        format!("{code} {hash}"),
    )
    .unwrap();
}

const FACTS: &str = "sysroot/share/holoenzyme/toolchain.json";
const FACTS_TEXT: &str = r#"{"schema": 1, "llvm": {"major": "22", "folder": "/nowhere/llvm-22"},
    "triples": {"cuda": "nvptx64-nvidia-cuda", "rocm": "amdgcn-amd-amdhsa", "host_device": "amd64-pc-linux-gnu"},
    "core": {"amdgcn-amd-amdhsa": "gfx90a"}, "ptx": {"sm_80": 70, "sm_90": 78, "sm_100": 86}}"#;

/// A workspace, and a sysroot with (empty) core libraries.
struct Place(Folder);

impl Place {
    fn new(name: &str) -> Self {
        let folder = Folder::new(name, &["ptxas", "nvlink", "lld"]);
        for triple in [HOST, "nvptx64-nvidia-cuda"] {
            folder.file(
                &format!("sysroot/lib/rustlib/{triple}/lib/libcore-0.rlib"),
                "",
            );
        }
        folder.file(FACTS, FACTS_TEXT);
        Self(folder)
    }

    /// `cargo offload ARGS` in it.
    fn offload(&self, args: &[&str]) -> Command {
        let root = self.0.root().display();
        let metadata = format!(
            r#"{{"packages":[{{"name":"k","manifest_path":"{root}/Cargo.toml","targets":[{{"kind":["lib"]}},{{"kind":["bin"]}}]}},
               {{"name":"app","manifest_path":"/app/Cargo.toml","targets":[{{"kind":["bin"]}}]}}],
               "workspace_root":"{root}","target_directory":"{root}/target"}}"#
        );
        let mut command = self.0.command(OFFLOAD, &[&["offload"][..], args].concat());
        command.env("FAKE_METADATA", metadata.replace('\n', ""));
        command
    }

    fn image(&self, target: &str, triple: &str) -> PathBuf {
        self.0
            .path("target/offload/k")
            .join(target)
            .join(triple)
            .join(format!("release/{target}.out"))
    }

    /// The images that are kept for the host, by name.
    fn images(&self) -> Vec<String> {
        let deps = self.host_image().with_file_name("deps");
        let mut names: Vec<_> = fs::read_dir(deps)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|name| Path::new(name).extension() == Some(OsStr::new("out")))
            .collect();
        names.sort();
        names
    }

    fn host_image(&self) -> PathBuf {
        self.image("host", "x86_64-unknown-linux-gnu")
    }
}

fn a_device_is_a_pass() {
    let place = Place::new("pass");
    let mut command = place.offload(&["build", "--device", "host,sm_90", "--locked"]);
    let (_, err) = succeed(command.env("RUSTFLAGS", "-Ctarget-cpu=native"));
    let folder = place.0.path("target/offload/k");
    let pass = |target: &str, triple: &str| {
        format!(
            "pass rustc --locked --release --package k --lib --crate-type staticlib --target {triple} --target-dir {} \
             --message-format json-render-diagnostics -- -Zoffload=Device -Zunstable-options -Clto=fat -Copt-level=3 -Cpanic=abort\n",
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

/// Compiling `core` needs an unstable option of cargo, which build scripts of dependencies are not to know of.
fn build_scripts_see_no_unlocking() {
    let place = Place::new("unlock");
    place.0.file("sysroot/share/holoenzyme/build-std.toml", "");
    let (out, err) = succeed(&mut place.offload(&["build", "--device", "gfx942"]));
    assert!(err.contains(" -Zbuild-std=core "), "{err}");
    assert!(
        !err.contains("RUSTC_BOOTSTRAP") && !out.contains("RUSTC_BOOTSTRAP"),
        "{out}{err}"
    );
}

fn images_follow_what_cargo_made() {
    let place = Place::new("follow");
    let mut compiled = 0;
    for (code, hash, is_new) in [
        ("1", "a", true),
        ("2", "a", true),
        ("2", "b", true),
        ("2", "a", false),
        ("1", "b", true),
        ("1", "b", false),
    ] {
        let mut command = place.offload(&["build"]);
        command.env("FAKE_CODE", code).env("FAKE_HASH", hash);
        succeed(&mut command);
        let image = fs::read_to_string(place.host_image()).unwrap();
        assert_eq!(image, format!("image of {code} {hash}"));
        compiled += usize::from(is_new);
    }
    assert_eq!(compiled, 4);
    assert_eq!(place.images(), ["k-a.out", "k-b.out"]);
}

fn images_of_libraries_that_are_gone_go() {
    let place = Place::new("collect");
    for hash in ["a", "b"] {
        succeed(place.offload(&["build"]).env("FAKE_HASH", hash));
    }
    let deps = place.host_image().with_file_name("deps");
    // As images were told before, and as a library of another set of features that was removed.
    fs::write(deps.join("image-1f-2e-3d.out"), "").unwrap();
    fs::remove_file(deps.join("libk-a.a")).unwrap();
    succeed(place.offload(&["build"]).env("FAKE_HASH", "b"));
    assert_eq!(place.images(), ["k-b.out"]);
}

fn a_lost_image_is_compiled_again() {
    let place = Place::new("lost");
    succeed(&mut place.offload(&["build"]));
    let deps = place.host_image().with_file_name("deps");
    fs::remove_file(deps.join("k-0f.out")).unwrap();
    let (_, err) = succeed(&mut place.offload(&["build"]));
    assert_eq!(err.matches("pass rustc").count(), 2, "{err}");
    assert_eq!(
        fs::read_to_string(place.host_image()).unwrap(),
        "image of 1 0f"
    );
    // One of a compilation that failed is none, and neither is the one before it.
    fails(place.offload(&["build"]).env("FAKE_CODE", "wrong"));
    assert_eq!(place.images(), ["host.out"]);
    let (_, err) = succeed(&mut place.offload(&["build"]));
    assert_eq!(err.matches("pass rustc").count(), 2, "{err}");
    assert_eq!(place.images(), ["k-0f.out"]);
    let err = fails(place.offload(&["build"]).env("FAKE_CODE", "none"));
    assert!(err.contains("there is no image for host"), "{err}");
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

fn missing_things_are_named() {
    let place = Place::new("missing");
    let err = fails(&mut place.offload(&["build", "--device", "gfx90a"]));
    assert!(
        err.contains("the core library for gfx90a is missing"),
        "{err}"
    );
    assert!(err.contains("rustlib/amdgcn-amd-amdhsa/lib"), "{err}");
    // Where cargo can compile it, it does; code for one processor of AMD's is none for another.
    let library = place.0.path("sysroot/lib/rustlib/amdgcn-amd-amdhsa/lib");
    fs::create_dir_all(&library).unwrap();
    fs::write(library.join("libcore-0.rlib"), "").unwrap();
    let err = fails(&mut place.offload(&["build", "--device", "gfx942"]));
    assert!(err.contains("is compiled for gfx90a\n"), "{err}");
    place.0.file("sysroot/share/holoenzyme/build-std.toml", "");
    let (_, err) = succeed(&mut place.offload(&["build", "--device", "gfx942"]));
    assert!(
        err.contains("build-std.toml -Zbuild-std=core --release"),
        "{err}"
    );
    let (_, err) = succeed(&mut place.offload(&["build", "--device", "gfx90a"]));
    assert!(!err.contains("-Zbuild-std"), "{err}");
    let err = fails(&mut place.offload(&["build", "--device", "mi300"]));
    assert!(
        err.contains("unknown device `mi300`") && err.contains("gfx90a"),
        "{err}"
    );
    let err = fails(&mut place.offload(&["build", "--device", "sm_35"]));
    assert!(
        err.contains("which version of PTX has sm_35 is not known\n  why: this toolchain knows: sm_100, sm_80, sm_90\n"),
        "{err}"
    );
    fs::remove_file(place.0.path("bin/nvlink")).unwrap();
    let err = fails(&mut place.offload(&["build", "--device", "sm_90"]));
    assert!(
        err.contains("nvlink to link code for sm_90 is missing"),
        "{err}"
    );
    fs::remove_file(place.0.path("bin/ptxas")).unwrap();
    let err = fails(&mut place.offload(&["build", "--device", "sm_90"]));
    assert!(
        err.contains("ptxas and nvlink to link code for sm_90"),
        "{err}"
    );
    let err = fails(&mut place.offload(&["build", "-p", "app"]));
    assert!(err.contains("package `app` has no library"), "{err}");
    assert!(err.contains("packages with one: k\n"), "{err}");
    let err = fails(
        place
            .offload(&["build"])
            .env("OFFLOAD_TOOLCHAIN", "/nowhere/facts"),
    );
    assert!(
        err.contains("what this toolchain has is not known\n  why: /nowhere/facts: "),
        "{err}"
    );
    let err = fails(place.offload(&["build"]).env("FAKE_STABLE", "1"));
    assert!(err.contains("this rustc does not offload"), "{err}");
    let err = fails(place.offload(&["build"]).env_remove("FAKE_METADATA"));
    assert!(err.contains("no cargo project was found"), "{err}");
    let err = fails(place.offload(&["build"]).env("CARGO", "/nowhere/cargo"));
    assert!(
        err.contains("`/nowhere/cargo` could not be started"),
        "{err}"
    );
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
    kernels.env("CARGO_OFFLOAD_KERNELS", "1");
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
        .env("CARGO_OFFLOAD_KERNELS", "1")
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
