"""What is newer than what is pinned, and what may be written of it."""

from __future__ import annotations

import pytest
from tests.fakes import deb
from tests.small_project import PLACE, locked

from holoenzyme.errors import InfrastructureError
from holoenzyme.resolve.mentions import in_lock, in_manifest, in_matrix, in_requirements, rewrite
from holoenzyme.resolve.model import LockedSet, Resolution, lock_text
from holoenzyme.resolve.newer import (
    Fate,
    direct_crates,
    narrow,
    newer_crate,
    newer_in_cargo_lock,
    newer_in_requirements,
    newer_packages,
    newer_releases,
    newer_wheel,
    rust_of,
    with_exact,
    with_wheel,
)
from holoenzyme.session import Project

ONE, TWO, THREE = "1" * 64, "2" * 64, "3" * 64


@pytest.mark.parametrize(
    ("new", "old", "newer"),
    [
        ("0.12.10", "0.12.9", True),
        ("0.12.9", "0.12.9", False),
        ("1.0.0-rc.1", "1.0.0", False),
        ("1.0.0-rc.10", "1.0.0-rc.9", True),
        ("1.0.0", "1.0.0-rc.1", True),
        ("0.9.0", "0.10.0", False),
    ],
)
def test_the_order_of_crates(new: str, old: str, newer: bool) -> None:
    assert newer_crate(new, old) is newer


@pytest.mark.parametrize(
    ("new", "old", "newer"),
    [
        ("13.0.100", "13.0.88", True),
        ("13.0.88", "13.0.88.0", False),
        ("13.0.88.post1", "13.0.88", True),
        ("13.1rc1", "13.1", False),
        ("1!1.0", "2026.1", True),
    ],
)
def test_the_order_of_wheels(new: str, old: str, newer: bool) -> None:
    assert newer_wheel(new, old) is newer


@pytest.mark.parametrize(
    ("offered", "said", "edits"),
    [
        ({}, [], {}),
        ({"rustc-web": "1.96.0+dfsg2-3"}, [], {}),
        ({"rustc-web": "1.95.9-1"}, [], {}),
        ({"rustc-web": "1.96.1~rc1-1"}, ["1.96.1~rc1"], {("rust", "1.96", "release"): "1.96.1~rc1"}),
        ({"rustc-web": "1.96.10+dfsg1-1~deb12u1"}, ["1.96.10"], {("rust", "1.96", "release"): "1.96.10"}),
        (
            {"rustc-web": "1.96.1-1", "llvm-22-dev": "1:22.1.9-1~deb12u1", "libllvm22": "1:22.1.9-1"},
            ["1.96.1", "22.1.9"],
            {("rust", "1.96", "release"): "1.96.1", ("llvm", "22", "release"): "22.1.9"},
        ),
    ],
)
def test_releases_that_packages_bring(
    small_project: Project, offered: dict[str, str], said: list[str], edits: dict[tuple[str, ...], str]
) -> None:
    found, places = newer_releases(small_project.matrix, offered)
    assert [finding.new for finding in found] == said
    assert places == edits
    assert {finding.fate for finding in found} <= {Fate.WRITTEN}


def test_another_version_on_an_axis_is_taken_by_hand(small_project: Project) -> None:
    (found,), edits = newer_releases(small_project.matrix, {"rustc-web": "1.97.0+dfsg1-1"})
    assert edits == {}
    assert found.fate is Fate.BY_HAND
    assert str(found) == (
        "rust 1.96 1.96.0 -> 1.97.0 (not written: it is another version on the axis rust than 1.96, "
        "with cells and patches of its own)"
    )


def test_an_archive_between_two_releases(small_project: Project) -> None:
    (found,), edits = newer_releases(small_project.matrix, {"llvm-22-dev": "1:22.1.9-1", "libllvm22": "1:22.1.8-1"})
    assert (edits, found.fate) == ({}, Fate.BY_HAND)
    assert found.why == "the archive is between two releases: llvm-22-dev 22.1.9, libllvm22 22.1.8"


def with_sets(**sets: LockedSet) -> Resolution:
    return locked().model_copy(update={"sets": {PLACE: {**locked().sets[PLACE], **sets}}})


