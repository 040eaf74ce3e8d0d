"""Stores that are folders: OCI image layout, with a marker of our own.

Readers take no lock: blobs are named by their content, and the index is replaced whole. Writers lock `.lock`.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field

from holoenzyme.errors import InfrastructureError, InternalError, UserError
from holoenzyme.plan.graph import HASH_LABEL, STAGE_LABEL
from holoenzyme.store.layout import (
    BLOBS,
    INDEX_FILE,
    LAYOUT_FILE,
    TAG_ANNOTATION,
    DamagedError,
    Descriptor,
    Index,
    Layout,
    LayoutImage,
    disk_error,
)
from holoenzyme.store.model import (
    Damage,
    ImageSize,
    LayerSize,
    Refused,
    SavedImage,
    StageRef,
    StoredStage,
    StoreRefusedError,
    StoreState,
)
from holoenzyme.store.transport import LAYOUT, TAG, Exported, LocalImage, Transport

MARKER = "holoenzyme-store.json"
SCHEMA: Final = 1
#: In the index: the layers' uncompressed sizes in bytes, from the lowest up, which a layout does not tell otherwise.
SIZES_ANNOTATION = "org.holoenzyme.layer-sizes"
_LOCK = ".lock"
_INCOMING = ".incoming-"
_LOCK_TIMEOUT = 600.0
_BLOB_NAME = re.compile(r"[0-9a-f]{64}")


class _Marker(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    schema_version: int = Field(alias="schema", strict=True)


class FolderStore:
    """One folder; made by `open_store` and `create_store`. Safe to use from several threads."""

    def __init__(self, path: Path, entries: dict[str, LayoutImage], transport: Transport, scratch: Path | None) -> None:
        self.path = path
        self._layout = Layout(path)
        self._entries = entries
        self._transport = transport
        self._scratch = scratch
        self._refused: Refused | None = None

    @property
    def name(self) -> str:
        """The folder."""
        return str(self.path)

    @property
    def refused(self) -> Refused | None:
        """Set once the store proved to be damaged."""
        return self._refused

    def find(self, ref: StageRef) -> StoredStage | None:
        """See `Store.find`; answered from the index as it was when the store was opened or last saved to."""
        entry = None if self._refused else self._entries.get(ref.tag)
        return StoredStage(store=self, ref=ref, digest=entry.descriptor.digest, size=entry.size) if entry else None

    def load(self, ref: StageRef, image_name: str) -> None:
        """See `Store.load`."""
        with self._refusing():
            entry = self._entries.get(ref.tag)
            if entry is None:
                raise InternalError(f"{ref.tag} was to be loaded from {self.name}, which does not have it")
            try:
                with tempfile.TemporaryDirectory(prefix="holoenzyme-load-", dir=self._scratch) as folder:
                    expected = self._take(ref, entry, Path(folder))
                    self._transport.unpack(Path(folder), expected.diff_ids)
                    self._transport.deliver(Path(folder), image_name, expected)
            except DamagedError as error:
                raise DamagedError(f"{ref.tag}: {error}") from error
            except OSError as error:
                raise disk_error(error, self._scratch or Path(tempfile.gettempdir())) from error

    def save(self, ref: StageRef, image_name: str) -> SavedImage:
        """See `Store.save`. A save that is killed leaves the store as it was."""
        with self._refusing():
            local = self._transport.inspect(image_name)
            if local is None:
                raise InternalError(f"{image_name} was to be saved to {self.name}, but the engine does not have it")
            _demand_labels(ref, local, image_name)
            saved = self._present(ref, local)
            if saved is not None:
                return saved
            try:
                with self._incoming() as work:
                    exported = self._transport.export(image_name, work)
                    if LocalImage(labels=exported.config.labels, diff_ids=exported.config.rootfs.diff_ids) != local:
                        raise InternalError(f"{image_name} changed while it was saved to {self.name}")
                    with self._lock():
                        added = self._adopt(ref, exported)
            except OSError as error:
                raise disk_error(error, self.path) from error
            return SavedImage(ref=ref, digest=exported.entry.descriptor.digest, size=exported.size, added=added)

    def verify(self) -> list[Damage]:
        """See `Store.verify`."""
        problems = []
        verified: set[str] = set()
        for tag, entry in sorted(self._entries.items()):
            try:
                self._verify(tag, entry, verified)
            except DamagedError as error:
                problems.append(Damage(tag=tag, reason=str(error)))
        if problems:
            self._refuse(f"{problems[0].tag}: {problems[0].reason}")
        return problems

    def prune(self, keep: Set[StageRef], *, dry_run: bool = False) -> int:
        """Remove the images not in `keep`, blobs that no image names, and what killed saves left; bytes freed.

        With `dry_run` nothing is removed, and the bytes are those that would be freed.
        """
        with self._refusing():
            try:
                with self._lock():
                    return self._prune({ref.tag for ref in keep}, dry_run=dry_run)
            except OSError as error:
                raise disk_error(error, self.path) from error

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Turn damage that is met on the way into a refusal that lasts."""
        if self._refused:
            raise StoreRefusedError(self._refused)
        try:
            yield
        except DamagedError as error:
            raise StoreRefusedError(self._refuse(str(error))) from error

    def _refuse(self, reason: str) -> Refused:
        self._refused = Refused(name=self.name, state=StoreState.DAMAGED, reason=reason)
        return self._refused

    def _take(self, ref: StageRef, entry: LayoutImage, work: Path) -> LocalImage:
        """Copy one image, verified, into a layout of its own, so that what was verified is what gets used."""
        config = self._layout.config(entry)
        for label, value in ref.labels.items():
            if config.labels.get(label) != value:
                raise DamagedError(f"the image calls itself {config.labels.get(label)!r:.100} in label {label}")
        target = Layout(work / LAYOUT)
        for blob in entry.blobs:
            self._layout.copy(blob, target)
        _write(target.root / LAYOUT_FILE, '{"imageLayoutVersion": "1.0.0"}')
        _write_index(target.root, [_named(entry.descriptor, {TAG_ANNOTATION: TAG})])
        return LocalImage(labels=config.labels, diff_ids=config.rootfs.diff_ids)

    def _verify(self, tag: str, entry: LayoutImage, verified: set[str]) -> None:
        labels = self._layout.config(entry).labels
        try:
            # What the labels say must give the tag back; a lying tag or a missing label cannot.
            ref = StageRef(stage=labels[STAGE_LABEL], input_hash=labels[HASH_LABEL])
        except (KeyError, ValueError) as error:
            raise DamagedError(f"the image's labels do not say which stage it is: {error}") from error
        if ref.tag != tag:
            raise DamagedError(f"the image calls itself {ref.tag}")
        for blob in entry.blobs:
            if blob.digest not in verified:
                self._layout.verify(blob)
                verified.add(blob.digest)

    def _present(self, ref: StageRef, local: LocalImage) -> SavedImage | None:
        """The store's own image, where that is the same."""
        entry = self._entries.get(ref.tag)
        if entry is None:
            return None
        config = self._layout.config(entry)
        if LocalImage(labels=config.labels, diff_ids=config.rootfs.diff_ids) != local:
            return None
        stated = (entry.descriptor.annotations or {}).get(SIZES_ANNOTATION, "").split()
        if len(stated) != len(entry.manifest.layers) or not all(word.isdecimal() for word in stated):
            return None
        layers = tuple(
            LayerSize(digest=blob.digest, diff_id=diff_id, compressed=blob.size, uncompressed=int(size))
            for blob, diff_id, size in zip(entry.manifest.layers, config.rootfs.diff_ids, stated, strict=True)
        )
        size = ImageSize(layers=layers, config=entry.manifest.config.size, manifest=entry.descriptor.size)
        return SavedImage(ref=ref, digest=entry.descriptor.digest, size=size, added=0)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with _locked(self.path):
            yield

    @contextmanager
    def _incoming(self) -> Iterator[Path]:
        """A work folder on the store's file system, locked while in use: an unlocked one was left by a killed save."""
        with self._lock():
            for left in self._abandoned():
                shutil.rmtree(left)
            work = Path(tempfile.mkdtemp(prefix=_INCOMING, dir=self.path))
            own = FileLock(work / _LOCK)
            own.acquire()
        try:
            yield work
        finally:
            own.release()
            shutil.rmtree(work, ignore_errors=True)

    def _adopt(self, ref: StageRef, exported: Exported) -> int:
        """Move an image's blobs here and write the index anew; the bytes that are new. The lock is held."""
        entries = self._layout.entries()
        added = 0
        (self.path / BLOBS).mkdir(parents=True, exist_ok=True)
        for blob in exported.entry.blobs:
            here = self._layout.blob(blob)
            added += 0 if here.exists() else blob.size
            exported.layout.blob(blob).replace(here)
        sizes = " ".join(str(layer.uncompressed) for layer in exported.size.layers)
        annotations = {TAG_ANNOTATION: ref.tag, SIZES_ANNOTATION: sizes}
        descriptor = _named(exported.entry.descriptor, annotations)
        entries[ref.tag] = LayoutImage(descriptor=descriptor, manifest=exported.entry.manifest)
        _write_index(self.path, [entries[tag].descriptor for tag in sorted(entries)])
        self._entries = entries
        return added

    def _abandoned(self) -> list[Path]:
        """The work folders of killed saves. The lock is held, so that none is between its making and its own lock."""
        return [path for path in self.path.glob(f"{_INCOMING}*") if not path.is_symlink() and _unlocked(path)]

    def _prune(self, tags: Set[str], *, dry_run: bool) -> int:
        entries = self._layout.entries()
        kept = {tag: entry for tag, entry in sorted(entries.items()) if tag in tags}
        named = {blob.hex for entry in kept.values() for blob in entry.blobs}
        every = [path for path in (self.path / BLOBS).glob("*") if _BLOB_NAME.fullmatch(path.name)]
        blobs = [path for path in every if path.name not in named]
        freed = sum(path.lstat().st_size for path in blobs)
        left = self._abandoned()
        freed += sum(file.lstat().st_size for path in left for file in path.rglob("*") if not file.is_dir())
        if not dry_run:
            # The index first: killed half-way, the store has blobs too many, never too few.
            _write_index(self.path, [entry.descriptor for entry in kept.values()])
            self._entries = kept
            for path in blobs:
                path.unlink()
            for path in left:
                shutil.rmtree(path)
        return freed


