"""Plans at exact versions, without asking the archive: one call renders, hashes, looks at what exists, and decides."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from holoenzyme.engine.base import ImageInfo
from holoenzyme.matrix.model import Cell
from holoenzyme.plan.decide import Existing, Inventory, Plan, decide
from holoenzyme.plan.graph import (
    CREATED_LABEL,
    HASH_LABEL,
    INPUTS_LABEL,
    KEY_LABEL,
    STAGE_LABEL,
    Graph,
    Node,
    build_graph,
)
from holoenzyme.render.stages import Renderer, Stage, StageKind
from holoenzyme.resolve.model import Resolution
from holoenzyme.resolve.reconcile import PackageChange, compare
from holoenzyme.session import Project, Session
from holoenzyme.store import StageRef


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """A graph at exact versions, the plan for it, and how the versions differ from the locked ones."""

    resolution: Resolution
    graph: Graph
    plan: Plan
    changes: tuple[PackageChange, ...] = ()

    def needs_archive(self, place: str | None = None) -> bool:
        """Whether a base or packages (of one place) have to be made; other stages only need what those hold."""
        return any(
            decision.node.stage.kind in (StageKind.BASE, StageKind.PACKAGES)
            and (place is None or decision.node.stage.place == place)
            for decision in self.plan.builds
        )


@dataclass(frozen=True, kw_only=True)
class Planner:
    """Plans for some cells, at whichever versions; with `rebuild` everything but bases is built anew."""

    session: Session
    cells: Sequence[Cell]
    rebuild: bool = False

    def plan(self, resolution: Resolution, changes: tuple[PackageChange, ...] = ()) -> Resolved:
        """The plan at exact versions, held against what the engine and the stores have now."""
        session = self.session
        graph = graph_of(session.project, self.cells, resolution)
        plan = decide(graph, inventory(session, graph), rebuild=self.rebuild, base_source=session.base_source)
        return Resolved(resolution=resolution, graph=graph, plan=plan, changes=changes)

    def from_memory(self) -> Resolved:
        """The plan without asking the archive: from the lock, or from what a build used in its place last time.

        What was used last time is preferred where the lock's versions would have to be fetched and those would not.
        """
        best = None
        for resolution, changes in candidates(self.session):
            found = self.plan(resolution, changes)
            if found.plan.complete:
                return found
            if best is None or (best.needs_archive() and not found.needs_archive()):
                best = found
        assert best is not None, "the lock is always a candidate"
        return best


def graph_of(project: Project, cells: Sequence[Cell], resolution: Resolution) -> Graph:
    """The build graph of the images of some cells, in their order."""
    renderer = Renderer(project.matrix, project.cookbook, resolution, project.files)
    return build_graph(_marked(project, renderer.stages(cell, project.image)) for cell in cells)


def base_node(project: Project, base: str, arch: str, resolution: Resolution) -> Node:
    """The node of a base."""
    renderer = Renderer(project.matrix, project.cookbook, resolution, project.files)
    (node,) = build_graph([_marked(project, (renderer.base(base, arch),))]).images
    return node


def _marked(project: Project, stages: Iterable[Stage]) -> Iterator[Stage]:
    return (stage.marked(project.mark) for stage in stages)


def plan_cells(session: Session, cells: Sequence[Cell], *, rebuild: bool = False) -> Resolved:
    """The plan without asking the archive; see `Planner.from_memory`."""
    return Planner(session=session, cells=cells, rebuild=rebuild).from_memory()


def inventory(session: Session, graph: Graph) -> Inventory:
    """The stages of a graph that exist, in the engine and in stores."""
    local = tuple(
        Existing(
            key=image.labels.get(KEY_LABEL, ""),
            stage=image.labels[STAGE_LABEL],
            input_hash=image.labels.get(HASH_LABEL, ""),
            inputs=image.labels.get(INPUTS_LABEL, ""),
            created=_created(image),
            tags=image.tags,
        )
        for image in session.engine.images()
    )
    stored = {}
    for node in graph.nodes.values():
        found = session.stores.find(StageRef(stage=node.stage.name, input_hash=node.input_hash))
        if found is not None:
            stored[node.stage.name, node.input_hash] = found.store.name
    return Inventory(local=local, stored=stored)


def _created(image: ImageInfo) -> float:
    """When a stage was built, in seconds since the epoch: as its label says, else as the engine does."""
    with suppress(ValueError):
        return datetime.fromisoformat(image.labels.get(CREATED_LABEL, "")).timestamp()
    return image.created


def candidates(session: Session) -> Sequence[tuple[Resolution, tuple[PackageChange, ...]]]:
    """The versions for a build that does not ask the archive: the lock's, and those that the last one used instead."""
    locked: Resolution = session.project.lock.resolution()
    found: list[tuple[Resolution, tuple[PackageChange, ...]]] = [(locked, ())]
    path = _memory(session, locked)
    if path.is_file():
        try:
            used = Resolution.model_validate(json.loads(path.read_text()))
            found.append((used, compare(locked, used)))
        except (ValidationError, json.JSONDecodeError):
            path.unlink()
    return found


def remember(session: Session, resolution: Resolution) -> None:
    """Keep what is used in place of the lock, so that the next build finds its images without asking the archive."""
    path = _memory(session, session.project.lock.resolution())
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(resolution.model_dump_json())
    part.replace(path)


def _memory(session: Session, locked: Resolution) -> Path:
    return session.state / "resolutions" / f"{locked.digest()}.json"


def used_stages(session: Session, cells: Collection[Cell] | None = None) -> frozenset[StageRef]:
    """The stages of some cells, or of all that can be built, for all kinds of images."""
    used: set[StageRef] = set()
    for image in session.project.cookbook.images:
        project = session.of_image(image.name).project
        chosen = [cell for cell in project.buildable() if cells is None or cell in cells]
        for resolution, _ in candidates(session):
            nodes = graph_of(project, chosen, resolution).nodes.values()
            used |= {StageRef(stage=node.stage.name, input_hash=node.input_hash) for node in nodes}
    return frozenset(used)
