//! The executable, with this test program standing in for cargo and rustc: it prints how it was called.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::process::Command;

use fakes::{Place as Folder, failure, output as run, success, tool};

const AUTODIFF: &str = env!("CARGO_BIN_EXE_cargo-autodiff");
const SHOWN: &[&str] = &[
    "RUSTC_BOOTSTRAP",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "CARGO_AUTODIFF_WRAPS",
    "CARGO_AUTODIFF_NEXT",
    "CARGO_AUTODIFF_RUSTDOC",
    "CARGO_AUTODIFF_EXPANDS",
    "CARGO_PROFILE_RELEASE_LTO",
    "CARGO_PROFILE_DEV_LTO",
    "CARGO_INCREMENTAL",
    "CARGO_HOME",
    "CARGO_AUTODIFF_DOCTEST",
    "ENZYME_ERRORS",
];

fn main() {
    let tests: &[(&str, fn())] = &[
        ("cargo gets the environment", cargo_gets_the_environment),
        ("dev names its own profile", dev_names_its_own_profile),
        (
            "clippy gets the other wrapper",
            clippy_gets_the_other_wrapper,
        ),
        ("plain commands get nothing", plain_commands_get_nothing),
        ("other lto is told", other_lto_is_told),
        (
            "a wrapper of the user is chained",
            a_wrapper_of_the_user_is_chained,
        ),
        ("the folder is another one", the_folder_is_another_one),
        ("the exit code is cargo's", the_exit_code_is_cargos),
        ("packages go to the workspace", packages_go_to_the_workspace),
        ("missing things are named", missing_things_are_named),
        (
            "members are compiled with the flag",
            members_are_compiled_with_the_flag,
        ),
        (
            "doctests are compiled through us",
            doctests_are_compiled_through_us,
        ),
        (
            "a probe is passed on untouched",
            a_probe_is_passed_on_untouched,
        ),
        (
            "a failure without lto is explained",
            a_failure_without_lto_is_explained,
        ),
        ("help and version", help_and_version),
    ];
    fakes::run(SHOWN, |_| (), tests);
}

/// A workspace and a sysroot with an (empty) Enzyme library.
struct Place(Folder);

const ENZYME: &str = "sysroot/lib/rustlib/x86_64-unknown-linux-gnu/lib/libEnzyme-22.so";

impl Place {
    fn new(name: &str) -> Self {
        let folder = Folder::new(name, &["cargo-clippy"]);
        folder.file(ENZYME, "");
        Self(folder)
    }

    /// `cargo autodiff ARGS` in it.
    fn autodiff(&self, args: &[&str]) -> Command {
        self.0
            .command(AUTODIFF, &[&["autodiff"][..], args].concat())
    }
}

/// Runs it to its end without a word on stderr, and gives what it prints.
fn succeed(command: &mut Command) -> String {
    let (out, err) = success(command);
    assert_eq!(err, "", "{out}");
    out
}

fn cargo_gets_the_environment() {
    let place = Place::new("build");
    let out = succeed(&mut place.autodiff(&["build", "--lib"]));
    assert_eq!(
        out,
        format!(
            "args build --release --lib\nRUSTC_WORKSPACE_WRAPPER={AUTODIFF}\nRUSTDOC={AUTODIFF}\n\
             CARGO_AUTODIFF_WRAPS=rustc\nCARGO_AUTODIFF_EXPANDS=1\nCARGO_PROFILE_RELEASE_LTO=fat\n\
             CARGO_INCREMENTAL=0\n"
        )
    );
    // A compiler of ours hands on everything.
    let mut patched = place.autodiff(&["build"]);
    let out = succeed(patched.env("FAKE_VERSION", "rustc 1.96.0 (holoenzyme)"));
    assert!(!out.contains("CARGO_AUTODIFF_EXPANDS"), "{out}");
}

fn dev_names_its_own_profile() {
    let out = succeed(&mut Place::new("dev").autodiff(&["build", "--dev"]));
    assert!(out.starts_with("args build\n"), "{out}");
    assert!(
        out.contains("CARGO_PROFILE_DEV_LTO=fat\n") && !out.contains("CARGO_PROFILE_RELEASE_LTO"),
        "{out}"
    );
}

