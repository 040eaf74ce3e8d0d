"""Damaged and hostile stores: refused whole, with the reason, before anything reaches the engine."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.store.fake import FakeMachine, Image, change, image_of, ref, sha256, write_layout, write_store

from holoenzyme.store import FolderStore, Refused, StoreRefusedError, StoreState, open_store
from holoenzyme.store.layout import DOCUMENT_LIMIT


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A sound store with one image."""
    write_store(tmp_path / "store", {ref().tag: image_of(ref())})
    return tmp_path / "store"


def blob(store: Path, what: str) -> Path:
    """The blob of the manifest, the configuration, or the upper layer."""
    digest: str = json.loads((store / "index.json").read_text())["manifests"][0]["digest"]
    if what != "manifest":
        manifest = json.loads((store / "blobs/sha256" / digest[7:]).read_text())
        digest = (manifest["config"] if what == "config" else manifest["layers"][1])["digest"]
    return store / "blobs/sha256" / digest[7:]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def with_manifest(store: Path, edit: Callable[[Any], object]) -> None:
    """Change the manifest and name it in the index by its new digest."""
    manifest = json.loads(blob(store, "manifest").read_text())
    edit(manifest)
    content = json.dumps(manifest).encode()
    (store / "blobs/sha256" / sha256(content)[7:]).write_bytes(content)
    change(store / "index.json", lambda i: i["manifests"][0].update(digest=sha256(content), size=len(content)))


def refusal(store: Path) -> Refused:
    """What opening the store says."""
    machine = FakeMachine()
    refused = open_store(store, machine.transport)
    assert isinstance(refused, Refused)
    assert machine.commands == []
    return refused


def failed_load(store: Path) -> str:
    """The reason for which loading is refused; the engine holds nothing then, and the refusal lasts."""
    machine = FakeMachine()
    opened = open_store(store, machine.transport)
    assert isinstance(opened, FolderStore), opened
    assert opened.find(ref())
    with pytest.raises(StoreRefusedError) as caught:
        opened.load(ref(), "loaded:1")
    assert machine.images == {}
    assert not any("docker-daemon:" in word for words in machine.commands for word in words)
    assert opened.refused == caught.value.refused
    assert caught.value.refused.state is StoreState.DAMAGED
    assert opened.find(ref()) is None
    with pytest.raises(StoreRefusedError):
        opened.load(ref(), "loaded:1")
    with pytest.raises(StoreRefusedError):
        opened.save(ref(), "loaded:1")
    return caught.value.refused.reason


def test_the_sound_store_is_accepted(store: Path) -> None:
    machine = FakeMachine()
    opened = open_store(store, machine.transport)
    assert isinstance(opened, FolderStore)
    assert opened.verify() == []
    opened.load(ref(), "loaded:1")
    assert machine.images == {"loaded:1": image_of(ref())}


# ---- foreign


def remove_marker(store: Path) -> None:
    (store / "holoenzyme-store.json").unlink()


def later_schema(store: Path) -> None:
    (store / "holoenzyme-store.json").write_text('{"schema": 2}')


def foreign_marker(store: Path) -> None:
    (store / "holoenzyme-store.json").write_text('{"schema": 1, "more": true}')


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (remove_marker, "it is not a store of this project: holoenzyme-store.json is missing"),
        (later_schema, "its schema version is 2; this version of the project reads 1"),
        (
            foreign_marker,
            "it is not a store of this project: holoenzyme-store.json: more: Extra inputs are not permitted",
        ),
    ],
)
def test_foreign_folders(store: Path, edit: Callable[[Path], None], reason: str) -> None:
    edit(store)
    refused = refusal(store)
    assert (refused.state, refused.reason) == (StoreState.FOREIGN, reason)
    assert str(refused) == f"store {store} is refused (foreign): {reason}"


def test_a_layout_of_somebody_else_is_foreign(tmp_path: Path) -> None:
    write_layout(tmp_path, {"latest": Image(labels={}, layers=(b"x",))})
    assert refusal(tmp_path).state is StoreState.FOREIGN


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    refused = refusal(tmp_path / "absent")
    assert (refused.state, refused.reason) == (StoreState.MISSING, "there is no such folder")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert refusal(tmp_path / "loop").state is StoreState.MISSING


# ---- damage that opening sees


def wrong_version(store: Path) -> None:
    (store / "oci-layout").write_text('{"imageLayoutVersion": "2.0.0"}')


def unreadable_index(store: Path) -> None:
    (store / "index.json").write_text('{"schemaVersion": 2, "manifests": [')


def huge_index(store: Path) -> None:
    with (store / "index.json").open("a") as file:
        file.write(" " * DOCUMENT_LIMIT)


def deep_index(store: Path) -> None:
    (store / "index.json").write_text('{"schemaVersion": 2, "manifests": ' + "[" * 100_000)


