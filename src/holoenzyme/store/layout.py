"""Reads a folder in OCI image layout, and believes nothing in it.

Whoever can write to a folder can put links, devices, wrong sizes and huge or malformed documents there. Each read here
is of a regular file below the folder, bounded in size, and compared with the digest that names it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from holoenzyme.errors import InfrastructureError

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
TAG_ANNOTATION = "org.opencontainers.image.ref.name"
LAYOUT_FILE = "oci-layout"
INDEX_FILE = "index.json"
BLOBS = Path("blobs", "sha256")

#: Documents (index, manifests, configurations) larger than this are refused: the index of 10,000 images has 4 MB.
DOCUMENT_LIMIT = 8_000_000
_CHUNK = 1 << 20


class DamagedError(Exception):
    """The layout is not what it says; the text is the reason."""


class _OciDocument(BaseModel):
    """A part of an OCI document. The standard allows further keys, so they are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Descriptor(_OciDocument):
    """Names a blob: type, digest, size in bytes."""

    media_type: str = Field(alias="mediaType")
    # The one algorithm, in full: a digest is also a file name.
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    size: Annotated[int, Field(strict=True, ge=0)]
    annotations: dict[str, str] | None = None
    urls: tuple[str, ...] | None = None

    @property
    def hex(self) -> str:
        """The digest's 64 digits: the blob's file name."""
        return self.digest.removeprefix("sha256:")


class Index(_OciDocument):
    """`index.json`."""

    schema_version: Literal[2] = Field(default=2, alias="schemaVersion")
    manifests: tuple[Descriptor, ...] = ()


class Manifest(_OciDocument):
    """One image: its configuration and its layers, from the lowest up."""

    schema_version: Literal[2] = Field(alias="schemaVersion")
    config: Descriptor
    layers: tuple[Descriptor, ...]


class _Settings(_OciDocument):
    labels: dict[str, str] | None = Field(default=None, alias="Labels")


class _RootFs(_OciDocument):
    diff_ids: tuple[str, ...]


class ImageConfig(_OciDocument):
    """An image's configuration, as far as it is compared."""

    config: _Settings = _Settings()
    rootfs: _RootFs

    @property
    def labels(self) -> dict[str, str]:
        """The image's labels."""
        return self.config.labels or {}


class _Version(_OciDocument):
    version: Literal["1.0.0"] = Field(alias="imageLayoutVersion")


