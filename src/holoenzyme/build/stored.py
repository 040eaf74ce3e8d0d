"""Stages and stores: loaded from the first that has them, and saved so that other machines need not build them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from holoenzyme.plan.graph import Node
from holoenzyme.session import Session
from holoenzyme.store import FolderStore, StageRef, StoreRefusedError


def save(session: Session, images: Sequence[Node], folder: Path, *, everything: bool = True) -> None:
    """Save images, and with `everything` all stages below that the engine has, packages included.

    The stages below let a changed recipe, or an archive that has moved on, be built from the store. Raises
    `UserError` where the folder holds something else, and `InfrastructureError` where the disk is full.
    """
    session.ensure("skopeo")
    store = session.stores.destination(folder, session.transport())
    nodes = {node.stage.key: node for image in images for node in (image.below if everything else (image,))}
    # Compression is most of the work and uses one core for each image; the image itself, the longest, goes first.
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for line in pool.map(lambda node: _save(session, store, node), reversed(nodes.values())):
            session.say(line)
    session.say(f"store: {folder}")


def _save(session: Session, store: FolderStore, node: Node) -> str:
    if session.engine.image(node.image) is None:
        return f"{node.stage.name}: not saved, the engine does not have it"
    saved = store.save(StageRef(stage=node.stage.name, input_hash=node.input_hash), node.image)
    how = "saved" if saved.added else "there already"
    return f"{node.stage.name}: {how}, {saved.size.compressed / 1e6:.1f} MB compressed"


def load_stage(session: Session, node: Node) -> bool:
    """Load a stage from the first store that has it; a store that proves damaged is left out, and the next asked.

    Returns whether it is in the engine now.
    """
    ref = StageRef(stage=node.stage.name, input_hash=node.input_hash)
    while (found := session.stores.find(ref)) is not None:
        session.ensure("skopeo")
        try:
            found.store.load(ref, node.image)
        except StoreRefusedError as error:
            session.say(f"warning: {error.refused}; going on without it")
            continue
        return True
    return False