def huge_number(store: Path) -> None:
    text = (store / "index.json").read_text()
    (store / "index.json").write_text(text.replace('"size": ', '"size": ' + "9" * 5000))


def negative_size(store: Path) -> None:
    change(store / "index.json", lambda index: index["manifests"][0].update(size=-1))


def not_utf8(store: Path) -> None:
    (store / "index.json").write_bytes(b'{"schemaVersion": 2, "\xff": 1}')


def digest_of(digest: str) -> Callable[[Path], None]:
    return lambda store: change(store / "index.json", lambda index: index["manifests"][0].update(digest=digest))


def layer_digest(store: Path) -> None:
    with_manifest(store, lambda manifest: manifest["layers"][0].update(digest="sha256:" + "../" * 21 + "x"))


def no_tag(store: Path) -> None:
    change(store / "index.json", lambda index: index["manifests"][0].pop("annotations"))


def same_tag_twice(store: Path) -> None:
    change(store / "index.json", lambda index: index["manifests"].append(index["manifests"][0]))


def nested_index(store: Path) -> None:
    kind = "application/vnd.oci.image.index.v1+json"
    change(store / "index.json", lambda index: index["manifests"][0].update(mediaType=kind))


def artifact(store: Path) -> None:
    with_manifest(store, lambda manifest: manifest["config"].update(mediaType="application/vnd.oci.empty.v1+json"))


def network_layer(store: Path) -> None:
    with_manifest(store, lambda manifest: manifest["layers"][0].update(urls=["http://192.0.2.1/layer"]))


def missing(what: str) -> Callable[[Path], None]:
    return lambda store: blob(store, what).unlink()


def truncated(what: str) -> Callable[[Path], None]:
    return lambda store: os.truncate(blob(store, what), 10)


def linked(what: str) -> Callable[[Path], None]:
    """The blob lies outside, with the right content, behind a symbolic link."""

    def edit(store: Path) -> None:
        path = blob(store, what)
        path.rename(store.parent / "outside")
        path.symlink_to(store.parent / "outside")

    return edit


def linked_folder(store: Path) -> None:
    (store / "blobs").rename(store.parent / "outside")
    (store / "blobs").symlink_to(store.parent / "outside")


def linked_index(store: Path) -> None:
    (store / "index.json").rename(store.parent / "outside")
    (store / "index.json").symlink_to(store.parent / "outside")


def pipe(store: Path) -> None:
    path = blob(store, "layer")
    path.unlink()
    os.mkfifo(path)


def folder(store: Path) -> None:
    path = blob(store, "layer")
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        pytest.param(wrong_version, "oci-layout: imageLayoutVersion: Input should be '1.0.0'", id="wrong version"),
        pytest.param(unreadable_index, "index.json: Invalid JSON: EOF while parsing", id="unreadable index"),
        pytest.param(huge_index, "index.json is larger than 8000000 bytes", id="huge index"),
        pytest.param(deep_index, "index.json: Invalid JSON: recursion limit exceeded", id="deep index"),
        pytest.param(huge_number, "index.json: ", id="huge number"),
        pytest.param(negative_size, "index.json: manifests.0.size: Input should be greater", id="negative size"),
        pytest.param(not_utf8, "index.json: Invalid JSON: ", id="not utf-8"),
        pytest.param(digest_of("sha256:../../../etc/passwd"), "index.json: manifests.0.digest: String", id="traversal"),
        pytest.param(digest_of("/etc/passwd"), "index.json: manifests.0.digest: String", id="absolute"),
        pytest.param(digest_of(f"sha256:{'a' * 64}\n"), "index.json: manifests.0.digest: String", id="line end"),
        pytest.param(digest_of(f"sha512:{'a' * 128}"), "index.json: manifests.0.digest: String", id="other algorithm"),
        pytest.param(digest_of(f"sha256:{'a' * 64}"), f"blob sha256:{'a' * 64} is missing", id="unknown digest"),
        pytest.param(layer_digest, "layers.0.digest: String should match", id="traversal in a manifest"),
        pytest.param(no_tag, "without a tag", id="no tag"),
        pytest.param(same_tag_twice, "index.json has two images with the tag 'enzyme-aaaa", id="tag twice"),
        pytest.param(nested_index, "which is not one image's manifest", id="nested index"),
        pytest.param(artifact, "is not the manifest of an image", id="artifact"),
        pytest.param(network_layer, "has a layer that lies elsewhere, on the network", id="layer on the network"),
        pytest.param(missing("manifest"), "is missing", id="missing manifest"),
        pytest.param(missing("config"), "is missing", id="missing configuration"),
        pytest.param(missing("layer"), "is missing", id="missing layer"),
        pytest.param(truncated("manifest"), "has 10 bytes where", id="truncated manifest"),
        pytest.param(truncated("layer"), "has 10 bytes where", id="truncated layer"),
        pytest.param(linked("manifest"), "is a symbolic link", id="linked manifest"),
        pytest.param(linked("layer"), "is a symbolic link", id="linked layer"),
        pytest.param(linked_folder, "blobs is not a folder of its own", id="linked folder"),
        pytest.param(linked_index, "index.json is a symbolic link", id="linked index"),
        pytest.param(pipe, "is not a regular file", id="pipe"),
        pytest.param(folder, "is not a regular file", id="folder"),
    ],
)
def test_damage_that_opening_sees(store: Path, edit: Callable[[Path], None], reason: str) -> None:
    edit(store)
    refused = refusal(store)
    assert refused.state is StoreState.DAMAGED
    assert reason in refused.reason