def test_packages_are_told_once_with_all_places() -> None:
    offered = locked({"libc6": "2.36-9+deb12u2", "apt": "2.6.2"}, libllvm22="1:22.1.8-2")
    assert [str(finding) for finding in newer_packages(locked(), offered)] == [
        f"package libc6 2.36-9+deb12u1 -> 2.36-9+deb12u2 (matrix.lock: base {PLACE})",
        "package libllvm22 1:22.1.8-1 -> 1:22.1.8-2 (matrix.lock: set rustc, set llvm)",
    ]
    (first, _) = newer_packages(locked(), offered, by_hand="rust 1.96 is not written")
    assert (first.fate, first.why) == (Fate.BY_HAND, "rust 1.96 is not written")


def test_packages_that_come_and_go() -> None:
    llvm = LockedSet(roots=("llvm-22-dev",), packages={"llvm-22-dev": deb("1:22.1.8-1"), "libz3-4": deb("4.8-1")})
    assert [(item.name, item.old, item.new) for item in newer_packages(locked(), with_sets(llvm=llvm))] == [
        ("libllvm22", "1:22.1.8-1", None),
        ("libz3-4", None, "4.8-1"),
    ]


@pytest.mark.parametrize("version", ["1.95.0-1", "1.96.0-0", "1.96.0~rc1-1"])
def test_an_archive_that_is_behind(version: str) -> None:
    with pytest.raises(InfrastructureError, match=r"^the archive is behind matrix\.lock"):
        newer_packages(locked(), locked(rustc_web=version))


def versions(resolution: Resolution) -> dict[str, dict[str, str]]:
    return {
        name: {package: value.version for package, value in item.packages.items()}
        for name, item in resolution.sets[PLACE].items()
    }


def test_only_what_is_named_is_taken_with_what_it_shares() -> None:
    offered = locked(rustc_web="1.96.0-2", llvm_22_dev="1:22.1.8-2")
    taken = narrow(locked(), offered, {"rustc-web"})
    assert taken.bases == locked().bases
    assert versions(taken)["rustc"]["rustc-web"] == "1.96.0-2"
    assert versions(taken)["llvm"] == versions(locked())["llvm"]
    shared = locked(rustc_web="1.96.0-2", libllvm22="1:22.1.8-2", llvm_22_dev="1:22.1.8-2")
    assert versions(narrow(locked(), shared, {"rustc-web"})) == versions(shared)
    assert narrow(locked(), offered, {"nothing"}) == locked()


def test_a_set_takes_the_base_along_that_it_was_offered_on() -> None:
    base = {"libc6": "2.36-9+deb12u2", "apt": "2.6.2"}
    offered = locked(base, rustc_web="1.96.0-2")
    assert narrow(locked(), offered, {"rustc-web"}) == offered
    # What is named has not moved.
    assert narrow(locked(), offered, {"llvm-22-dev"}) == locked()


@pytest.mark.parametrize("name", ["bookworm", "libc6"])
def test_a_base_takes_everything_along(name: str) -> None:
    offered = locked({"libc6": "2.36-9+deb12u2", "apt": "2.6.2"}, rustc_web="1.96.0-2")
    assert narrow(locked(), offered, {name}) == offered


def cargo_lock(**crates: str) -> str:
    return "".join(
        f'[[package]]\nname = "{name}"\nversion = "{each}"\nchecksum = "{ONE}"\n\n'
        for name, words in crates.items()
        for each in words.split()
    )


def test_what_differs_between_two_cargo_locks() -> None:
    old, new = cargo_lock(a="1.0.0", b="1.0.0 2.0.0", c="3.0.0"), cargo_lock(a="1.0.0", b="1.0.0 2.0.1", d="4.0.0")
    own = '[[package]]\nname = "own"\nversion = "0.1.0"\n'
    assert [str(item) for item in newer_in_cargo_lock("x/Cargo.lock", old + own, new)] == [
        "crate b 2.0.0 -> 2.0.1 (x/Cargo.lock)",
        "crate c 3.0.0 -> - (x/Cargo.lock)",
        "crate d - -> 4.0.0 (x/Cargo.lock)",
    ]


