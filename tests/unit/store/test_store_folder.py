"""Folders as stores: what is saved is found, loaded and pruned; killed and simultaneous savers do no harm."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import Timeout
from tests.processes import PATIENCE
from tests.unit.store.fake import FakeMachine, Image, change, image_of, ref, sha256

from holoenzyme.engine.versions import UnfitVersion
from holoenzyme.errors import InfrastructureError, InternalError, UserError
from holoenzyme.store import (
    FolderStore,
    StageRef,
    StoreRefusedError,
    StoreState,
    create_store,
    folder,
    measure,
    open_store,
)
from holoenzyme.store.layout import Layout, LayoutImage


def opened(path: Path, machine: FakeMachine) -> FolderStore:
    store = open_store(path, machine.transport)
    assert isinstance(store, FolderStore), store
    return store


def saved(path: Path, machine: FakeMachine, *refs: StageRef) -> FolderStore:
    """A store with an image for each ref, which the engine then has no more."""
    store = create_store(path, machine.transport)
    for number, one in enumerate(refs):
        machine.images["local:1"] = image_of(one, b"base" * 1000, bytes([number]) * 3000)
        store.save(one, "local:1")
    machine.images.clear()
    return store


def test_what_is_saved_is_found_and_loaded(tmp_path: Path) -> None:
    machine = FakeMachine()
    original = machine.images["stage:1"] = image_of(ref())
    kept = create_store(tmp_path / "new" / "store", machine.transport).save(ref(), "stage:1")
    machine.images.clear()

    store = opened(tmp_path / "new" / "store", machine)
    found = store.find(ref())
    assert found is not None
    assert (found.digest, found.size, found.store) == (kept.digest, kept.size.compressed, store)
    assert store.find(ref(digit="b")) is None
    assert store.find(ref(stage="other")) is None
    store.load(ref(), "loaded:1")
    assert machine.images == {"loaded:1": original}
    assert store.verify() == []


def test_sizes_are_those_of_the_blobs(tmp_path: Path) -> None:
    machine = FakeMachine()
    image = machine.images["stage:1"] = image_of(ref(), b"x" * 10_000, b"y" * 20_000)
    kept = create_store(tmp_path, machine.transport).save(ref(), "stage:1")
    on_disk = {path.name: path.stat().st_size for path in (tmp_path / "blobs/sha256").iterdir()}
    assert kept.size.compressed == kept.added == sum(on_disk.values())
    assert [layer.uncompressed for layer in kept.size.layers] == [10_000, 20_000]
    assert kept.size.uncompressed == 30_000
    assert [layer.diff_id for layer in kept.size.layers] == [sha256(layer) for layer in image.layers]
    assert [on_disk[layer.digest[7:]] for layer in kept.size.layers] == [layer.compressed for layer in kept.size.layers]


def test_a_second_save_of_the_same_image_copies_nothing(tmp_path: Path) -> None:
    machine = FakeMachine(images={"stage:1": image_of(ref())})
    first = create_store(tmp_path, machine.transport).save(ref(), "stage:1")
    machine.commands.clear()
    second = opened(tmp_path, machine).save(ref(), "stage:1")
    assert (second.digest, second.size, second.added) == (first.digest, first.size, 0)
    assert [words[:2] for words in machine.commands] == [("engine", "look-at")]


def test_another_image_of_the_same_ref_replaces_the_first(tmp_path: Path) -> None:
    machine = FakeMachine(images={"stage:1": image_of(ref(), b"old")})
    store = create_store(tmp_path, machine.transport)
    store.save(ref(), "stage:1")
    newer = machine.images["stage:1"] = image_of(ref(), b"new")
    assert store.save(ref(), "stage:1").added > 0
    store.load(ref(), "loaded:1")
    assert machine.images["loaded:1"] == newer


def test_a_shared_layer_is_stored_once(tmp_path: Path) -> None:
    machine = FakeMachine(images={"a:1": image_of(ref("a"), b"base" * 5000), "b:1": image_of(ref("b"), b"base" * 5000)})
    store = create_store(tmp_path, machine.transport)
    store.save(ref("a"), "a:1")
    second = store.save(ref("b"), "b:1")
    assert second.added == second.size.config + second.size.manifest


def test_an_image_with_other_labels_is_not_saved(tmp_path: Path) -> None:
    machine = FakeMachine(images={"stage:1": image_of(ref(digit="b"))})
    store = create_store(tmp_path, machine.transport)
    with pytest.raises(
        InternalError, match=r"was to be saved as enzyme-a+, but its label org\.holoenzyme\.input-hash is 'bb"
    ):
        store.save(ref(), "stage:1")
    with pytest.raises(InternalError, match="the engine does not have it"):
        store.save(ref(), "absent:1")
    assert opened(tmp_path, machine).find(ref()) is None


def test_an_image_that_changes_while_it_is_saved_is_not_saved(tmp_path: Path) -> None:
    machine = FakeMachine(images={"stage:1": image_of(ref(), b"old")})

    def retag(words: tuple[str, ...]) -> None:
        if words[0] == "skopeo":
            machine.images["stage:1"] = image_of(ref(), b"new")

    machine.before = retag
    with pytest.raises(InternalError, match="changed while it was saved"):
        create_store(tmp_path, machine.transport).save(ref(), "stage:1")
    assert opened(tmp_path, machine).find(ref()) is None


def test_what_the_engine_shows_after_a_load_is_compared(tmp_path: Path) -> None:
    machine = FakeMachine()
    store = saved(tmp_path, machine, ref())

    def replace(words: tuple[str, ...]) -> None:
        if words[:2] == ("engine", "look-at"):
            machine.images["loaded:1"] = Image(labels={}, layers=(b"other",))

    machine.before = replace
    with pytest.raises(InfrastructureError, match="the engine shows other labels or layers"):
        store.load(ref(), "loaded:1")
    assert machine.images == {}


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"skopeo": "no space left on device"}, "unpacking an image failed"),
        ({"docker-daemon": "closed pipe", "ping": "Cannot connect"}, "copying loaded:1 into the engine failed"),
        ({"look-at": "Cannot connect to the Docker daemon"}, "the Docker engine does not answer"),
    ],
)
def test_trouble_of_the_machine_is_not_blamed_on_the_store(
    tmp_path: Path, broken: dict[str, str], message: str
) -> None:
    machine = FakeMachine()
    store = saved(tmp_path, machine, ref())
    machine.broken = broken
    with pytest.raises(InfrastructureError, match=message) as caught:
        store.load(ref(), "loaded:1")
    assert not isinstance(caught.value, StoreRefusedError)
    assert store.refused is None
    machine.broken = {}
    store.load(ref(), "loaded:1")


def test_a_skopeo_that_the_engine_does_not_understand_is_not_blamed_on_the_store(tmp_path: Path) -> None:
    """What it says itself of a load is `io: read/write on closed pipe`."""
    machine = FakeMachine()
    store = saved(tmp_path, machine, ref())
    machine.engine_speaks_from = "1.24"
    machine.broken = {"docker-daemon": "writing blob: io: read/write on closed pipe"}
    for do in (
        lambda: opened(tmp_path, machine).load(ref(), "loaded:1"),
        lambda: measure("stage:1", machine.transport, scratch=tmp_path),
    ):
        with pytest.raises(UnfitVersion) as caught:
            do()
        assert caught.value.what == "skopeo 1.9.3 is too old for Docker Engine 20.10.24"
        assert caught.value.fix is not None and "1.14.2" in caught.value.fix
    assert store.refused is None


def test_a_full_or_absent_scratch_folder_is_the_machines_fault(tmp_path: Path) -> None:
    machine = FakeMachine()
    saved(tmp_path / "store", machine, ref())
    store = open_store(tmp_path / "store", machine.transport, scratch=tmp_path / "absent")
    assert isinstance(store, FolderStore)
    with pytest.raises(InfrastructureError, match=r"absent could not be written") as caught:
        store.load(ref(), "loaded:1")
    assert not isinstance(caught.value, StoreRefusedError)
    with pytest.raises(InfrastructureError, match=r"absent could not be written"):
        measure("loaded:1", machine.transport, scratch=tmp_path / "absent")


def test_a_store_that_another_process_holds_is_waited_for_ten_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Busy:
        def __init__(self, path: Path) -> None:
            self.lock_file = str(path)

        def acquire(self, timeout: float) -> None:
            waited.append(timeout)
            raise Timeout(self.lock_file)

    waited: list[float] = []
    machine = FakeMachine(images={"stage:1": image_of(ref())})
    store = create_store(tmp_path, machine.transport)
    monkeypatch.setattr(folder, "FileLock", Busy)
    with pytest.raises(InfrastructureError, match=f"store {tmp_path} is locked") as caught:
        store.save(ref(), "stage:1")
    assert waited == [600.0]
    assert caught.value.why == f"another process has held {tmp_path}/.lock for 600 s"


def test_savers_at_once_all_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Layout.entries

    def slowly(layout: Layout) -> dict[str, LayoutImage]:
        entries = read(layout)
        time.sleep(0.05)  # without the lock, all have read the index before one writes it
        return entries

    monkeypatch.setattr(Layout, "entries", slowly)
    machine = FakeMachine(images={f"{name}:1": image_of(ref(name)) for name in "abcd"})
    meet = threading.Barrier(4)
    create_store(tmp_path, machine.transport)

    def wait(words: tuple[str, ...]) -> None:
        if "--dest-compress-format" in words:
            meet.wait(timeout=PATIENCE)

    machine.before = wait
    stores = [opened(tmp_path, machine) for _ in "abcd"]
    savers = [threading.Thread(target=stores[n].save, args=(ref(name), f"{name}:1")) for n, name in enumerate("abcd")]
    for saver in savers:
        saver.start()
    for saver in savers:
        saver.join()
    store = opened(tmp_path, machine)
    assert all(store.find(ref(name)) for name in "abcd")
    assert store.verify() == []


def in_a_process_that_dies(work: Callable[..., object], *arguments: object, point: int | None = None) -> int:
    """Run in a child that may end at once, as if killed; its exit status.

    With a `point` it ends when a file is about to be put in place for that time, counted from 0.
    """
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if point is not None:
                die_at(point)
            work(*arguments)
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def die_at(point: int) -> None:
    """End this process, without any clean-up, at the n-th `Path.replace`."""
    real, calls = Path.replace, itertools.count()

    def replace(path: Path, target: Path) -> Path:
        if next(calls) == point:
            os._exit(9)
        return real(path, target)

    Path.replace = replace  # type: ignore[method-assign,assignment]


def test_a_save_killed_at_any_point_leaves_a_valid_store(tmp_path: Path) -> None:
    statuses = []
    for point in range(20):
        machine = FakeMachine()
        path = tmp_path / str(point)
        saved(path, machine, ref("first"))
        machine.images["second:1"] = image_of(ref("second"))
        store = opened(path, machine)
        statuses.append(in_a_process_that_dies(store.save, ref("second"), "second:1", point=point))
        store = opened(path, machine)
        assert store.verify() == []
        assert store.find(ref("first"))
        assert bool(store.find(ref("second"))) == (statuses[-1] == 0)
        keep = {ref("first"), ref("second")}
        assert (store.prune(keep, dry_run=True) > 0) == (statuses[-1] == 9)
        store.save(ref("second"), "second:1")
        assert store.prune(keep, dry_run=True) == 0
        assert {item.name for item in path.iterdir()} == {
            *(".lock", "blobs", "holoenzyme-store.json", "index.json", "oci-layout")
        }
        assert opened(path, machine).verify() == []
        if statuses[-1] == 0:
            break
    # Four blobs and the index.
    assert statuses == [9, 9, 9, 9, 9, 0]


def test_a_save_killed_while_skopeo_copies(tmp_path: Path) -> None:
    machine = FakeMachine()
    saved(tmp_path, machine, ref("first"))
    machine.images["second:1"] = image_of(ref("second"))

    def die(words: tuple[str, ...]) -> None:
        if "--dest-compress-format" in words:
            os._exit(9)

    machine.before = die
    assert in_a_process_that_dies(opened(tmp_path, machine).save, ref("second"), "second:1") == 9
    machine.before = None
    assert list(tmp_path.glob(".incoming-*"))
    store = opened(tmp_path, machine)
    assert store.prune({ref("first")}, dry_run=True) > 0
    assert list(tmp_path.glob(".incoming-*"))
    assert store.prune({ref("first")}) > 0
    assert not list(tmp_path.glob(".incoming-*"))
    assert store.find(ref("first"))


def test_making_a_store_killed_at_any_point_can_be_done_again(tmp_path: Path) -> None:
    machine = FakeMachine()
    for point, status in enumerate([9, 9, 9, 0]):
        path = tmp_path / str(point)
        assert in_a_process_that_dies(create_store, path, machine.transport, point=point) == status
        assert create_store(path, machine.transport).verify() == []


def test_prune_leaves_alone_what_is_being_saved(tmp_path: Path) -> None:
    machine = FakeMachine(images={"stage:1": image_of(ref())})
    store = create_store(tmp_path, machine.transport)
    freed = []

    def prune(words: tuple[str, ...]) -> None:
        if "--dest-compress-format" in words:
            freed.append(opened(tmp_path, machine).prune(set()))

    machine.before = prune
    store.save(ref(), "stage:1")
    assert freed == [0]
    store.load(ref(), "loaded:1")


def test_prune_frees_what_no_kept_image_names(tmp_path: Path) -> None:
    machine = FakeMachine()
    store = saved(tmp_path, machine, ref("keep"), ref("drop"))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".incoming-link").symlink_to(tmp_path / "elsewhere")
    foreign = tmp_path / "blobs/sha256/README"
    foreign.write_text("not ours")
    blobs = {path: path.stat().st_size for path in (tmp_path / "blobs/sha256").iterdir()}

    would = store.prune({ref("keep")}, dry_run=True)
    assert all(path.exists() for path in blobs)
    assert store.find(ref("drop"))

    assert store.prune({ref("keep")}) == would == sum(size for path, size in blobs.items() if not path.exists()) > 0
    assert foreign.exists()
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert store.find(ref("drop")) is None
    reopened = opened(tmp_path, machine)
    assert reopened.find(ref("drop")) is None
    reopened.load(ref("keep"), "kept:1")


def test_only_new_or_empty_folders_become_stores(tmp_path: Path) -> None:
    machine = FakeMachine()
    (tmp_path / "mine.txt").write_text("a user's file")
    with pytest.raises(UserError, match="nothing can be saved to") as caught:
        create_store(tmp_path, machine.transport)
    assert caught.value.fix == "name a new or empty folder with --save"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_damaged_store_is_not_saved_to(tmp_path: Path) -> None:
    machine = FakeMachine()
    saved(tmp_path, machine, ref())
    change(tmp_path / "index.json", lambda index: index["manifests"][0].update(size=1))
    with pytest.raises(StoreRefusedError) as caught:
        create_store(tmp_path, machine.transport)
    assert caught.value.refused.state is StoreState.DAMAGED
    assert caught.value.fix == f"remove {tmp_path} and make it again with `nox -s build-image -- --save DIR`"


def test_a_folder_that_cannot_be_written_is_the_machines_fault(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(InfrastructureError, match="could not be written"):
        create_store(blocked / "store", FakeMachine().transport)


@pytest.mark.parametrize(
    "parts",
    [
        {"stage": ""},
        {"stage": "A"},
        {"stage": "a" * 64},
        {"stage": "-a"},
        {"input_hash": "a" * 63},
        {"input_hash": "A" * 64},
    ],
)
def test_refs_that_cannot_be_tags(parts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"is no (stage name|input hash)"):
        StageRef(**({"stage": "enzyme", "input_hash": "a" * 64} | parts))


def test_a_tag_has_no_slash() -> None:
    assert ref("packages/llvm").tag == f"packages.llvm-{'a' * 64}"
