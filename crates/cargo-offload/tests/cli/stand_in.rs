//! What `cargo offload` alone asks cargo and rustc, and the world's answers.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{self, Command};

use fakes::{fail, told};

/// Answers where `cargo offload` alone asks cargo and rustc, and compiles kernels as cargo does.
pub fn answer(args: &[&str]) {
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
        ["-Zunstable-options", "-Zbuild-std=core,alloc", "-C", ..] => compile_core(args),
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

/// Says on stderr which of these environment variables are set.
fn note(names: &[&str]) {
    for name in names {
        if let Ok(value) = env::var(name) {
            eprintln!("{name}={value}");
        }
    }
}

/// cargo where it compiles `core`.
fn compile_core(args: &[&str]) {
    eprintln!("core {}", args.join(" "));
    note(&["RUSTC_BOOTSTRAP"]);
    if env::var_os("FAKE_CORE").is_some() {
        fail("error: no such processor", 101);
    }
    for name in ["compiler_builtins", "alloc", "core"] {
        println!(
            r#"{{"reason":"compiler-artifact","target":{{"kind":["lib"],"name":"{name}"}},"filenames":["/a b/lib{name}-0.rlib"]}}"#
        );
    }
}

/// cargo in a device pass. `FAKE_HASH` stands for features and flags: each has a library of its own, which is compiled
/// where it is not there, or where the code is another one (`FAKE_CODE`).
fn compile(args: &[&str]) {
    eprintln!("pass {}", args.join(" "));
    note(&[
        "RUSTFLAGS",
        "CARGO_TARGET_NVPTX64_NVIDIA_CUDA_RUSTFLAGS",
        "CARGO_PROFILE_RELEASE_LTO",
        "RUSTC_BOOTSTRAP",
    ]);
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

/// An image in LLVM's form, with no strings and nothing in it.
fn binary() -> Vec<u8> {
    let mut bytes = vec![0x10, 0xff, 0x10, 0xad, 1, 0, 0, 0];
    for number in [72_u64, 32, 40, 0, 72, 0, 72, 0] {
        bytes.extend(number.to_le_bytes());
    }
    bytes
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
        let image = match code.as_str() {
            "image" => binary(),
            _ => format!("image of {code} {hash}").into(),
        };
        let name = env::var("CARGO_OFFLOAD_KERNELS").unwrap();
        fs::write(deps.join(name), image).unwrap();
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
