"""The commands around the pipeline: what they print, what they write, and their exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes import Answer, FakeEngine, failing
from tests.small_project import BASE, CELL, NAME, OTHER, edit, good_engine, good_session, locked, write_project

from holoenzyme.build.contexts import render_all
from holoenzyme.build.today import find_crates
from holoenzyme.cli import build_image, lock, plan, render
from holoenzyme.engine.base import BuildFailed
from holoenzyme.errors import UserError
from holoenzyme.plan.decide import BaseSource
from holoenzyme.resolve.model import read_lock
from holoenzyme.session import Project, Session


class Machine:
    """The machine that the commands find themselves on."""

    def __init__(self, folder: Path) -> None:
        self.root = write_project(folder / "project")
        self.engine: FakeEngine = good_engine()
        self.session: Session = good_session(Project(self.root), folder / "state", self.engine)
        self.said: list[str] = []
        self.session.say = self.said.append

    def machine_session(self, root: Path, *, stores: object = (), base_source: BaseSource = BaseSource.AUTO) -> Session:
        self.session = replace(self.session, project=Project(root), base_source=base_source)
        return self.session


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    for module in (build_image, lock, plan):
        monkeypatch.setattr(module, "machine_session", machine.machine_session)
    return machine


def test_build_image(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert build_image.run([], machine.root) == 0
    assert capsys.readouterr().out == f"{NAME}\n"
    said = "\n".join(machine.said)
    assert f"{CELL}: proved in " in said and "1 of 1 numbers agree" in said
    assert "nearest to its tolerance: pi" in said and "record: " in said
    machine.said.clear()
    assert build_image.run([CELL], machine.root) == 0
    assert f"{CELL}: proved already" in "\n".join(machine.said)
    assert capsys.readouterr().out == f"{NAME}\n"


def test_build_image_of_several_cells(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert build_image.run(["distro-*"], machine.root) == 0
    assert capsys.readouterr().out == f"{NAME}\nholoenzyme/toolchain:{OTHER}\n"


def test_build_image_ends_with_the_failing_step(machine: Machine) -> None:
    machine.engine.hooks["rustc"] = failing()
    with pytest.raises(BuildFailed) as caught:
        build_image.run([], machine.root)
    assert caught.value.exit_code == 4


def test_build_image_pulls_where_that_is_asked_for(machine: Machine) -> None:
    with pytest.raises(UserError, match="has no digest"):
        build_image.run(["--base", "pull"], machine.root)


def test_plan(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan.run([], machine.root) == 0
    assert machine.engine.builds == [] and machine.engine.runs == []
    table = capsys.readouterr().out
    assert "toolchain/distro/1.96/host/bookworm/x86_64" in table and "never built here" in table
    build_image.run([], machine.root)
    capsys.readouterr()
    assert plan.run(["--json"], machine.root) == 0
    data = json.loads(capsys.readouterr().out)
    assert [(row["stage"], row["action"]) for row in data][-1] == ("toolchain", "reuse")
    assert {row["action"] for row in data[:-1]} == {"skip"}
    assert plan.run(["--json", "--no-cache", OTHER], machine.root) == 0
    data = json.loads(capsys.readouterr().out)
    assert {row["action"] for row in data} == {"build", "reuse"}


def test_plan_of_a_mistyped_cell(machine: Machine) -> None:
    with pytest.raises(UserError, match="there is no cell"):
        plan.run(["distro-1.96-hots"], machine.root)


def test_render(machine: Machine, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert render.run([CELL, "--out", str(tmp_path / "out")], machine.root) == 0
    folder = tmp_path / "out" / CELL
    assert capsys.readouterr().out == f"{folder}\n"
    assert sorted(path.name for path in folder.iterdir()) == [
        "00-base",
        "01-packages-rustc",
        "02-rustc",
        "03-packages-llvm",
        "04-enzyme",
        "05-toolchain",
        "build.sh",
    ]
    assert (folder / "04-enzyme/vendor/build.sh").stat().st_mode & 0o111
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    render.run([CELL, "--out", str(tmp_path / "out")], machine.root)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_render_of_all_cells_that_can_be_built(machine: Machine, tmp_path: Path) -> None:
    found = render_all(machine.root, tmp_path / "out")
    assert {path.parts[-3] for path in found} == {CELL, OTHER}
    assert {path.name for path in found} == {"Dockerfile"} and len(found) == 10


def test_lock_writes_what_the_archive_has(machine: Machine) -> None:
    path = machine.root / "matrix.lock"
    before = path.read_text()
    machine.engine.archive.offer("rustc-web", "1.96.0-2")
    assert lock.run([], machine.root) == 0
    assert "matrix.lock: written" in machine.said
    versions = {name: item.version for name, item in read_lock(path).sets["bookworm-x86_64"]["rustc"].packages.items()}
    assert versions == {"rustc-web": "1.96.0-2", "libllvm22": "1:22.1.8-1"}
    machine.engine.archive.offer("rustc-web", "1.96.0-1")
    lock.run([], machine.root)
    reason = read_lock(path).bases["bookworm-x86_64"].digest_reason
    assert reason == "no registry answered when the lock was written"
    assert read_lock(path).resolution().sets == locked().sets
    text = path.read_text()
    machine.said.clear()
    lock.run([], machine.root)
    assert path.read_text() == text != before and "matrix.lock: unchanged" in machine.said


def test_lock_has_the_digest_where_a_registry_answers(machine: Machine) -> None:
    digest = "sha256:" + "d" * 64
    machine.engine.registry = {"debian:bookworm-slim": digest, f"debian@{digest}": digest}
    lock.run([], machine.root)
    base = read_lock(machine.root / "matrix.lock").bases["bookworm-x86_64"]
    assert (base.digest, base.digest_reason, base.packages) == (digest, None, BASE)


def test_lock_refuses_what_does_not_fit_the_pins(machine: Machine) -> None:
    before = (machine.root / "matrix.lock").read_text()
    machine.engine.archive.offer("rustc-web", "1.97.0-1")
    with pytest.raises(UserError) as caught:
        lock.run([], machine.root)
    assert caught.value.why == "rustc-web must be of 1.96.0 (matrix.yaml:8:21) and is locked at 1.97.0-1"
    assert (machine.root / "matrix.lock").read_text() == before


def test_lock_check_says_what_drifted(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    before = (machine.root / "matrix.lock").read_text()
    assert lock.run(["--check"], machine.root) == 0
    assert capsys.readouterr().out == "matrix.lock: 0 differences from what the archives offer today\n"
    machine.engine.archive.offer("rustc-web", "1.97.0-1")
    machine.engine.answers["packages"] = Answer(stdout="apt 2.6.2\nlibc6 2.36-9+deb12u2\n")
    assert lock.run(["--check"], machine.root) == 1
    assert capsys.readouterr().out.splitlines() == [
        "base bookworm-x86_64: libc6 2.36-9+deb12u1 -> 2.36-9+deb12u2 (a newer revision of the same upstream version)",
        "set rustc: rustc-web 1.96.0-1 -> 1.97.0-1 (another upstream version)",
        "matrix.lock: 2 differences from what the archives offer today",
    ]
    assert (machine.root / "matrix.lock").read_text() == before


@pytest.mark.parametrize(("holders", "number"), [((), 0), (("recipes/enzyme/vendor", "recipes/rustc/more"), 2)])
def test_a_crate_stands_in_one_cargo_lock(machine: Machine, holders: tuple[str, ...], number: int) -> None:
    text = (machine.root / "recipes/enzyme/vendor/Cargo.lock").read_text()
    (machine.root / "recipes/enzyme/vendor/Cargo.lock").unlink()
    for holder in holders:
        (machine.root / holder).mkdir(exist_ok=True)
        (machine.root / holder / "Cargo.lock").write_text(text)
    with pytest.raises(UserError) as caught:
        find_crates(machine.root, ("diffsl",))
    assert caught.value.what == (
        f"crate 'diffsl' is pinned in matrix.yaml, and {number} Cargo.lock files below recipes/ have it"
    )


def test_a_lock_can_be_written_where_there_is_none(machine: Machine) -> None:
    (machine.root / "matrix.lock").unlink()
    assert lock.run([], machine.root) == 0
    assert read_lock(machine.root / "matrix.lock").sets["bookworm-x86_64"].keys() == {"llvm", "rustc"}


def test_a_lock_for_a_changed_matrix(machine: Machine) -> None:
    edit(machine.root / "recipes/rustc/recipe.yaml", "[rustc-web]", "[rustc-web, gcc]")
    machine.engine.archive.offer("gcc", "4:12.2.0-3")
    with pytest.raises(UserError, match=r"matrix\.lock does not fit the matrix"):
        plan.run([], machine.root)
    lock.run([], machine.root)
    assert plan.run([], machine.root) == 0