fn clippy_gets_the_other_wrapper() {
    let out = succeed(&mut Place::new("clippy").autodiff(&["clippy", "--", "-D", "warnings"]));
    assert!(out.starts_with("args clippy -- -D warnings\n"), "{out}");
    assert!(
        out.contains(&format!("\nRUSTC_WRAPPER={AUTODIFF}\n")),
        "{out}"
    );
    assert!(
        !out.contains("RUSTC_WORKSPACE_WRAPPER") && !out.contains("LTO"),
        "{out}"
    );
}

fn plain_commands_get_nothing() {
    assert_eq!(
        succeed(&mut Place::new("fetch").autodiff(&["fetch", "--locked"])),
        "args fetch --locked\n"
    );
}

fn other_lto_is_told() {
    let place = Place::new("lto");
    place
        .0
        .file("Cargo.toml", "[profile.release]\nlto = \"off\"\n");
    let (code, _, err) = run(&mut place.autodiff(&["build"]));
    assert_eq!(code, 0);
    assert!(
        err.starts_with("note: cargo autodiff: lto = \"off\" for profile `release` in "),
        "{err}"
    );
    assert_eq!(err.lines().count(), 1);
    let (_, out, err) = run(place
        .autodiff(&["build", "--dev"])
        .env("CARGO_PROFILE_DEV_LTO", "off"));
    assert!(
        err.contains("CARGO_PROFILE_DEV_LTO=off is overridden"),
        "{err}"
    );
    assert!(out.contains("CARGO_PROFILE_DEV_LTO=fat\n"));
}

fn a_wrapper_of_the_user_is_chained() {
    let place = Place::new("chain");
    let out = succeed(
        place
            .autodiff(&["check"])
            .env("RUSTC_WORKSPACE_WRAPPER", "sccache"),
    );
    assert!(out.contains("CARGO_AUTODIFF_NEXT=sccache\n"), "{out}");
    // In a program started by `cargo autodiff run`, our own place is not a user's wrapper.
    let out = succeed(
        place
            .autodiff(&["check"])
            .env("RUSTC_WORKSPACE_WRAPPER", AUTODIFF),
    );
    assert!(!out.contains("CARGO_AUTODIFF_NEXT"), "{out}");
    // One that the configuration names, from the folder that its `.cargo` stands in.
    let config = "build.rustc-workspace-wrapper = \"tools/wrap\" # /p/.cargo/config.toml\n\
                  build.rustdoc = \"my-rustdoc\" # /p/.cargo/config.toml\n";
    let out = succeed(place.autodiff(&["check"]).env("FAKE_CONFIG", config));
    assert!(
        out.contains("CARGO_AUTODIFF_NEXT=/p/tools/wrap\n")
            && out.contains("CARGO_AUTODIFF_RUSTDOC=my-rustdoc\n"),
        "{out}"
    );
    let out = succeed(
        place
            .autodiff(&["check"])
            .env("CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER", "env-wrap")
            .env("FAKE_CONFIG", config),
    );
    assert!(out.contains("CARGO_AUTODIFF_NEXT=env-wrap\n"), "{out}");
}

fn the_folder_is_another_one() {
    let place = Place::new("folder");
    let folder = place.0.path("home");
    let args = ["build", "-C", &folder.to_string_lossy(), "-rv"];
    let out = succeed(place.autodiff(&args).env("FAKE_WHERE", "1"));
    assert!(
        out.starts_with(&format!(
            "args build -r -v\nin {}\n",
            folder.canonicalize().unwrap().display()
        )),
        "{out}"
    );
    let err = failure(&mut place.autodiff(&["-C", "/nowhere", "build"]));
    assert!(
        err.contains("-C /nowhere: there is no such folder"),
        "{err}"
    );
}

fn the_exit_code_is_cargos() {
    let place = Place::new("exit");
    for args in [&["tree"][..], &["build"], &["clippy"]] {
        assert_eq!(run(place.autodiff(args).env("FAKE_EXIT", "42")).0, 42);
    }
    let mut wrapped = wrapper(Some("member"), &["--crate-name", "member"]);
    assert_eq!(run(wrapped.env("FAKE_EXIT", "42")).0, 42);
}

