"""`clean`: what is ours and goes, what is not and stays."""

from __future__ import annotations

import os
import platform
from collections.abc import Collection
from pathlib import Path

import pytest
from filelock import FileLock
from tests.fakes import FakeEngine, FakeRunner

from holoenzyme import console
from holoenzyme.cli import clean
from holoenzyme.engine.base import ContainerInfo, ImageInfo, ImageInUse, Usage
from holoenzyme.errors import UserError
from holoenzyme.machine.clean import Options, as_data, current_hashes, remove, survey
from holoenzyme.machine.leftovers import Item, Kind, is_alive
from holoenzyme.plan.graph import HASH_LABEL, STAGE_LABEL
from holoenzyme.session import Project, Session

A, B = "a" * 64, "b" * 64
STAGE = f"holoenzyme/stage/rustc:{A[:16]}"


class Engine(FakeEngine):
    """An engine to tidy up: images, containers, and what was removed."""

    def __init__(self, in_use: Collection[str] = ()) -> None:
        super().__init__()
        self.found: list[ImageInfo] = []
        self.made_of: dict[str, int] = {}
        self.running: list[ContainerInfo] = []
        self.in_use = in_use
        self.removed: list[str] = []

    def add(self, identity: str, *tags: str, stage: str = "rustc", input_hash: str = A, instructions: int = 3) -> None:
        labels = {STAGE_LABEL: stage, HASH_LABEL: input_hash} if stage else {}
        self.found.append(ImageInfo(id=f"sha256:{identity}", tags=tags, labels=labels, size=1000, created=0.0))
        self.made_of[f"sha256:{identity}"] = instructions

    def images(self) -> tuple[ImageInfo, ...]:
        return tuple(image for image in self.found if STAGE_LABEL in image.labels)

    def images_named(self, repository: str) -> tuple[ImageInfo, ...]:
        return tuple(i for i in self.found if any(tag.rpartition(":")[0] == repository for tag in i.tags))

    def history(self, image: str) -> tuple[str, ...]:
        return ("RUN something",) * self.made_of[image]

    def containers(self) -> tuple[ContainerInfo, ...]:
        return tuple(self.running)

    def remove(self, reference: str) -> None:
        if reference in self.in_use:
            raise ImageInUse(f"{reference} is in use", why="a container was started just now")
        self.removed.append(reference)

    def remove_container(self, container: str) -> None:
        self.removed.append(container)

    def usage(self) -> Usage:
        return Usage(layers=5000, build_cache=700)

    def free_build_cache(self) -> int:
        self.removed.append("build cache")
        return 700


def look(
    engine: Engine, state: Path, *, current: frozenset[str] | None = None, **options: bool
) -> dict[str, str | None]:
    """Why each thing stays, by its first target."""
    items = survey(engine, state, Options(**options), current, alive=lambda owner: owner == "here:1")
    return {item.targets[0] if item.targets else item.kind.value: item.stays for item in items}