D = TypeVar("D", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class LayoutImage:
    """One image of a layout: its line in the index, and its manifest."""

    descriptor: Descriptor
    manifest: Manifest

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """All its blobs, each once: manifest, configuration, layers."""
        every = (self.descriptor, self.manifest.config, *self.manifest.layers)
        return tuple({blob.digest: blob for blob in every}.values())

    @property
    def size(self) -> int:
        """The sum of its blobs in bytes."""
        return sum(blob.size for blob in self.blobs)


class Layout:
    """One folder in OCI image layout. Every method raises `DamagedError` for what is not as it must be."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def blob(self, descriptor: Descriptor) -> Path:
        """Where a blob lies."""
        return self.root / BLOBS / descriptor.hex

    def document(self, relative: str | Path, model: type[D]) -> D:
        """Read and validate one of the documents that are not blobs."""
        with _open_regular(self.root / relative, str(relative)) as file:
            return _parse(_read_bounded(file, str(relative)), model, str(relative))

    def index(self) -> Index:
        """Check the layout's version and its folders, and read its index."""
        self.document(LAYOUT_FILE, _Version)
        for folder in (BLOBS.parent, BLOBS):
            try:
                mode = os.lstat(self.root / folder).st_mode
            except FileNotFoundError:
                continue
            except OSError as error:
                raise DamagedError(f"{folder} cannot be read: {error.strerror}") from error
            if not stat.S_ISDIR(mode):
                raise DamagedError(f"{folder} is not a folder of its own")
        return self.document(INDEX_FILE, Index)

    def entries(self) -> dict[str, LayoutImage]:
        """Every image by its tag; manifests are read and verified, other blobs are looked at for their size only."""
        found: dict[str, LayoutImage] = {}
        for descriptor in self.index().manifests:
            tag = (descriptor.annotations or {}).get(TAG_ANNOTATION)
            if tag is None:
                raise DamagedError(f"{INDEX_FILE} names {descriptor.digest} without a tag")
            if tag in found:
                raise DamagedError(f"{INDEX_FILE} has two images with the tag {tag!r:.200}")
            found[tag] = self._entry(descriptor)
        return found

    def _entry(self, descriptor: Descriptor) -> LayoutImage:
        if descriptor.media_type != MANIFEST_TYPE:
            raise DamagedError(
                f"{INDEX_FILE} names a {descriptor.media_type!r:.100}, which is not one image's manifest"
            )
        entry = LayoutImage(descriptor=descriptor, manifest=_parse(self.read(descriptor), Manifest, descriptor.digest))
        if entry.manifest.config.media_type != CONFIG_TYPE:
            raise DamagedError(f"{descriptor.digest} is not the manifest of an image")
        if any(layer.urls for layer in entry.manifest.layers):
            raise DamagedError(f"{descriptor.digest} has a layer that lies elsewhere, on the network")
        for blob in entry.blobs:
            self._open(blob).close()
        return entry

    def config(self, entry: LayoutImage) -> ImageConfig:
        """Read and verify an image's configuration."""
        descriptor = entry.manifest.config
        config = _parse(self.read(descriptor), ImageConfig, descriptor.digest)
        if len(config.rootfs.diff_ids) != len(entry.manifest.layers):
            raise DamagedError(
                f"{descriptor.digest} speaks of {len(config.rootfs.diff_ids)} layers,"
                f" its manifest of {len(entry.manifest.layers)}"
            )
        return config

    def read(self, descriptor: Descriptor) -> bytes:
        """A small blob, verified."""
        with self._open(descriptor) as file:
            content = _read_bounded(file, descriptor.digest)
        _compare(descriptor, len(content), hashlib.sha256(content).hexdigest())
        return content

    def verify(self, descriptor: Descriptor) -> None:
        """Read a blob of any size and compare it with its digest and size."""
        self._stream(descriptor, lambda _chunk: None)

    def copy(self, descriptor: Descriptor, target: Layout) -> None:
        """Copy a blob and verify the very bytes that were copied.

        Raises `InfrastructureError` where the target cannot be written.
        """
        path = target.blob(descriptor)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                self._stream(descriptor, file.write)
        except OSError as error:
            raise disk_error(error, path.parent) from error

    def _stream(self, descriptor: Descriptor, take: Callable[[bytes], object]) -> None:
        digest, size = hashlib.sha256(), 0
        with self._open(descriptor) as file:
            while size <= descriptor.size and (chunk := _read(file, _CHUNK, descriptor.digest)):
                digest.update(chunk)
                size += len(chunk)
                take(chunk)
        _compare(descriptor, size, digest.hexdigest())

    def _open(self, descriptor: Descriptor) -> IO[bytes]:
        file = _open_regular(self.blob(descriptor), f"blob {descriptor.digest}")
        size = os.fstat(file.fileno()).st_size
        if size != descriptor.size:
            file.close()
            raise DamagedError(f"blob {descriptor.digest} has {size} bytes where {descriptor.size} are stated")
        return file


def disk_error(error: OSError, folder: Path) -> InfrastructureError:
    """The message for a folder that cannot be written."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return InfrastructureError(
        f"{folder} could not be written",
        why=str(error),
        fix="free some space there" if full else "check the folder's owner and permissions",
    )


def _open_regular(path: Path, what: str) -> IO[bytes]:
    """Open a regular file for reading; links, pipes and devices are refused without being followed or waited for."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise DamagedError(f"{what} is missing") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise DamagedError(f"{what} is a symbolic link") from error
        raise DamagedError(f"{what} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise DamagedError(f"{what} is not a regular file")
    return os.fdopen(number, "rb")


def _read(file: IO[bytes], size: int, what: str) -> bytes:
    try:
        return file.read(size)
    except OSError as error:
        raise DamagedError(f"{what} cannot be read: {error.strerror}") from error


def _read_bounded(file: IO[bytes], what: str) -> bytes:
    content = _read(file, DOCUMENT_LIMIT + 1, what)
    if len(content) > DOCUMENT_LIMIT:
        raise DamagedError(f"{what} is larger than {DOCUMENT_LIMIT} bytes")
    return content


def _compare(descriptor: Descriptor, size: int, digest: str) -> None:
    if size != descriptor.size:
        raise DamagedError(f"blob {descriptor.digest} has another size than the {descriptor.size} bytes stated")
    if digest != descriptor.hex:
        raise DamagedError(f"blob {descriptor.digest} has the content of sha256:{digest}")


def _parse(content: bytes, model: type[D], what: str) -> D:
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise DamagedError(f"{what}: {f'{where}: ' if where else ''}{first['msg']:.200}") from error