fn packages_go_to_the_workspace() {
    let place = Place::new("home");
    for home in ["/proc", "/dev/null"] {
        let (code, out, err) = run(place.autodiff(&["fetch"]).env("HOME", home));
        assert_eq!(code, 0, "{err}");
        let expected = place.0.path(".cargo-home");
        assert_eq!(
            out,
            format!("args fetch\nCARGO_HOME={}\n", expected.display())
        );
        assert!(
            err.ends_with(&format!("packages are kept in {}\n", expected.display())),
            "{err}"
        );
        assert_eq!(
            fs::read_to_string(expected.join(".gitignore")).unwrap(),
            "*\n"
        );
    }
    let out = succeed(
        place
            .autodiff(&["fetch"])
            .env("HOME", "/proc")
            .env("CARGO_HOME", "/elsewhere"),
    );
    assert_eq!(out, "args fetch\nCARGO_HOME=/elsewhere\n");
    assert!(
        place.0.path("home").read_dir().unwrap().next().is_none(),
        "nothing was asked of this home"
    );
    succeed(&mut place.autodiff(&["fetch"]));
    assert!(place.0.path("home/.cargo").is_dir());
}

fn missing_things_are_named() {
    let place = Place::new("missing");
    let library = place.0.path(ENZYME);
    fs::remove_file(&library).unwrap();
    let err = failure(&mut place.autodiff(&["build"]));
    assert!(
        err.starts_with("error: cargo autodiff: rustc's Enzyme library is missing\n"),
        "{err}"
    );
    assert!(err.contains(&library.display().to_string()), "{err}");
    let err = failure(place.autodiff(&["build"]).env("CARGO", "/nowhere/cargo"));
    assert!(
        err.contains(
            "`/nowhere/cargo` could not be started\n  why: there is no such program on PATH"
        ),
        "{err}"
    );
    let err = failure(place.autodiff(&["build"]).env_remove("FAKE_MANIFEST"));
    assert!(
        err.contains("no cargo project was found\n  why: cargo says: could not find `Cargo.toml`"),
        "{err}"
    );
    let err = failure(place.autodiff(&["clippy"]).env("PATH", "/nowhere"));
    assert!(
        err.contains("clippy is not here\n  why: there is no cargo-clippy on PATH."),
        "{err}"
    );
    let err = failure(&mut place.autodiff(&["biuld"]));
    assert!(
        err.contains("did you mean `cargo autodiff build`?"),
        "{err}"
    );
}

/// Ourselves in front of a fake rustc, as cargo starts us.
fn wrapper(crate_name: Option<&str>, args: &[&str]) -> Command {
    let mut command = tool(AUTODIFF);
    command.env("CARGO_AUTODIFF_WRAPS", "rustc");
    if let Some(name) = crate_name {
        command.env("CARGO_CRATE_NAME", name);
    }
    command.arg(env::current_exe().unwrap()).args(args);
    command
}