def put(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_our_names_go_and_those_of_others_stay(tmp_path: Path) -> None:
    engine = Engine()
    engine.add("1", STAGE, "holoenzyme/rustc:some-cell", "mine/rust:1")
    engine.add("2", "mine/app:1")  # built upon ours: it has the labels
    engine.add("3", "holoenzyme/rustc-tools:1")  # built upon ours too, under a name like ours
    engine.add("4", "holoenzyme/unnamed:1234", stage="")
    engine.add("5", "somebody/else:1", stage="")
    items = [item for item in survey(engine, tmp_path, Options(), None) if item.kind is Kind.IMAGE]
    assert [item.targets for item in items] == [
        ("holoenzyme/unnamed:1234",),
        (STAGE, "holoenzyme/rustc:some-cell"),
    ]
    assert [item.size for item in items] == [1000, 0], "an image that keeps a name frees nothing"
    assert all(item.stays is None for item in items)


def test_an_image_without_a_name_goes_only_where_something_says_that_it_is_ours(tmp_path: Path) -> None:
    engine = Engine()
    engine.add("1", STAGE)
    engine.add("2")  # built anew since: as many instructions
    engine.add("3", instructions=4)  # somebody's, built upon ours
    engine.add("4", input_hash=B)  # killed before it was named, or somebody's
    engine.add("5" * 64, input_hash=B, instructions=9)  # proved once
    found = look(engine, tmp_path)
    assert found["sha256:2"] is None
    assert found["sha256:3"] == "perhaps built upon ours by somebody; if not: docker rmi 3"
    assert found["sha256:4"] is not None
    assert found["sha256:" + "5" * 64] is not None
    (tmp_path / "builds" / f"rustc-{B[:16]}").mkdir(parents=True)
    assert look(engine, tmp_path)["sha256:4"] is None
    (tmp_path / "builds" / f"rustc-{B[:16]}").rmdir()
    put(tmp_path / f"evidence/20260101T000000-proof-cell-test-{'5' * 12}.000.json")
    found = look(engine, tmp_path)
    assert found["sha256:4"] is not None
    assert found["sha256:" + "5" * 64] is None


def test_images_of_containers_stay_but_containers_of_killed_processes_go(tmp_path: Path) -> None:
    engine = Engine()
    engine.add("1", STAGE)
    engine.add("2", f"holoenzyme/stage/rustc:{B[:16]}", input_hash=B)
    engine.running = [
        ContainerInfo(id="user-container", image="sha256:1", running=True, owner=None),
        ContainerInfo(id="left-behind", image="sha256:2", running=True, owner="here:2"),
        ContainerInfo(id="at-work", image="sha256:9", running=True, owner="here:1"),
    ]
    assert look(engine, tmp_path) == {
        "left-behind": None,
        STAGE: "container user-contain needs it",
        f"holoenzyme/stage/rustc:{B[:16]}": None,
        "build cache": "not ours alone; --build-cache, or: docker builder prune --all",
    }


def test_only_what_is_superseded(tmp_path: Path) -> None:
    engine = Engine()
    engine.add("1", STAGE)
    engine.add("2", f"holoenzyme/stage/rustc:{B[:16]}", input_hash=B)
    engine.add(
        "3", f"holoenzyme/stage/toolchain:{B[:16]}", "holoenzyme/toolchain:cell", stage="toolchain", input_hash=B
    )
    put(tmp_path / f"builds/rustc-{A[:16]}.log")
    old = put(tmp_path / f"builds/rustc-{B[:16]}.log")
    put(tmp_path / "logs/1.log")
    put(tmp_path / "evidence/1.json")
    assert look(engine, tmp_path, current=frozenset([A])) == {
        STAGE: "a cell uses it",
        f"holoenzyme/stage/rustc:{B[:16]}": None,
        f"holoenzyme/stage/toolchain:{B[:16]}": "it is the proved image of a cell",
        str(old): None,
    }


def test_files_of_ours_go_and_what_else_is_there_stays(tmp_path: Path) -> None:
    ours = [
        put(tmp_path / f"builds/rustc-{A[:16]}/Dockerfile").parent,
        put(tmp_path / f"builds/rustc-{A[:16]}.log"),
        put(tmp_path / "logs/20260101T000000-plan-1.log"),
        put(tmp_path / "locks/rustc-1.lock"),
        put(tmp_path / "work/archive/answer/uris").parents[1],
        put(tmp_path / f"resolutions/{A}.json"),
        put(tmp_path / "lint/cargo/registry").parents[1],
    ]
    theirs = [put(tmp_path / "logs/notes.txt"), put(tmp_path / "work/thesis.txt"), put(tmp_path / "builds/mine")]
    record = put(tmp_path / "evidence/record.json")
    engine = Engine()
    items = survey(engine, tmp_path, Options(), None)
    assert {target for item in items if item.stays is None for target in item.targets} == set(map(str, ours))
    removed = remove(engine, items, say=pytest.fail)
    assert removed.count == 6
    assert removed.size > 0
    assert removed.stayed == 0
    assert not any(path.exists() for path in ours)
    assert all(path.exists() for path in (*theirs, record))
    assert engine.removed == [], "the build cache is not ours alone"


def test_evidence_and_the_build_cache_go_when_they_are_named(tmp_path: Path) -> None:
    record = put(tmp_path / "evidence/record.json")
    assert look(Engine(), tmp_path)[str(record)] == "evidence is kept; --evidence frees it"
    engine = Engine()
    items = survey(engine, tmp_path, Options(evidence=True, build_cache=True), None)
    assert remove(engine, items, say=pytest.fail).count == 2
    assert not record.exists()
    assert engine.removed == ["build cache"]


def test_what_is_in_use_at_the_last_moment_is_left_and_said(tmp_path: Path) -> None:
    engine = Engine(in_use={STAGE})
    engine.add("1", STAGE)
    engine.add("2", f"holoenzyme/stage/rustc:{B[:16]}", input_hash=B)
    said: list[str] = []
    removed = remove(engine, survey(engine, tmp_path, Options(), None), said.append)
    assert (removed.count, removed.stayed) == (1, 1)
    assert said == [f"left: {STAGE}: a container was started just now"]
    assert engine.removed == [f"holoenzyme/stage/rustc:{B[:16]}"]


def session_of(engine: Engine, root: Path) -> Session:
    return Session(
        project=Project(root),
        engine=engine,
        runner=FakeRunner(),
        state=console.state_dir(),
        environ={},
        say=console.say,
    )


def run_clean(monkeypatch: pytest.MonkeyPatch, engine: Engine, root: Path, *words: str) -> int:
    monkeypatch.setattr(clean, "machine_session", lambda root, stores: session_of(engine, root))
    return clean.run(list(words), root)


def test_without_yes_nothing_is_removed(
    root: Path, state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = Engine()
    engine.add("1", STAGE)
    context = put(state / f"builds/rustc-{A[:16]}.log")
    assert run_clean(monkeypatch, engine, root) == 0
    printed = capsys.readouterr().out
    assert STAGE in printed
    assert "2 things could be freed" in printed
    assert "nothing was removed; --yes removes it" in printed
    assert engine.removed == []
    assert context.exists()


def test_with_yes_it_is_removed_and_empty_folders_with_it(
    root: Path, state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = Engine()
    engine.add("1", STAGE)
    put(state / f"builds/rustc-{A[:16]}.log")
    put(state / "locks/rustc-1.lock", "")
    assert run_clean(monkeypatch, engine, root, "--yes") == 0
    assert engine.removed == [STAGE]
    assert "removed 3 things" in capsys.readouterr().err
    assert not state.exists()


def test_a_build_under_way_is_not_disturbed(root: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine()
    engine.add("1", STAGE)
    (state / "locks").mkdir(parents=True)
    with FileLock(state / "locks/rustc-1.lock", is_singleton=False), pytest.raises(UserError, match="rustc-1 is being"):
        run_clean(monkeypatch, engine, root, "--yes")
    assert engine.removed == []


def test_superseded_means_what_no_cell_of_the_matrix_uses(
    root: Path, state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = Engine()
    current = current_hashes(session_of(engine, root))
    engine.add("1", f"holoenzyme/stage/base:{min(current)[:16]}", stage="base", input_hash=min(current))
    engine.add("2", STAGE)
    assert run_clean(monkeypatch, engine, root, "--superseded", "--yes") == 0
    assert engine.removed == [STAGE]


def test_the_list_for_machines() -> None:
    item = Item(kind=Kind.IMAGE, name="n", size=7, targets=("t",), stays=None)
    assert as_data([item], freed=False) == {
        "schema": 1,
        "removed": False,
        "items": [{"kind": "image", "name": "n", "bytes": 7, "targets": ("t",), "stays": None}],
    }


def test_whether_a_process_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(pid: int, signal: int) -> None:
        raise ProcessLookupError

    assert is_alive(f"{platform.node()}:{os.getpid()}")
    assert is_alive("another-host:1")
    monkeypatch.setattr(os, "kill", gone)
    assert not is_alive(f"{platform.node()}:4000")
    assert is_alive("another-host:4000"), "nobody can tell"
