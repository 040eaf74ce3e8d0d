"""Stores with a real engine and the real skopeo: a small image goes out and comes back the same."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from holoenzyme.engine.client import find_client
from holoenzyme.engine.docker import DockerEngine
from holoenzyme.errors import InfrastructureError
from holoenzyme.process import Command, SubprocessRunner
from holoenzyme.store import (
    FolderStore,
    StageRef,
    StoreRefusedError,
    Transport,
    create_store,
    measure,
    open_store,
)

REF = StageRef(stage="test/tiny", input_hash="5" * 64)
RUNNER = SubprocessRunner()
TEXT = "".join(f"{number}\n" for number in range(20_000))


def docker(*words: str) -> str:
    argv = (str(find_client(RUNNER).path), *words)
    return RUNNER.run(Command(argv=argv, timeout=120, env={"DOCKER_BUILDKIT": "1"})).check("docker").output


@pytest.fixture
def names() -> Iterator[tuple[str, str]]:
    """Two image names of this test's own: to build, and to load; both are gone afterwards."""
    repository = f"holoenzyme-test/{uuid.uuid4().hex}"
    yield f"{repository}:built", f"{repository}:loaded"
    for image in docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository).split():
        docker("image", "rm", image)


@pytest.fixture
def built(names: tuple[str, str], tmp_path: Path) -> str:
    """An image of two layers, with its labels given on the command line as the build gives them."""
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\nENV WHO=tiny\nCOPY one /\nCOPY two /folder/two\n")
    (context / "one").write_text(TEXT)
    (context / "two").write_text(uuid.uuid4().hex)
    (context / "two").chmod(0o750)
    labels = [word for key, value in REF.labels.items() for word in ("--label", f"{key}={value}")]
    docker("build", "--quiet", "--tag", names[0], *labels, str(context))
    return names[0]


def content(image: str, folder: Path) -> dict[str, tuple[int, bytes]]:
    """The files of an image: mode and bytes, by name."""
    container = docker("create", image, "none").strip()
    try:
        docker("export", "--output", str(folder / "content.tar"), container)
    finally:
        docker("rm", container)
    with tarfile.open(fileobj=io.BytesIO((folder / "content.tar").read_bytes())) as archive:
        return {
            item.name: (item.mode & 0o777, file.read())
            for item in archive
            if item.name in ("one", "folder/two") and (file := archive.extractfile(item))
        }


def reopened(path: Path) -> FolderStore:
    store = open_store(path, Transport(DockerEngine(RUNNER), RUNNER))
    assert isinstance(store, FolderStore), store
    return store


def test_out_and_back(built: str, names: tuple[str, str], tmp_path: Path) -> None:
    before = content(built, tmp_path)
    assert before["one"] == (0o644, TEXT.encode())
    assert before["folder/two"][0] == 0o750

    # A colon in the path is no accident: skopeo's own names cannot hold one.
    path = tmp_path / "with:colon" / "store"
    saved = create_store(path, Transport(DockerEngine(RUNNER), RUNNER)).save(REF, built)
    sizes = [file.stat().st_size for file in (path / "blobs/sha256").iterdir()]
    assert saved.size.compressed == saved.added == sum(sizes)
    assert len(saved.size.layers) == 2
    assert saved.size.uncompressed > len(TEXT) > saved.size.compressed
    assert measure(built, Transport(DockerEngine(RUNNER), RUNNER)) == saved.size
    assert {file.name for file in path.iterdir()} == {
        *(".lock", "blobs", "holoenzyme-store.json", "index.json", "oci-layout")
    }
    for blob in (path / "blobs/sha256").iterdir():
        head = blob.read_bytes()[:4]
        assert head.startswith(b"{") or head == b"\x28\xb5\x2f\xfd", "neither a document nor zstd"

    docker("image", "rm", built)
    store = reopened(path)
    assert store.verify() == []
    store.load(REF, names[1])
    assert content(names[1], tmp_path) == before
    config = json.loads(docker("image", "inspect", names[1]))[0]["Config"]
    assert config["Labels"] == REF.labels
    assert "WHO=tiny" in config["Env"]
    # What was loaded counts as what is there: saving it again copies nothing.
    assert store.save(REF, names[1]).added == 0


def test_a_flipped_byte_reaches_no_engine(built: str, names: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "store"
    saved = create_store(path, Transport(DockerEngine(RUNNER), RUNNER)).save(REF, built)
    blob = path / "blobs/sha256" / saved.size.layers[0].digest.removeprefix("sha256:")
    damaged = bytearray(blob.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    blob.write_bytes(damaged)

    store = reopened(path)
    with pytest.raises(StoreRefusedError) as caught:
        store.load(REF, names[1])
    digest = saved.size.layers[0].digest
    assert caught.value.refused.reason.startswith(f"{REF.tag}: blob {digest} has the content of sha256:")
    assert Transport(DockerEngine(RUNNER), RUNNER).inspect(names[1]) is None
    assert store.find(REF) is None


def test_a_layer_that_is_no_archive(built: str, names: tuple[str, str], tmp_path: Path) -> None:
    """All digests and labels are right, and the engine cannot use it: that is the store's fault, not the engine's."""
    path = tmp_path / "store"
    create_store(path, Transport(DockerEngine(RUNNER), RUNNER)).save(REF, built)
    blobs = path / "blobs/sha256"
    index = json.loads((path / "index.json").read_text())
    manifest = json.loads((blobs / index["manifests"][0]["digest"][7:]).read_text())
    config = json.loads((blobs / manifest["config"]["digest"][7:]).read_text())
    garbage = put(blobs, b"this is no tar archive" * 100)
    config["rootfs"]["diff_ids"][1] = garbage["digest"]
    manifest["layers"][1] = garbage | {"mediaType": "application/vnd.oci.image.layer.v1.tar"}
    manifest["config"].update(put(blobs, json.dumps(config).encode()))
    index["manifests"][0].update(put(blobs, json.dumps(manifest).encode()))
    (path / "index.json").write_text(json.dumps(index))

    store = reopened(path)
    assert store.verify() == []
    with pytest.raises(StoreRefusedError) as caught:
        store.load(REF, names[1])
    assert caught.value.refused.reason.startswith(f"{REF.tag}: the engine ")
    assert Transport(DockerEngine(RUNNER), RUNNER).inspect(names[1]) is None


def put(blobs: Path, content: bytes) -> dict[str, str | int]:
    """Write a blob and describe it."""
    digest = hashlib.sha256(content).hexdigest()
    (blobs / digest).write_bytes(content)
    return {"digest": f"sha256:{digest}", "size": len(content)}


def test_an_engine_that_is_not_there(built: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store"
    create_store(path, Transport(DockerEngine(RUNNER), RUNNER)).save(REF, built)
    with monkeypatch.context() as patch:
        patch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
        store = reopened(path)
        with pytest.raises(InfrastructureError, match=r"does not answer at .*/nobody\.sock") as caught:
            store.load(REF, "x:1")
    assert not isinstance(caught.value, StoreRefusedError)
    assert store.find(REF)