fn members_are_compiled_with_the_flag() {
    let given = ["--crate-name", "member", "--error-format=json"];
    let args = |more: &[&'static str]| [&given[..], more].concat();
    let flags = |more: &[&'static str]| {
        let out = succeed(&mut wrapper(Some("member"), &args(more)));
        let line = out.lines().next().unwrap().to_string();
        let ours = line
            .strip_prefix(&format!("args {}", args(more).join(" ")))
            .map(String::from);
        ours.unwrap_or(line)
    };
    let release = ["-C", "opt-level=3", "-C", "strip=debuginfo"];
    assert_eq!(
        flags(&release),
        " -Zautodiff=Enable -Cdebuginfo=line-tables-only"
    );
    assert_eq!(
        flags(&["-C", "debuginfo=2"]),
        " -Zautodiff=Enable -Copt-level=3 -Cdebug-assertions=on"
    );
    let out = succeed(&mut wrapper(Some("member"), &args(&release)));
    assert!(
        out.ends_with("\nRUSTC_BOOTSTRAP=1\nCARGO_AUTODIFF_WRAPS=rustc\nENZYME_ERRORS=json\n"),
        "{out}"
    );
    // With a wrapper of the user, that one is started, and told which rustc to use.
    let me = env::current_exe().unwrap();
    let out = succeed(wrapper(Some("member"), &given).env("CARGO_AUTODIFF_NEXT", &me));
    assert!(
        out.starts_with(&format!("args {} --crate-name member", me.display())),
        "{out}"
    );
    // A look generates nothing, so nothing can fail there: we become rustc.
    let out = succeed(&mut wrapper(
        Some("member"),
        &args(&["--emit=dep-info,metadata"]),
    ));
    assert!(!out.contains("ENZYME_ERRORS"), "{out}");
}

fn doctests_are_compiled_through_us() {
    let line = "--crate-name member --test --edition=2024 -L dependency=/w/target/release/deps";
    let args: Vec<_> = line.split(' ').collect();
    let mut rustdoc = tool(AUTODIFF);
    rustdoc
        .env("CARGO_AUTODIFF_WRAPS", "rustc")
        .env("CARGO_CRATE_NAME", "member");
    rustdoc
        .env("CARGO_AUTODIFF_RUSTDOC", env::current_exe().unwrap())
        .args(&args);
    let out = succeed(&mut rustdoc);
    assert_eq!(
        out.lines().next().unwrap(),
        format!(
            "args {line} -Zautodiff=Enable -Copt-level=3 -Cdebug-assertions=on -Cdebuginfo=line-tables-only \
             -Cstrip=debuginfo -Zunstable-options --test-builder-wrapper {AUTODIFF}"
        )
    );
    assert!(
        out.contains("\nCARGO_AUTODIFF_DOCTEST=/w/target/release/enzyme\n"),
        "{out}"
    );

    let mut rustc = wrapper(Some("member"), &["--crate-type=bin", "-o", "x", "-"]);
    let out = succeed(rustc.env("CARGO_AUTODIFF_DOCTEST", "/w/target/release/enzyme"));
    assert_eq!(
        out.lines().next(),
        Some("args --crate-type=bin -o x - --error-format=json")
    );
    assert!(out.contains("\nENZYME_ERRORS=json\n"), "{out}");
}

fn a_probe_is_passed_on_untouched() {
    for (name, args) in [
        (None, &["--crate-name", "anyhow", "--emit=metadata"][..]),
        (
            Some("member"),
            &["--crate-name", "probe0", "--crate-type=lib"],
        ),
        (
            Some("build_script_build"),
            &["--crate-name", "build_script_build", "--crate-type", "bin"],
        ),
        (
            Some("macros"),
            &["--crate-name", "macros", "--crate-type", "proc-macro"],
        ),
    ] {
        let out = succeed(&mut wrapper(name, args));
        assert_eq!(
            out,
            format!("args {}\nCARGO_AUTODIFF_WRAPS=rustc\n", args.join(" "))
        );
    }
}

fn a_failure_without_lto_is_explained() {
    let args = ["--crate-name", "member", "--emit=dep-info,metadata,link"];
    let (code, _, err) = run(wrapper(Some("member"), &args).env("FAKE_EXIT", "1"));
    assert_eq!(code, 1);
    assert!(
        err.starts_with("note: cargo autodiff: `member` is compiled without LTO here"),
        "{err}"
    );
    let with_lto = [&args[..], &["-C", "lto=fat"]].concat();
    let (code, _, err) = run(wrapper(Some("member"), &with_lto).env("FAKE_EXIT", "1"));
    assert_eq!((code, err.as_str()), (1, ""));
}

fn help_and_version() {
    let version = succeed(tool(AUTODIFF).args(["autodiff", "--version"]));
    assert_eq!(
        version,
        format!("cargo-autodiff {}\n", env!("CARGO_PKG_VERSION"))
    );
    for args in [&["autodiff", "--help"][..], &["--help"], &[]] {
        let help = succeed(tool(AUTODIFF).args(args.iter().map(OsStr::new)));
        assert!(help.contains("Usage: cargo autodiff COMMAND"), "{help}");
    }
}
