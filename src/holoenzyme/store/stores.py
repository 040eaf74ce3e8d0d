"""Several stores in order, and how they are named: `--store DIR` and the variable HOLOENZYME_STORES."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from holoenzyme.store.folder import FolderStore, create_store, open_store
from holoenzyme.store.layout import disk_error
from holoenzyme.store.model import ImageSize, Refused, StageRef, Store, StoredStage, StoreRefusedError
from holoenzyme.store.transport import Transport

VARIABLE = "HOLOENZYME_STORES"


class StoreSet:
    """Stores in the order in which they are asked."""

    def __init__(self, stores: Sequence[Store] = (), refused: Sequence[Refused] = ()) -> None:
        self.stores = tuple(stores)
        self._refused = tuple(refused)

    @property
    def refused(self) -> tuple[Refused, ...]:
        """The stores that are not used: refused when they were opened, or since."""
        return (*self._refused, *(store.refused for store in self.stores if store.refused))

    def find(self, ref: StageRef) -> StoredStage | None:
        """The first store that has the stage; None where none has it."""
        return next((found for store in self.stores if (found := store.find(ref))), None)

    def destination(self, path: Path, transport: Transport, *, scratch: Path | None = None) -> FolderStore:
        """The store to save to: the one of this set where it is the same folder, else opened or made.

        Raises what `create_store` raises, and `StoreRefusedError` where this set has refused the folder.
        """
        target = path.resolve()
        for store in self.stores:
            if isinstance(store, FolderStore) and store.path == target:
                if store.refused:
                    raise StoreRefusedError(store.refused)
                return store
        return create_store(target, transport, scratch=scratch)


def store_paths(given: Iterable[str], environ: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """The folders to ask: those given on the command line, then those of HOLOENZYME_STORES; each once."""
    named = [*given, *environ.get(VARIABLE, "").split(os.pathsep)]
    return tuple(dict.fromkeys(Path(name).expanduser().absolute() for name in named if name.strip()))


def open_all(
    paths: Iterable[Path], report: Callable[[Refused], None], transport: Transport, *, scratch: Path | None = None
) -> StoreSet:
    """Open the stores; each one that is refused is reported, and left out."""
    stores: dict[Path, FolderStore] = {}
    refused = []
    for path in paths:
        match open_store(path, transport, scratch=scratch):
            case FolderStore() as store:
                stores.setdefault(store.path, store)
            case Refused() as refusal:
                refused.append(refusal)
                report(refusal)
    return StoreSet(tuple(stores.values()), refused)


def measure(image_name: str, transport: Transport, *, scratch: Path | None = None) -> ImageSize:
    """The size of an image of the engine as a store would hold it (zstd level 10); takes as long as saving it.

    Raises `InfrastructureError` where the engine does not have it, or the engine, skopeo or the disk failed.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="holoenzyme-measure-", dir=scratch) as work:
            return transport.export(image_name, Path(work)).size
    except OSError as error:
        raise disk_error(error, scratch or Path(tempfile.gettempdir())) from error
