"""The words of the package: the reference of a stage in a store, its sizes, and the protocol of stores."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from holoenzyme.errors import InfrastructureError
from holoenzyme.plan.graph import HASH_LABEL, STAGE_LABEL

_STAGE = re.compile(r"[a-z0-9][a-z0-9._/-]{0,62}")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class StageRef:
    """One stage with one content: its name, and the hash (64 hex digits) of all that went into it.

    Raises `ValueError` for anything that could not be a tag.
    """

    stage: str
    input_hash: str

    def __post_init__(self) -> None:
        if not _STAGE.fullmatch(self.stage):
            raise ValueError(f"{self.stage!r} is no stage name: up to 63 of a-z 0-9 . _ / - are allowed")
        if not _HASH.fullmatch(self.input_hash):
            raise ValueError(f"{self.input_hash!r} is no input hash: 64 hexadecimal digits in lower case are expected")

    @property
    def tag(self) -> str:
        """The name of the image inside a store: a valid image tag (at most 128 characters, no slash)."""
        return f"{self.stage.replace('/', '.')}-{self.input_hash}"

    @property
    def labels(self) -> dict[str, str]:
        """The labels that the image must carry; a store that names it otherwise is refused."""
        return {STAGE_LABEL: self.stage, HASH_LABEL: self.input_hash}


@dataclass(frozen=True, kw_only=True)
class LayerSize:
    """One layer: its blob, what it unpacks to, and both sizes in bytes."""

    digest: str
    diff_id: str
    compressed: int
    uncompressed: int


@dataclass(frozen=True, kw_only=True)
class ImageSize:
    """The size of an image in bytes: of its layers from the lowest up, its configuration and its manifest."""

    layers: tuple[LayerSize, ...]
    config: int
    manifest: int

    @property
    def compressed(self) -> int:
        """The sum of the image's OCI blobs; a blob that two layers share counts once."""
        blobs = {layer.digest: layer.compressed for layer in self.layers}
        return sum(blobs.values()) + self.config + self.manifest

    @property
    def uncompressed(self) -> int:
        """The sum of the layers as tar archives."""
        return sum(layer.uncompressed for layer in self.layers)


@dataclass(frozen=True, kw_only=True)
class StoredStage:
    """A stage that a store has; `size` is the sum of its blobs in bytes, `digest` that of its manifest."""

    store: Store
    ref: StageRef
    digest: str
    size: int


@dataclass(frozen=True, kw_only=True)
class SavedImage:
    """A stage that is in a store now. `added` is the bytes that the store grew by: 0 where it had all of it."""

    ref: StageRef
    digest: str
    size: ImageSize
    added: int


@dataclass(frozen=True, kw_only=True)
class Damage:
    """Something wrong in a store: with which image (its tag), and what."""

    tag: str
    reason: str


class StoreState(StrEnum):
    """Why a store is not used."""

    MISSING = "missing"
    FOREIGN = "foreign"
    DAMAGED = "damaged"


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A store that is not used, whole; `reason` says why in words for the user."""

    name: str
    state: StoreState
    reason: str

    @property
    def fix(self) -> str:
        """The step that mends it."""
        match self.state:
            case StoreState.MISSING:
                return "check the path, or make the store with `nox -s build-image -- --save DIR`"
            case StoreState.FOREIGN:
                return "name another folder; only folders made with `--save DIR` are stores"
            case StoreState.DAMAGED:
                return f"remove {self.name} and make it again with `nox -s build-image -- --save DIR`"

    def __str__(self) -> str:
        return f"store {self.name} is refused ({self.state}): {self.reason}"


class StoreRefusedError(InfrastructureError):
    """A store turned out to be damaged in use. It is refused from then on; whoever asked goes on without it."""

    def __init__(self, refused: Refused) -> None:
        self.refused = refused
        super().__init__(f"store {refused.name} is refused", why=refused.reason, fix=refused.fix)


class Store(Protocol):
    """Images by stage and input hash: a folder today, a registry later."""

    @property
    def name(self) -> str:
        """The user's name for it."""

    @property
    def refused(self) -> Refused | None:
        """Set once the store proved to be damaged; it finds nothing from then on."""

    def find(self, ref: StageRef) -> StoredStage | None:
        """The store's image of `ref`; quick, for planning: blobs are not verified."""

    def load(self, ref: StageRef, image_name: str) -> None:
        """Verify the image, then copy it into the engine as `image_name` (`name:tag`).

        Raises `StoreRefusedError` where what the store holds is not what it says; nothing reached the engine then.
        Raises `InfrastructureError` where the engine, skopeo or the disk failed.
        """

    def save(self, ref: StageRef, image_name: str) -> SavedImage:
        """Copy the engine's image into the store, under `ref`.

        Raises `InternalError` where the engine does not have it or its labels do not say `ref`, and otherwise what
        `load` raises.
        """

    def verify(self) -> list[Damage]:
        """Read everything and compare it with its digests; the store is refused where that shows a problem."""
