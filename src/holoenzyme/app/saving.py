"""Writing what an image is made of to a store, so that other machines load it instead of building it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from holoenzyme.app.project import Tools
from holoenzyme.plan.graph import Graph
from holoenzyme.store import StageRef


def save(tools: Tools, graph: Graph, cells: Sequence[str], folder: Path, *, everything: bool = True) -> None:
    """Save the images of cells, and with `everything` all stages below that the engine has, packages included.

    The stages below let a changed recipe, or an archive that has moved on, be built from the store. Raises
    `UserError` where the folder holds something else, and `InfrastructureError` where the disk is full.
    """
    tools.ensure("skopeo")
    store = tools.stores.destination(folder, tools.transport())
    for cell in cells:
        below = graph.below(graph.images[cell])
        nodes = [node for key, node in graph.nodes.items() if key in below]
        for node in nodes if everything else nodes[-1:]:
            if tools.engine.image(node.image) is None:
                tools.say(f"{node.stage.name}: not saved, the engine does not have it")
                continue
            saved = store.save(StageRef(stage=node.stage.name, input_hash=node.input_hash), node.image)
            size = f"{saved.size.compressed / 1e6:.1f} MB compressed"
            tools.say(f"{node.stage.name}: {'saved' if saved.added else 'there already'}, {size}")
    tools.say(f"store: {folder}")
