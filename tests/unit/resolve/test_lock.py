"""matrix.lock: reading, writing, and whether it fits the matrix."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fakes import deb
from tests.small_project import PLACE, edit, locked, write_project

from holoenzyme.errors import UserError
from holoenzyme.resolve.model import LOCK_NAME, LockedPackage, LockedSet, Resolution, read_lock, write_lock
from holoenzyme.resolve.reconcile import check_fits
from holoenzyme.session import Project

CARGO_LOCK = "recipes/enzyme/vendor/Cargo.lock"
LOCKFILE = '[[package]]\nname = "diffsl"\nversion = "0.12.5"\nchecksum = "abc"\n'


def changed(text: str, change: Callable[[dict[str, object]], object]) -> str:
    data = json.loads(text)
    change(data)
    return json.dumps(data)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "matrix.lock"
    write_lock(path, locked())
    return path


def test_what_is_written_is_read(path: Path) -> None:
    lock = read_lock(path)
    assert lock.resolution() == locked()
    assert lock.resolution().digest() == locked().digest()
    assert lock.generated_by == "nox -s lock"


def test_the_same_content_gives_the_same_bytes(path: Path, tmp_path: Path) -> None:
    first = path.read_text()
    shuffled = Resolution.model_validate(json.loads(json.dumps(locked().model_dump(mode="json"), sort_keys=True)))
    backwards = shuffled.model_copy(update={"sets": {PLACE: dict(reversed(shuffled.sets[PLACE].items()))}})
    assert write_lock(tmp_path / "again", backwards) == first == (tmp_path / "again").read_text()


def test_a_package_has_a_line_of_its_own(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert [line.strip().rstrip(",") for line in lines if '"rustc-web"' in line and "sha256" in line] == [
        '"rustc-web": {"architecture": "amd64", "sha256": "'
        + locked().sets[PLACE]["rustc"].packages["rustc-web"].sha256
        + '", "size": 1000, "version": "1.96.0-1"}'
    ]
    for line in lines:
        assert line.count('"sha256"') <= 1


def test_base_packages_have_lines_of_their_own(tmp_path: Path) -> None:
    names = [f"lib{letter}" for letter in "abcdefgh"]
    text = write_lock(tmp_path / "lock", locked(dict.fromkeys(names, "1-1")))
    assert [line.strip().rstrip(",") for line in text.splitlines() if '"lib' in line and "sha256" not in line] == [
        f'"{name}": "1-1"' for name in names
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "matrix.lock is missing"),
        ("{\n  nothing", "matrix.lock:2:3: not JSON: Expecting property name enclosed in double quotes"),
        ("[]", "matrix.lock: schema version None, this program reads 1"),
        ('{"schema": 2}', "matrix.lock: schema version 2, this program reads 1"),
        ('{"schema": 1}', "matrix.lock: bases: Field required"),
    ],
)
def test_a_lock_that_cannot_be_read(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "matrix.lock"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError) as caught:
        read_lock(path)
    assert (caught.value.what, caught.value.fix) == (message, "run `nox -s lock` and commit what it writes")


def test_an_unknown_key_is_refused(path: Path) -> None:
    path.write_text(changed(path.read_text(), lambda data: data.update(extra=1)))
    with pytest.raises(UserError, match=r"^matrix\.lock: extra: Extra inputs are not permitted"):
        read_lock(path)


def test_a_wrong_package_is_named(path: Path) -> None:
    edit(path, '"size": 1000', '"size": "big"')
    with pytest.raises(UserError, match=rf"^matrix\.lock: sets\.{PLACE}\.llvm\.packages\.libllvm22\.size: "):
        read_lock(path)


def test_a_file_name_is_written_as_apt_does() -> None:
    package = LockedPackage(version="1:22.1.8-1+b1", architecture="amd64", sha256="0", size=1)
    assert package.file_name("libllvm22") == "libllvm22_1%3a22.1.8-1+b1_amd64.deb"


def why_not(project: Project, lock: Resolution, lockfile: str | None = LOCKFILE) -> str | None:
    """Why a lock is refused; none where it fits."""
    try:
        files = project.pinning_files(lock)
        files.pop(LOCK_NAME, None)
        files.pop(CARGO_LOCK, None)
        check_fits(project.matrix, project.cookbook, lock, files | ({CARGO_LOCK: lockfile} if lockfile else {}))
    except UserError as error:
        assert error.what == "matrix.lock does not fit the matrix"
        assert error.fix == "run `nox -s lock` and commit what it writes"
        return error.why
    return None


def with_sets(**sets: LockedSet | None) -> Resolution:
    merged = {**locked().sets[PLACE], **sets}
    kept = {name: item for name, item in merged.items() if item is not None}
    return locked().model_copy(update={"sets": {PLACE: kept}})


def test_a_lock_that_fits(small_project: Project) -> None:
    assert why_not(small_project, locked()) is None


def test_a_missing_set(small_project: Project) -> None:
    assert why_not(small_project, with_sets(llvm=None)) == f"package set 'llvm' of {PLACE} is not locked"


def test_a_missing_base(small_project: Project) -> None:
    assert why_not(small_project, locked().model_copy(update={"bases": {}})) == f"base {PLACE} is not locked"


def test_a_base_with_other_additions(small_project: Project) -> None:
    base = locked().bases[PLACE].model_copy(update={"include": ("ca-certificates", "vim")})
    assert why_not(small_project, locked().model_copy(update={"bases": {PLACE: base}})) == (
        f"base {PLACE} was locked with ca-certificates, vim added; the recipe says otherwise"
    )


def test_other_packages_are_asked_for(small_project: Project) -> None:
    other = locked().sets[PLACE]["llvm"].model_copy(update={"roots": ("llvm-22-dev", "libllvm22")})
    assert why_not(small_project, with_sets(llvm=other)) == (
        "package set 'llvm' was locked for llvm-22-dev, libllvm22; the recipe asks for others"
    )


def test_a_set_without_what_it_was_asked_for(small_project: Project) -> None:
    without = LockedSet(roots=("llvm-22-dev",), packages={"libllvm22": deb("1:22.1.8-1")})
    assert why_not(small_project, with_sets(llvm=without)) == (
        "package set 'llvm' lacks 'llvm-22-dev', which it was locked for"
    )


def test_a_pin_that_is_not_kept(small_project: Project) -> None:
    assert why_not(small_project, locked(rustc_web="1.97.0-1")) == (
        "rustc-web must be of 1.96.0 (matrix.yaml:8:21) and is locked at 1.97.0-1"
    )


@pytest.mark.parametrize("version", ["1.96.0-1", "2:1.96.0-1", "1.96.0+dfsg1-1", "1.96.0+dfsg-1~deb12u1", "1.96.0"])
def test_debian_versions_of_the_pinned_upstream_version(small_project: Project, version: str) -> None:
    assert why_not(small_project, locked(rustc_web=version)) is None


@pytest.mark.parametrize("version", ["1.96.01-1", "1.96.0.1-1", "11.96.0-1", "1.96-1", "1.96.0~rc1-1"])
def test_debian_versions_of_another_one(small_project: Project, version: str) -> None:
    assert why_not(small_project, locked(rustc_web=version)) == (
        f"rustc-web must be of 1.96.0 (matrix.yaml:8:21) and is locked at {version}"
    )


def test_two_llvms(small_project: Project) -> None:
    llvm = locked(libllvm22="1:22.1.8-2").sets[PLACE]["llvm"]
    assert why_not(small_project, with_sets(llvm=llvm)) == (
        f"libllvm22 is 1:22.1.8-1 in set 'rustc' and 1:22.1.8-2 in 'llvm' ({PLACE})"
    )


@pytest.mark.parametrize(
    ("lockfile", "message"),
    [
        (None, "recipes/enzyme/vendor/Cargo.lock, which pins crate 'diffsl', is missing"),
        (
            LOCKFILE.replace("0.12.5", "0.12.6"),
            "crate 'diffsl' has two versions: 0.12.5 at matrix.yaml:19:23, "
            "0.12.6 at recipes/enzyme/vendor/Cargo.lock:3:12",
        ),
        (
            LOCKFILE.replace("abc", "def"),
            "crate 'diffsl' 0.12.5 has checksum abc in the lock and def in recipes/enzyme/vendor/Cargo.lock",
        ),
    ],
)
def test_a_cargo_lock_that_does_not_agree(small_project: Project, lockfile: str | None, message: str) -> None:
    assert why_not(small_project, locked(), lockfile) == message


def test_crates_that_the_matrix_pins(small_project: Project) -> None:
    assert why_not(small_project, locked().model_copy(update={"crates": {}})) == (
        "crate 'diffsl' is pinned at matrix.yaml:19:23 and not locked"
    )
    other = locked().crates["diffsl"].model_copy(update={"version": "0.12.6"})
    assert why_not(
        small_project,
        locked().model_copy(update={"crates": {"diffsl": other}}),
        LOCKFILE.replace("0.12.5", "0.12.6"),
    ) == (
        "crate 'diffsl' has two versions: 0.12.5 at matrix.yaml:19:23, 0.12.6 at recipes/enzyme/vendor/Cargo.lock:3:12"
    )


def test_everything_that_does_not_fit_is_told_once(small_project: Project) -> None:
    why = why_not(small_project, with_sets(llvm=None, rustc=None), None)
    assert why is not None and sorted(why.split("; ")) == [
        f"package set 'llvm' of {PLACE} is not locked",
        f"package set 'rustc' of {PLACE} is not locked",
        "recipes/enzyme/vendor/Cargo.lock, which pins crate 'diffsl', is missing",
    ]


@pytest.mark.parametrize(
    ("text", "times"), [("", 0), (LOCKFILE + LOCKFILE, 2), ('[[package]]\nname = "diffsl"\nversion = "1"\n', 1)]
)
def test_a_cargo_lock_that_does_not_pin_the_crate_once(small_project: Project, text: str, times: int) -> None:
    with pytest.raises(UserError) as caught:
        check_fits(small_project.matrix, small_project.cookbook, locked(), {CARGO_LOCK: text})
    assert caught.value.what == f"recipes/enzyme/vendor/Cargo.lock: crate 'diffsl' stands there {times} times"


def test_a_project_refuses_a_lock_that_does_not_fit(tmp_path: Path) -> None:
    root = write_project(tmp_path)
    edit(root / "matrix.yaml", "release: 1.96.0", "release: 1.96.1")
    with pytest.raises(UserError) as caught:
        _ = Project(root).lock
    assert caught.value.why == (
        "rustc-web must be of 1.96.1 (matrix.yaml:8:21) and is locked at 1.96.0-1 (matrix.lock:25:154)"
    )


#: Where a version stands -> what is found when it is changed there alone.
ALONE = {
    ("matrix.yaml", "release: 1.96.0", "release: 1.96.1"): (
        "rustc-web must be of 1.96.1 (matrix.yaml:8:21) and is locked at 1.96.0-1 (matrix.lock:25:"
    ),
    ("matrix.yaml", "release: 22.1.8", "release: 22.1.9"): (
        "libllvm22 must be of 22.1.9 (matrix.yaml:10:19) and is locked at 1:22.1.8-1 (matrix.lock:17:154); "
        "llvm-22-dev must be of 22.1.9 (matrix.yaml:10:19) and is locked at 1:22.1.8-1 (matrix.lock:18:156)"
    ),
    ("matrix.yaml", "version: 0.12.5", "version: 0.12.6"): (
        "crate 'diffsl' has two versions: 0.12.6 at matrix.yaml:19:23, "
        "0.12.5 at recipes/enzyme/vendor/Cargo.toml:6:24, "
        "0.12.5 at recipes/enzyme/vendor/Cargo.lock:3:12, 0.12.5 at matrix.lock:"
    ),
    ("recipes/enzyme/vendor/Cargo.toml", "=0.12.5", "=0.12.6"): (
        "crate 'diffsl' has two versions: 0.12.5 at matrix.yaml:19:23, "
        "0.12.6 at recipes/enzyme/vendor/Cargo.toml:6:24, "
    ),
    (CARGO_LOCK, '"0.12.5"', '"0.12.6"'): (
        "crate 'diffsl' has two versions: 0.12.5 at matrix.yaml:19:23, "
        "0.12.5 at recipes/enzyme/vendor/Cargo.toml:6:24, "
        "0.12.6 at recipes/enzyme/vendor/Cargo.lock:3:12, "
    ),
    ("matrix.lock", '"version": "0.12.5"', '"version": "0.12.6"'): (
        "crate 'diffsl' has two versions: 0.12.5 at matrix.yaml:19:23, "
        "0.12.5 at recipes/enzyme/vendor/Cargo.toml:6:24, "
        "0.12.5 at recipes/enzyme/vendor/Cargo.lock:3:12, 0.12.6 at matrix.lock:"
    ),
    ("matrix.lock", '"version": "1.96.0-1"', '"version": "1.97.0-1"'): (
        "rustc-web must be of 1.96.0 (matrix.yaml:8:21) and is locked at 1.97.0-1 (matrix.lock:"
    ),
    ("matrix.yaml", "packages: {rustc: rustc-web}", "packages: {rustc: rustc-web, other: rustc-wbe}"): (
        "rustc-wbe must be of 1.96.0 (matrix.yaml:8:21), and no package set brings it"
    ),
}


@pytest.mark.parametrize(("path", "old", "new"), ALONE)
def test_a_version_that_is_changed_in_one_place_alone(tmp_path: Path, path: str, old: str, new: str) -> None:
    root = write_project(tmp_path)
    (root / "recipes/enzyme/vendor/Cargo.toml").write_text(
        '[package]\nname = "source"\nversion = "0.1.0"\n\n'
        '[dependencies]\ndiffsl = { version = "=0.12.5", default-features = false }\n'
    )
    _ = Project(root).lock
    edit(root / path, old, new)
    with pytest.raises(UserError) as caught:
        _ = Project(root).lock
    assert (caught.value.why or "").startswith(ALONE[path, old, new])