def test_what_differs_between_two_requirements_files() -> None:
    old = f"a==1.0 \\\n    --hash=sha256:{ONE}\nb==2 ; python_version > '3'\n"
    new = f"a==1.1 \\\n    --hash=sha256:{TWO}\nb==2 ; python_version > '4'\n"
    assert [str(item) for item in newer_in_requirements("lock.txt", old, new)] == [
        "requirement a 1.0 -> 1.1 (lock.txt)"
    ]


def test_a_wheel_takes_the_place_of_another_with_its_hashes() -> None:
    more = f"tools-more==1.0 --hash=sha256:{ONE}\n"
    old = f"# why\ntools==1.0 \\\n    --hash=sha256:{TWO} \\\n    --hash=sha256:{ONE}\n{more}"
    new = f"# why\ntools==1.1 \\\n    --hash=sha256:{THREE}\n{more}"
    assert with_wheel(old, "tools", "1.1", [THREE]) == new
    one_line = f"tools==1.0 --hash=sha256:{ONE}\n{more}"
    assert with_wheel(one_line, "tools", "1.1", [THREE]) == new.removeprefix("# why\n")


MANIFEST = """[package]
name = "own"
version = "=0.1.0"
rust-version = "1.96"

[dependencies]
exact = "=1.2.3"
table = { version = "= 4.5.6", default-features = false } # why
range = "1.2"
near = { path = "../near", version = "1" }
other = { package = "renamed", version = "2" }

[dev-dependencies]
test = "3"
"""


def test_the_crates_that_a_manifest_names() -> None:
    assert direct_crates(MANIFEST) == {
        "exact": "=1.2.3",
        "table": "= 4.5.6",
        "range": "1.2",
        "renamed": "2",
        "test": "3",
    }
    assert rust_of(MANIFEST) == "1.96"
    assert rust_of("[package]\nname = 'x'\n") is None
    workspace = '[workspace.package]\nrust-version = "1.95"\n[workspace.dependencies]\na = "1"\n'
    assert (direct_crates(workspace), rust_of(workspace)) == ({"a": "1"}, "1.95")
    assert direct_crates("[dependencies]\na.workspace = true\n") == {}


def test_exact_versions_are_written_and_nothing_else() -> None:
    text = with_exact("Cargo.toml", MANIFEST, {"exact": "1.3.0", "table": "5.0.0"})
    assert text == MANIFEST.replace("1.2.3", "1.3.0").replace("4.5.6", "5.0.0")
    assert in_manifest({"Cargo.toml": MANIFEST}, "Cargo.toml", "range") is None


def test_places_have_lines_and_columns() -> None:
    files = {
        "matrix.yaml": 'pins:\n  a: {version: 1.0}\n  "b":\n    - version: "2.0"\n',
        "matrix.lock": lock_text(locked()),
        "r.txt": f"# a==0.9\na==1.0 \\\n  --hash=sha256:{ONE}\n",
    }
    assert str(in_matrix(files, ("pins", "a", "version"))) == "matrix.yaml:2:16"
    quoted = in_matrix(files, ("pins", "b", 0, "version"))
    assert (str(quoted), quoted and quoted.version) == ("matrix.yaml:4:17", "2.0")
    assert in_matrix(files, ("pins", "c", "version")) is in_matrix(files, ("pins", "b", 1)) is None
    assert in_matrix(files, ("pins", "a")) is in_matrix({}, ("pins",)) is None
    found = in_lock(files, "matrix.lock", "rustc-web", "1.96.0-1")
    assert found is not None and found.version == "1.96.0-1"
    assert in_lock(files, "matrix.lock", "rustc-web", "1.96.0-2") is None
    pinned = in_requirements(files, "r.txt", "a")
    assert pinned is not None and (str(pinned), pinned.version) == ("r.txt:2:4", "1.0")
    assert quoted is not None
    assert rewrite(files["matrix.yaml"], [(quoted, "10.0")]) == files["matrix.yaml"].replace("2.0", "10.0")
