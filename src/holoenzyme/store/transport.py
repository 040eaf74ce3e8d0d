"""Carries images between the local engine and a layout on disk; skopeo does the copying.

Both ways go through an unpacked form (skopeo's `dir:`), for two reasons: skopeo cannot give layers compressed with zstd
to the engine, and the unpacked form shows each layer's uncompressed size and digest.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from holoenzyme.engine.base import Images
from holoenzyme.engine.versions import check_skopeo
from holoenzyme.errors import InfrastructureError, UserError
from holoenzyme.process import Command, Completed, Runner
from holoenzyme.store.layout import DamagedError, ImageConfig, Layout, LayoutImage, Manifest
from holoenzyme.store.model import ImageSize, LayerSize

#: Seconds for one copy. The largest images have a few GB, and zstd level 10 does some 8 MB/s a core.
COPY_TIMEOUT = 1800.0
_ASK_TIMEOUT = 60.0
#: Sizes and budgets are defined at this level (klauspost's encoder in skopeo, which maps 10 to its best).
ZSTD_LEVEL = 10

#: Names inside a work folder. skopeo runs in that folder, because its `oci:` names cannot hold a path with a colon.
LAYOUT = "layout"
UNPACKED = "unpacked"
TAG = "image"


@dataclass(frozen=True, kw_only=True)
class LocalImage:
    """An image of the engine, as far as it can be compared: ids differ after a copy, labels and layers do not."""

    labels: Mapping[str, str]
    diff_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Exported:
    """An image that was copied out of the engine."""

    layout: Layout
    entry: LayoutImage
    config: ImageConfig
    size: ImageSize


class Transport:
    """The way to an engine, which `DOCKER_HOST` names to skopeo too."""

    def __init__(self, engine: Images, runner: Runner, *, environ: Mapping[str, str] | None = None) -> None:
        self._engine = engine
        self._runner = runner
        self._environ = os.environ if environ is None else environ

    def inspect(self, image_name: str) -> LocalImage | None:
        """The engine's image of this name, or None. Raises `InfrastructureError` where the engine does not answer."""
        image = self._engine.image(image_name)
        return None if image is None else LocalImage(labels=image.labels, diff_ids=image.layers)

    def answers(self) -> bool:
        """Whether the engine is there."""
        try:
            self._engine.ping()
        except InfrastructureError:
            return False
        return True

    def remove(self, image_name: str) -> None:
        """Take a name away from an image, and the image itself where that was its last one."""
        self._engine.remove(image_name)

    def export(self, image_name: str, work: Path) -> Exported:
        """Copy an image out of the engine into a layout in `work`, compressed.

        Raises `InfrastructureError` where the engine, skopeo or the disk failed.
        """
        self._check_skopeo()
        daemon = _daemon_name(image_name)
        what = f"copying {image_name} out of the engine"
        self._skopeo(work, *self._daemon_flags("src"), daemon, f"dir:{UNPACKED}").check(what)
        compress = ("--dest-compress-format", "zstd", "--dest-compress-level", str(ZSTD_LEVEL))
        self._skopeo(work, *compress, f"dir:{UNPACKED}", f"oci:{LAYOUT}:{TAG}").check(f"compressing {image_name}")
        layout = Layout(work / LAYOUT)
        try:
            entry = layout.entries()[TAG]
            config = layout.config(entry)
            unpacked = _unpacked(work).layers
        except (DamagedError, KeyError) as error:
            raise InfrastructureError(
                f"{what} failed", why=f"skopeo wrote a layout that is not right: {error}"
            ) from error
        layers = tuple(
            LayerSize(digest=blob.digest, diff_id=diff_id, compressed=blob.size, uncompressed=plain.size)
            for blob, diff_id, plain in zip(entry.manifest.layers, config.rootfs.diff_ids, unpacked, strict=True)
        )
        size = ImageSize(layers=layers, config=entry.manifest.config.size, manifest=entry.descriptor.size)
        return Exported(layout=layout, entry=entry, config=config, size=size)

    def unpack(self, work: Path, diff_ids: tuple[str, ...]) -> None:
        """Unpack the verified layout in `work`, and compare what comes out with the configuration's layer digests.

        Raises `DamagedError` where the layers are not what the configuration says.
        """
        done = self._skopeo(work, "--dest-decompress", f"oci:{LAYOUT}:{TAG}", f"dir:{UNPACKED}")
        if _content_at_fault(done):
            raise DamagedError(f"its layers do not unpack: {_last_line(done)}")
        done.check("unpacking an image")
        got = tuple(layer.digest for layer in _unpacked(work).layers)
        if got != diff_ids:
            raise DamagedError("its layers unpack to something else than its configuration says")

    def deliver(self, work: Path, image_name: str, expected: LocalImage) -> None:
        """Copy what `unpack` left in `work` into the engine, as `image_name`, and look at what arrived.

        Raises `DamagedError` where a working engine would not have it, and `InfrastructureError` where skopeo and the
        engine do not understand each other.
        """
        self._check_skopeo()
        done = self._skopeo(work, *self._daemon_flags("dest"), f"dir:{UNPACKED}", _daemon_name(image_name))
        if _content_at_fault(done) and self.answers():
            raise DamagedError(f"the engine does not take it: {_last_line(done)}")
        done.check(f"copying {image_name} into the engine", fix="`nox -s doctor` says what is wrong with the engine")
        arrived = self.inspect(image_name)
        if arrived is None:
            # skopeo does not pass on what the engine says at the end of a load.
            raise DamagedError("the engine took it without an error, and does not have it")
        if arrived != expected:
            self.remove(image_name)
            raise InfrastructureError(
                f"{image_name} was loaded, and the engine shows other labels or layers than were sent",
                why="it was tagged anew at that moment, or the engine is at fault",
                fix="run the command again",
            )

    def _check_skopeo(self) -> None:
        done = self._runner.run(Command(argv=("skopeo", "--version"), timeout=_ASK_TIMEOUT))
        check_skopeo(done.output, self._engine.negotiated.engine)

    def _skopeo(self, work: Path, *words: str) -> Completed:
        argv = ("skopeo", "--insecure-policy", "--tmpdir", ".", "copy", "--quiet", *words)
        return self._runner.run(Command(argv=argv, cwd=work, timeout=COPY_TIMEOUT))

    def _daemon_flags(self, side: str) -> tuple[str, ...]:
        """skopeo does not read DOCKER_HOST by itself, and wants `http://` for a TCP engine without TLS."""
        host = self._environ.get("DOCKER_HOST", "")
        scheme, _, rest = host.partition("://")
        match scheme:
            case "":
                return ()
            case "unix" | "http" | "https":
                return (f"--{side}-daemon-host", host)
            case "tcp" if self._environ.get("DOCKER_TLS_VERIFY"):
                certificates = self._environ.get("DOCKER_CERT_PATH") or str(Path.home() / ".docker")
                return (f"--{side}-daemon-host", host, f"--{side}-cert-dir", certificates)
            case "tcp":
                return (f"--{side}-daemon-host", f"http://{rest}")
            case _:
                raise UserError(
                    f"stores cannot be used with DOCKER_HOST={host}",
                    why="skopeo, which does the copying, reaches an engine by unix, tcp, http or https only",
                    fix="forward the engine's socket to a local one and name that, or go without --store and --save",
                )


def _unpacked(work: Path) -> Manifest:
    return Layout(work / UNPACKED).document("manifest.json", Manifest)


def _daemon_name(image_name: str) -> str:
    """skopeo wants the tag that docker adds by itself."""
    named = "@" in image_name or ":" in image_name.rpartition("/")[2]
    return f"docker-daemon:{image_name}{'' if named else ':latest'}"


def _content_at_fault(done: Completed) -> bool:
    """Whether a copy failed for what was copied, as far as one can tell: not for time or space."""
    return not done.ok and not done.timed_out and "no space left" not in done.stderr.lower()


def _last_line(done: Completed) -> str:
    return (done.stderr.strip().splitlines() or ["no message"])[-1][:500]