def open_store(path: Path, transport: Transport, *, scratch: Path | None = None) -> FolderStore | Refused:
    """Open the store in a folder, or say why it is refused.

    Manifests are verified and every blob's size is looked at; contents of blobs are verified when they are used.
    `scratch` is where images are unpacked on their way (the system's folder for temporary files by default).
    """
    name = str(path)
    try:
        layout = Layout(path.resolve())
        if not layout.root.is_dir():
            return Refused(name=name, state=StoreState.MISSING, reason="there is no such folder")
    except (OSError, RuntimeError) as error:
        return Refused(name=name, state=StoreState.MISSING, reason=f"the folder cannot be reached: {error}")
    try:
        found = layout.document(MARKER, _Marker).schema_version
    except DamagedError as error:
        return Refused(name=name, state=StoreState.FOREIGN, reason=f"it is not a store of this project: {error}")
    if found != SCHEMA:
        reason = f"its schema version is {found}; this version of the project reads {SCHEMA}"
        return Refused(name=name, state=StoreState.FOREIGN, reason=reason)
    try:
        entries = layout.entries()
    except DamagedError as error:
        return Refused(name=name, state=StoreState.DAMAGED, reason=str(error))
    return FolderStore(layout.root, entries, transport, scratch)


def create_store(path: Path, transport: Transport, *, scratch: Path | None = None) -> FolderStore:
    """Open a store to save to; made where the folder is absent or empty.

    Raises `UserError` for a folder with something else in it, `StoreRefusedError` for a damaged store, and
    `InfrastructureError` where the folder cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not _names(path) - _UNFINISHED:
            with _locked(path):
                if not _names(path) - _UNFINISHED:
                    _write(path / LAYOUT_FILE, '{"imageLayoutVersion": "1.0.0"}')
                    _write_index(path, [])
                    # The marker last: without it the folder is no store yet, and the next call makes it anew.
                    _write(path / MARKER, _Marker(schema_version=SCHEMA).model_dump_json(by_alias=True))
    except OSError as error:
        raise disk_error(error, path) from error
    match open_store(path, transport, scratch=scratch):
        case FolderStore() as store:
            return store
        case Refused(state=StoreState.FOREIGN) as refused:
            raise UserError(
                f"nothing can be saved to {path}", why=refused.reason, fix="name a new or empty folder with --save"
            )
        case Refused() as refused:
            raise StoreRefusedError(refused)


#: What a folder may hold when the making of a store in it was killed.
_UNFINISHED = frozenset({_LOCK, LAYOUT_FILE, INDEX_FILE, f"{LAYOUT_FILE}.new", f"{INDEX_FILE}.new", f"{MARKER}.new"})


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=_LOCK_TIMEOUT)
    except Timeout as error:
        raise InfrastructureError(
            f"store {folder} is locked", why=f"another process has held {lock.lock_file} for {_LOCK_TIMEOUT:.0f} s"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _demand_labels(ref: StageRef, image: LocalImage, image_name: str) -> None:
    for label, value in ref.labels.items():
        if image.labels.get(label) != value:
            raise InternalError(
                f"{image_name} was to be saved as {ref.tag}, but its label {label} is {image.labels.get(label)!r}"
            )


def _named(descriptor: Descriptor, annotations: dict[str, str]) -> Descriptor:
    return descriptor.model_copy(update={"annotations": annotations})


def _write_index(folder: Path, manifests: list[Descriptor]) -> None:
    _write(folder / INDEX_FILE, Index(manifests=tuple(manifests)).model_dump_json(by_alias=True, exclude_none=True))


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all, with the permissions that new files have here."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with new.open("x", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)


def _unlocked(folder: Path) -> bool:
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    lock.release()
    return True
