"""Images by stage and input hash, kept outside the engine: folders in OCI image layout."""

from holoenzyme.store.folder import FolderStore, create_store, open_store
from holoenzyme.store.model import (
    Damage,
    ImageSize,
    LayerSize,
    Refused,
    SavedImage,
    StageRef,
    Store,
    StoredStage,
    StoreRefusedError,
    StoreState,
)
from holoenzyme.store.stores import VARIABLE, StoreSet, measure, open_all, store_paths
from holoenzyme.store.transport import Transport

__all__ = [
    "VARIABLE",
    "Damage",
    "FolderStore",
    "ImageSize",
    "LayerSize",
    "Refused",
    "SavedImage",
    "StageRef",
    "Store",
    "StoreRefusedError",
    "StoreSet",
    "StoreState",
    "StoredStage",
    "Transport",
    "create_store",
    "measure",
    "open_all",
    "open_store",
    "store_paths",
]
