"""Wheels: pinned in matrix.yaml, with their hashes in a requirements.txt of a recipe, and locked as both say."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.small_project import edit, locked, write_project

from holoenzyme.build.today import find_wheels
from holoenzyme.errors import UserError
from holoenzyme.resolve.model import LockedWheel, Resolution, write_lock
from holoenzyme.resolve.pinned import misfits, wheel_in_requirements
from holoenzyme.resolve.reconcile import compare
from holoenzyme.session import Project

PATH = "recipes/tools/requirements.txt"
ONE, TWO = "1" * 64, "2" * 64
TEXT = f"# why\nnvidia-tools==13.0.88 \\\n    --hash=sha256:{TWO} \\\n    --hash=sha256:{ONE}\n"
WHEEL = LockedWheel(version="13.0.88", sha256=(ONE, TWO), lockfile=PATH)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = write_project(tmp_path)
    edit(root / "matrix.yaml", "wheels: {}", "wheels: {nvidia-tools: {version: 13.0.88}}")
    (root / "recipes/tools").mkdir()
    (root / PATH).write_text(TEXT)
    return root


def with_wheel(wheel: LockedWheel | None = WHEEL) -> Resolution:
    return locked().model_copy(update={"wheels": {} if wheel is None else {"nvidia-tools": wheel}})


def test_a_wheel_is_read_from_a_requirements_file() -> None:
    assert wheel_in_requirements(TEXT, "nvidia-tools", PATH) == WHEEL


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "stands there 0 times"),
        ("nvidia-tools-more==1 --hash=sha256:" + ONE, "stands there 0 times"),
        (TEXT + TEXT, "stands there 2 times"),
        ("nvidia-tools==13.0.88\n", "stands there 1 times, without hash"),
        ("nvidia-tools==13.0.88 --hash=sha256:12\n", "stands there 1 times, without hash"),
    ],
)
def test_a_wheel_is_pinned_once_and_with_its_hash(text: str, what: str) -> None:
    with pytest.raises(UserError) as caught:
        wheel_in_requirements(text, "nvidia-tools", PATH)
    assert caught.value.what == f"{PATH}: wheel 'nvidia-tools' {what}"
    assert caught.value.fix == "pin it once: `nvidia-tools==VERSION --hash=sha256:...`"


@pytest.mark.parametrize(
    ("wheel", "text", "what"),
    [
        (WHEEL, TEXT, None),
        (None, TEXT, "wheel 'nvidia-tools' is pinned at matrix.yaml:20:36 and not locked"),
        (WHEEL, None, f"{PATH}, which pins wheel 'nvidia-tools', is missing"),
        (
            WHEEL,
            TEXT.replace(".88", ".99"),
            f"wheel 'nvidia-tools' has two versions: 13.0.88 at matrix.yaml:20:36, 13.0.99 at {PATH}:2:15",
        ),
        (
            WHEEL,
            TEXT.replace(TWO, "3" * 64),
            f"wheel 'nvidia-tools' 13.0.88 has checksum {ONE} {TWO} in the lock and {ONE} {'3' * 64} in {PATH}",
        ),
        (
            WHEEL.model_copy(update={"version": "13.1.0"}),
            TEXT.replace("13.0.88", "13.1.0"),
            f"wheel 'nvidia-tools' has two versions: 13.0.88 at matrix.yaml:20:36, 13.1.0 at {PATH}:2:15",
        ),
    ],
)
def test_a_lock_that_does_not_fit(root: Path, wheel: LockedWheel | None, text: str | None, what: str | None) -> None:
    project = Project(root)
    files = project.pinning_files(with_wheel(wheel)) | ({} if text is None else {PATH: text})
    files.pop("matrix.lock")
    if text is None:
        del files[PATH]
    assert misfits(project.matrix, with_wheel(wheel), files) == ([] if what is None else [what])


def test_a_project_reads_the_file_that_its_lock_names(root: Path) -> None:
    write_lock(root / "matrix.lock", with_wheel())
    assert Project(root).lock.wheels == {"nvidia-tools": WHEEL}
    (root / PATH).unlink()
    with pytest.raises(UserError) as caught:
        _ = Project(root).lock
    assert caught.value.why == f"{PATH}, which pins wheel 'nvidia-tools', is missing"


def test_a_lock_of_a_project_without_wheels_is_read(tmp_path: Path) -> None:
    assert Project(write_project(tmp_path)).lock.wheels == {}


def test_wheels_are_found_below_recipes(root: Path) -> None:
    assert find_wheels(root, ["nvidia-tools"]) == {"nvidia-tools": WHEEL}
    (root / PATH).unlink()
    with pytest.raises(UserError, match=r"wheel 'nvidia-tools' is pinned in matrix\.yaml, and 0 requirements\.txt"):
        find_wheels(root, ["nvidia-tools"])


def test_a_drifted_wheel_is_told() -> None:
    other = with_wheel(WHEEL.model_copy(update={"version": "13.1.0"}))
    assert [str(change) for change in compare(with_wheel(), other)] == [
        "wheels: nvidia-tools 13.0.88 -> 13.1.0 (another upstream version)"
    ]
