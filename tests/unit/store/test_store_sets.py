"""Several stores, how they are named, what an image weighs, and how the engine is reached."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.fakes import FakeEngine, Stoppable
from tests.unit.store.fake import INDEX, FakeMachine, image_of, ref, write_store

from holoenzyme.errors import InfrastructureError, UserError
from holoenzyme.process import Command, Completed
from holoenzyme.store import (
    FolderStore,
    Refused,
    StoreRefusedError,
    StoreSet,
    Transport,
    create_store,
    measure,
    open_all,
    open_store,
    store_paths,
)


def test_paths_come_from_the_command_line_then_from_the_variable() -> None:
    environ = {"HOLOENZYME_STORES": "/b::/c: :/a", "HOME": "/users/somebody"}
    assert store_paths(["/a"], environ) == (Path("/a"), Path("/b"), Path("/c"))
    assert store_paths([], {}) == ()
    assert store_paths(["rel"], {}) == (Path.cwd() / "rel",)


def test_the_first_store_that_has_it_answers(tmp_path: Path) -> None:
    machine = FakeMachine()
    write_store(tmp_path / "one", {ref("a").tag: image_of(ref("a"))})
    write_store(tmp_path / "two", {ref(name).tag: image_of(ref(name)) for name in "ab"})
    reports: list[Refused] = []
    stores = open_all([tmp_path / "one", tmp_path / "two"], reports.append, machine.transport)
    names = {name: found.store.name for name in "abc" if (found := stores.find(ref(name)))}
    assert names == {"a": str(tmp_path / "one"), "b": str(tmp_path / "two")}
    assert reports == []


def test_a_refused_store_is_reported_and_left_out(tmp_path: Path) -> None:
    machine = FakeMachine()
    write_store(tmp_path / "good", {ref().tag: image_of(ref())})
    (tmp_path / "foreign").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "good")
    reports: list[Refused] = []
    paths = [tmp_path / "foreign", tmp_path / "good", tmp_path / "link"]
    stores = open_all(paths, reports.append, machine.transport)
    assert [refused.name for refused in reports] == [str(tmp_path / "foreign")]
    assert [store.name for store in stores.stores] == [str(tmp_path / "good")]
    assert stores.refused == tuple(reports)


def test_a_store_that_proves_damaged_is_passed_over_from_then_on(tmp_path: Path) -> None:
    machine = FakeMachine()
    write_store(tmp_path / "bad", {ref().tag: image_of(ref(digit="b"))})
    write_store(tmp_path / "good", {ref().tag: image_of(ref())})
    stores = open_all([tmp_path / "bad", tmp_path / "good"], lambda refused: None, machine.transport)
    first = stores.find(ref())
    assert first
    with pytest.raises(StoreRefusedError):
        first.store.load(ref(), "loaded:1")
    second = stores.find(ref())
    assert second
    assert second.store.name == str(tmp_path / "good")
    assert [refused.name for refused in stores.refused] == [str(tmp_path / "bad")]
    with pytest.raises(StoreRefusedError):
        stores.destination(tmp_path / "bad", machine.transport)
    assert stores.destination(tmp_path / "good", machine.transport) is stores.stores[1]
    assert stores.destination(tmp_path / "new", machine.transport).name == str(tmp_path / "new")


def test_what_was_saved_is_found_without_opening_again(tmp_path: Path) -> None:
    machine = FakeMachine(images={"stage:1": image_of(ref())})
    store = create_store(tmp_path, machine.transport)
    stores = StoreSet([store])
    assert stores.find(ref()) is None
    store.save(ref(), "stage:1")
    assert stores.find(ref())


def test_a_store_is_opened_by_its_index_and_manifests_and_asked_without_reading(tmp_path: Path) -> None:
    machine = FakeMachine()
    refs = [ref(f"stage{number}") for number in range(10)]
    write_store(tmp_path / "store", {one.tag: image_of(one, b"x") for one in refs})
    index = json.loads((tmp_path / "store" / INDEX).read_text())
    manifests = {entry["digest"].removeprefix("sha256:") for entry in index["manifests"]}
    others = [path for path in (tmp_path / "store/blobs/sha256").iterdir() if path.name not in manifests]
    assert len(others) == 11
    for path in others:
        # Whoever reads one finds that its content is not what its name says.
        path.write_bytes(b"?" * path.stat().st_size)
    store = open_store(tmp_path / "store", machine.transport)
    assert isinstance(store, FolderStore)
    shutil.rmtree(tmp_path / "store")
    assert all(store.find(one) for one in refs)
    assert machine.commands == []


def test_measuring_gives_the_sizes_of_a_save(tmp_path: Path) -> None:
    machine = FakeMachine(images={"stage:1": image_of(ref())})
    size = measure("stage:1", machine.transport, scratch=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert size == create_store(tmp_path / "store", machine.transport).save(ref(), "stage:1").size
    assert size.compressed < size.uncompressed
    with pytest.raises(InfrastructureError, match=r"copying absent:1 out of the engine failed"):
        measure("absent:1", machine.transport, scratch=tmp_path)


def test_a_blob_that_two_layers_share_counts_once() -> None:
    machine = FakeMachine(images={"stage:1": image_of(ref(), b"same" * 100, b"same" * 100)})
    size = measure("stage:1", machine.transport)
    assert size.compressed == size.layers[0].compressed + size.config + size.manifest
    assert size.uncompressed == 800


class Recorder(Stoppable):
    """A `Runner` whose commands all fail."""

    def __init__(self) -> None:
        super().__init__()
        self.argv: tuple[str, ...] = ()

    def run(self, command: Command, **_options: object) -> Completed:
        self.argv = command.argv
        return Completed(command=command, returncode=1, output="", stderr="no", duration=0.0)


@pytest.mark.parametrize(
    ("environ", "flags"),
    [
        ({}, ()),
        ({"DOCKER_HOST": ""}, ()),
        ({"DOCKER_HOST": "unix:///run/user/1/docker.sock"}, ("--src-daemon-host", "unix:///run/user/1/docker.sock")),
        ({"DOCKER_HOST": "tcp://127.0.0.1:2375"}, ("--src-daemon-host", "http://127.0.0.1:2375")),
        (
            {"DOCKER_HOST": "tcp://127.0.0.1:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs"},
            ("--src-daemon-host", "tcp://127.0.0.1:2376", "--src-cert-dir", "/certs"),
        ),
    ],
)
def test_the_engine_is_the_one_that_docker_uses(
    tmp_path: Path, environ: dict[str, str], flags: tuple[str, ...]
) -> None:
    runner = Recorder()
    with pytest.raises(InfrastructureError):
        Transport(FakeEngine(), runner, environ=environ).export("name", tmp_path)
    expected = ("skopeo", "--insecure-policy", "--tmpdir", ".", "copy", "--quiet", *flags)
    assert runner.argv == (*expected, "docker-daemon:name:latest", "dir:unpacked")


def test_an_engine_that_skopeo_cannot_reach(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="stores cannot be used with DOCKER_HOST=ssh://host"):
        Transport(FakeEngine(), Recorder(), environ={"DOCKER_HOST": "ssh://host"}).export("name:1", tmp_path)
