//! What a device needs, and what is said where that is missing.

use std::fs;

use fakes::{Test, failure as fails, success as succeed};

use crate::place::Place;

/// The tests.
pub const TESTS: &[Test] = &[
    (
        "build scripts see no unlocking",
        build_scripts_see_no_unlocking,
    ),
    ("missing things are named", missing_things_are_named),
];

/// Compiling `core` needs an unstable option of cargo, which build scripts of dependencies are not to know of.
fn build_scripts_see_no_unlocking() {
    let place = Place::new("unlock");
    place.add_sources();
    let (out, err) = succeed(&mut place.offload(&["build", "--device", "gfx942"]));
    let (core, kernels) = err.split_once("pass ").unwrap();
    assert!(
        core.contains(" -Zbuild-std=core,alloc ") && core.ends_with("\nRUSTC_BOOTSTRAP=1\n"),
        "{err}"
    );
    assert!(
        !kernels.contains("RUSTC_BOOTSTRAP") && !out.contains("RUSTC_BOOTSTRAP"),
        "{out}{err}"
    );
    assert!(
        kernels.contains(
            r#"rustflags=["-Zunstable-options","-Ldependency=/a b","--extern=noprelude:compiler_builtins=/a b/"#
        ),
        "{err}"
    );
    let err = fails(
        place
            .offload(&["build", "--device", "gfx942"])
            .env("FAKE_CORE", "wrong"),
    );
    assert!(
        err.contains("error: no such processor\nerror: cargo offload: the core library for gfx942 does not compile\n"),
        "{err}"
    );
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
    place.add_sources();
    let (_, err) = succeed(&mut place.offload(&["build", "--device", "gfx942"]));
    assert!(err.contains("-Zbuild-std"), "{err}");
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
