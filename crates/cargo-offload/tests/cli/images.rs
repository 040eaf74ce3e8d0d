//! Which image a program is linked with, and which are kept.

use std::fs;

use fakes::{Test, failure as fails, success as succeed};

use crate::place::{FACTS, FACTS_TEXT, Place};

/// The tests.
pub const TESTS: &[Test] = &[
    (
        "images follow what cargo made",
        images_follow_what_cargo_made,
    ),
    ("the linker gets an object", the_linker_gets_an_object),
    (
        "images of libraries that are gone go",
        images_of_libraries_that_are_gone_go,
    ),
    (
        "a lost image is compiled again",
        a_lost_image_is_compiled_again,
    ),
];

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

fn the_linker_gets_an_object() {
    let place = Place::new("linker");
    let facts = FACTS_TEXT
        .replace("host.out", "device.bin")
        .replace("rustc", "linker");
    place.0.file(FACTS, &facts);
    let (out, _) = succeed(place.offload(&["build"]).env("FAKE_CODE", "image"));
    let object = out
        .lines()
        .find_map(|line| line.strip_prefix("CARGO_OFFLOAD_OBJECT="))
        .unwrap();
    assert!(object.starts_with(&*place.0.path("target/offload/with").to_string_lossy()));
    let image = fs::read(place.host_image()).unwrap();
    let content = fs::read(object).unwrap();
    assert!(content.starts_with(b"\x7fELF"));
    assert!(content.windows(image.len()).any(|part| part == image));
    let err = fails(&mut place.offload(&["build"]));
    assert!(
        err.contains("host.out is not understood"),
        "the image is a text: {err}"
    );
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