def test_a_flipped_byte_in_a_manifest_is_seen_at_once(store: Path) -> None:
    flip(blob(store, "manifest"))
    assert "has the content of sha256:" in refusal(store).reason


# ---- damage that using it sees


@pytest.mark.parametrize("what", ["config", "layer"])
def test_a_flipped_byte(store: Path, what: str) -> None:
    path = blob(store, what)
    flip(path)
    content = sha256(path.read_bytes())
    assert failed_load(store) == f"{ref().tag}: blob sha256:{path.name} has the content of {content}"


def test_a_tag_that_lies(tmp_path: Path) -> None:
    write_store(tmp_path, {ref().tag: image_of(ref(digit="b"))})
    assert failed_load(tmp_path) == (
        f"{ref().tag}: the image calls itself {'b' * 64!r} in label org.holoenzyme.input-hash"
    )


def test_an_image_without_labels(tmp_path: Path) -> None:
    write_store(tmp_path, {ref().tag: Image(labels={}, layers=(b"x",))})
    assert failed_load(tmp_path) == f"{ref().tag}: the image calls itself None in label org.holoenzyme.stage"


def test_a_configuration_with_another_number_of_layers(store: Path) -> None:
    with_manifest(store, lambda manifest: manifest["layers"].pop())
    assert failed_load(store).endswith("speaks of 2 layers, its manifest of 1")


def test_layers_that_are_not_what_the_configuration_says(store: Path) -> None:
    other = zlib.compress(b"something else")
    (store / "blobs/sha256" / sha256(other)[7:]).write_bytes(other)
    with_manifest(store, lambda manifest: manifest["layers"][1].update(digest=sha256(other), size=len(other)))
    assert failed_load(store).endswith("its layers unpack to something else than its configuration says")


def test_layers_that_do_not_unpack(store: Path) -> None:
    other = b"not compressed at all"
    (store / "blobs/sha256" / sha256(other)[7:]).write_bytes(other)
    with_manifest(store, lambda manifest: manifest["layers"][1].update(digest=sha256(other), size=len(other)))
    assert "its layers do not unpack: " in failed_load(store)


def test_an_image_that_a_working_engine_does_not_take(store: Path) -> None:
    machine = FakeMachine(broken={"docker-daemon:": "Error processing tar file"})
    opened = open_store(store, machine.transport)
    assert isinstance(opened, FolderStore)
    with pytest.raises(StoreRefusedError):
        opened.load(ref(), "loaded:1")
    assert opened.refused
    assert opened.refused.reason == f"{ref().tag}: the engine does not take it: Error processing tar file"


@pytest.mark.parametrize("what", ["config", "layer"])
def test_verify_finds_a_flipped_byte(store: Path, what: str) -> None:
    flip(blob(store, what))
    opened = open_store(store, FakeMachine().transport)
    assert isinstance(opened, FolderStore)
    (problem,) = opened.verify()
    assert problem.tag == ref().tag
    assert "has the content of sha256:" in problem.reason
    assert opened.refused
    assert opened.find(ref()) is None


def test_verify_finds_tags_that_lie(tmp_path: Path) -> None:
    lying, bare = ref(digit="b").tag, ref(digit="c").tag
    write_store(tmp_path, {ref().tag: image_of(ref()), lying: image_of(ref()), bare: Image(labels={}, layers=(b"x",))})
    opened = open_store(tmp_path, FakeMachine().transport)
    assert isinstance(opened, FolderStore)
    assert [(problem.tag, problem.reason) for problem in opened.verify()] == [
        (lying, f"the image calls itself {ref().tag}"),
        (bare, "the image's labels do not say which stage it is: 'org.holoenzyme.stage'"),
    ]


def test_the_index_is_replaced_not_followed(tmp_path: Path, store: Path) -> None:
    """A link that lies where a new index is written first does not lead the writing out of the store."""
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (store / "index.json.new").symlink_to(victim)
    opened = open_store(store, FakeMachine().transport)
    assert isinstance(opened, FolderStore)
    opened.prune({ref()})
    assert victim.read_text() == "untouched"
