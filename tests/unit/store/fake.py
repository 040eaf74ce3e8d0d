"""A machine without an engine: it answers what stores ask, the engine and `skopeo`, from memory and files.

Blobs are compressed with zlib where skopeo uses zstd; what is written has the shape of skopeo's own files.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.fakes import FakeEngine, Stoppable

from holoenzyme.engine.base import ImageInfo
from holoenzyme.engine.versions import ApiVersion
from holoenzyme.errors import InfrastructureError
from holoenzyme.process import Command, Completed
from holoenzyme.store import StageRef, Transport

TAG = "org.opencontainers.image.ref.name"
INDEX = "index.json"


def sha256(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def ref(stage: str = "enzyme", digit: str = "a") -> StageRef:
    return StageRef(stage=stage, input_hash=digit * 64)


@dataclass(frozen=True)
class Image:
    """An image of the fake engine: labels and the layers' tar archives."""

    labels: dict[str, str]
    layers: tuple[bytes, ...]

    @property
    def config(self) -> bytes:
        diff_ids = [sha256(layer) for layer in self.layers]
        return json.dumps(
            {"config": {"Labels": self.labels}, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
        ).encode()


def image_of(name: StageRef, *layers: bytes) -> Image:
    return Image(labels=name.labels, layers=layers or (b"lower" * 1000, b"upper" * 500))


@dataclass
class FakeMachine(Stoppable):
    """A `Runner`. `images` is what the engine holds; `before` is called with each command's words first.

    `broken` gives some commands another end: a word of the command -> what it says on stderr.
    """

    images: dict[str, Image] = field(default_factory=dict)
    before: Callable[[tuple[str, ...]], None] | None = None
    broken: dict[str, str] = field(default_factory=dict)
    engine_speaks_from: str = "1.12"
    commands: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def transport(self) -> Transport:
        return Transport(MachineEngine(self), self, environ={})

    def run(
        self,
        command: Command,
        *,
        on_line: Callable[[str], None] | None = None,
        log_file: Path | None = None,
        merge: bool = False,
    ) -> Completed:
        words = command.argv
        if words == ("skopeo", "--version"):
            return Completed(command=command, returncode=0, output="skopeo version 1.9.3\n", stderr="", duration=0.0)
        self.commands.append(words)
        if self.before:
            self.before(words)
        status, output, error = self._answer(words, command.cwd)
        return Completed(command=command, returncode=status, output=output, stderr=error, duration=0.0)

    def _answer(self, words: tuple[str, ...], cwd: Path | None) -> tuple[int, str, str]:
        for word, message in self.broken.items():
            if any(word in part for part in words):
                return 1, "", message
        match words:
            case ("skopeo", "--insecure-policy", "--tmpdir", ".", "copy", "--quiet", *rest) if cwd is not None:
                source, target = rest[-2:]
                try:
                    self._put(self._get(source, cwd), target, cwd, compress="--dest-compress-format" in rest)
                except (OSError, ValueError, zlib.error) as problem:
                    return 1, "", f'level=fatal msg="{problem}"'
                return 0, "", ""
            case _:
                raise AssertionError(f"nobody should run {words}")

    def _get(self, source: str, cwd: Path) -> Image:
        kind, _, name = source.partition(":")
        if kind == "docker-daemon":
            if name not in self.images:
                raise ValueError("reference does not exist")
            return self.images[name]
        if kind == "dir":
            manifest = json.loads((cwd / name / "manifest.json").read_bytes())
            folder = cwd / name
        else:
            path, _, tag = name.partition(":")
            index = json.loads((cwd / path / INDEX).read_bytes())
            (found,) = [item for item in index["manifests"] if item["annotations"][TAG] == tag]
            folder = cwd / path / "blobs/sha256"
            manifest = json.loads((folder / found["digest"][7:]).read_bytes())
        config = json.loads((folder / manifest["config"]["digest"][7:]).read_bytes())
        layers = [(folder / layer["digest"][7:]).read_bytes() for layer in manifest["layers"]]
        plain = tuple(zlib.decompress(layer) if kind == "oci" else layer for layer in layers)
        return Image(labels=config["config"]["Labels"], layers=plain)

    def _put(self, image: Image, target: str, cwd: Path, *, compress: bool) -> None:
        kind, _, name = target.partition(":")
        if kind == "docker-daemon":
            self.images[name] = image
        elif kind == "dir":
            (cwd / name).mkdir()
            layers = [_blob(cwd / name, layer) for layer in image.layers]
            (cwd / name / "manifest.json").write_bytes(_manifest(_blob(cwd / name, image.config), layers))
        else:
            assert compress
            write_layout(cwd / name.partition(":")[0], {name.partition(":")[2]: image})


class MachineEngine(FakeEngine):
    """The engine of a fake machine. Its questions are commands too: `engine ping`, `look-at`, `remove`."""

    def __init__(self, machine: FakeMachine) -> None:
        super().__init__()
        self._machine = machine
        self.version = replace(
            self.version, newest=ApiVersion(1, 52), oldest=ApiVersion.parse(machine.engine_speaks_from)
        )

    def ping(self) -> None:
        self._asked("engine", "ping")

    def image(self, reference: str) -> ImageInfo | None:
        self._asked("engine", "look-at", reference)
        image = self._machine.images.get(reference)
        if image is None:
            return None
        layers = tuple(sha256(layer) for layer in image.layers)
        return ImageInfo(id="", tags=(reference,), labels=image.labels, size=0, created=0.0, layers=layers)

    def remove(self, reference: str) -> None:
        self._asked("engine", "remove", reference)
        del self._machine.images[reference]

    def _asked(self, *words: str) -> None:
        self._machine.commands.append(words)
        if self._machine.before:
            self._machine.before(words)
        for word, message in self._machine.broken.items():
            if word in words:
                raise InfrastructureError("the Docker engine does not answer", why=message)


def _blob(folder: Path, content: bytes) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / sha256(content)[7:]).write_bytes(content)
    return {"mediaType": "application/octet-stream", "digest": sha256(content), "size": len(content)}


def _manifest(config: dict[str, Any], layers: list[dict[str, Any]]) -> bytes:
    config = config | {"mediaType": "application/vnd.oci.image.config.v1+json"}
    return json.dumps({"schemaVersion": 2, "config": config, "layers": layers}).encode()


def write_layout(folder: Path, images: dict[str, Image]) -> None:
    """An OCI image layout as skopeo writes it."""
    blobs = folder / "blobs/sha256"
    found = []
    for tag, image in images.items():
        layers = [_blob(blobs, zlib.compress(layer)) for layer in image.layers]
        manifest = _blob(blobs, _manifest(_blob(blobs, image.config), layers))
        manifest["mediaType"] = "application/vnd.oci.image.manifest.v1+json"
        found.append(manifest | {"annotations": {TAG: tag}})
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / INDEX).write_text(json.dumps({"schemaVersion": 2, "manifests": found}))


def write_store(folder: Path, images: dict[str, Image]) -> None:
    """A store written by hand: whatever labels and tags a test wants."""
    write_layout(folder, images)
    (folder / "holoenzyme-store.json").write_text('{"schema": 1}')


def change(path: Path, edit: Callable[[Any], object]) -> None:
    """Edit a JSON file in place."""
    data = json.loads(path.read_text())
    edit(data)
    path.write_text(json.dumps(data))
