"""Which versions a build uses: the lock's where they exist or can be had, else what the archive has instead."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from holoenzyme.app.locks import held
from holoenzyme.app.progress import board
from holoenzyme.app.project import Project, Tools
from holoenzyme.engine.archive import ask
from holoenzyme.engine.base import BuildRequest
from holoenzyme.engine.bootstrap import MadeBase, make_base
from holoenzyme.matrix.model import Cell
from holoenzyme.plan.decide import Action, Plan, decide
from holoenzyme.plan.graph import HASH_LABEL, UNNAMED, Graph, Node
from holoenzyme.render.stages import StageKind
from holoenzyme.resolve.model import LockedBase, LockedPackage, LockedSet, Resolution, place
from holoenzyme.resolve.reconcile import Change, Offers, compare, reconcile
from holoenzyme.store import StageRef, StoreRefusedError


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """A graph at exact versions, the plan for it, and how the versions differ from the locked ones."""

    resolution: Resolution
    graph: Graph
    plan: Plan
    changes: tuple[Change, ...] = ()


def plan_cells(project: Project, tools: Tools, cells: Sequence[Cell], *, rebuild: bool = False) -> Resolved:
    """The plan without asking the archive: from the lock, or from what a build used in its place last time.

    What was used last time is preferred where the lock's versions would have to be fetched and those would not.
    """
    best = None
    for resolution, changes in candidates(project, tools):
        graph = project.graph(cells, resolution)
        plan = decide(graph, tools.inventory(graph), rebuild=rebuild, base_source=tools.base_source.value)
        found = Resolved(resolution=resolution, graph=graph, plan=plan, changes=changes)
        if plan.complete:
            return found
        if best is None or (_needs_archive(best.plan) and not _needs_archive(plan)):
            best = found
    assert best is not None, "the lock is always a candidate"
    return best


def resolve_cells(project: Project, tools: Tools, cells: Sequence[Cell], *, rebuild: bool = False) -> Resolved:
    """The plan to build from.

    Where bases or packages are missing, bases are made and the archive is asked, so that what is pinned can really be
    had. Raises what `reconcile` raises for an archive that has moved on.
    """
    found = plan_cells(project, tools, cells, rebuild=rebuild)
    if not _needs_archive(found.plan):
        _say_changes(tools, found.changes)
        return found
    resolution: Resolution = project.lock.resolution()
    changes: list[Change] = []
    for cell in {place(cell.base, cell.arch): cell for cell in cells}.values():
        waiting = f"base {cell.base}: another build makes it or asks the archive; waiting"
        with held(tools, "base", waiting=partial(tools.say, waiting)):
            graph = project.graph(cells, resolution)
            plan = decide(graph, tools.inventory(graph), rebuild=rebuild, base_source=tools.base_source.value)
            if _needs_archive(plan, cell):
                resolution, new = _reconcile_base(project, tools, cell, resolution, graph, plan)
                changes += new
    graph = project.graph(cells, resolution)
    plan = decide(graph, tools.inventory(graph), rebuild=rebuild, base_source=tools.base_source.value)
    _say_changes(tools, changes)
    if changes:
        _remember(project, tools, resolution, changes)
    return Resolved(resolution=resolution, graph=graph, plan=plan, changes=tuple(changes))


def _say_changes(tools: Tools, changes: Sequence[Change]) -> None:
    """Say how what is used differs from the lock, in every build that uses it."""
    if changes:
        tools.say(f"the archive has newer revisions than matrix.lock; this build uses them ({len(changes)}):")
        for change in changes:
            tools.say(f"  {change}")


def _needs_archive(plan: Plan, cell: Cell | None = None) -> bool:
    """Whether a base or packages (of the cell's base) have to be made; other stages only need what those hold."""
    return any(
        decision.node.stage.kind in (StageKind.BASE, StageKind.PACKAGES)
        and (cell is None or (decision.node.stage.base, decision.node.stage.arch) == (cell.base, cell.arch))
        for decision in plan.builds
    )


def _reconcile_base(
    project: Project, tools: Tools, cell: Cell, resolution: Resolution, graph: Graph, plan: Plan
) -> tuple[Resolution, tuple[Change, ...]]:
    """Make or fetch the cell's base, ask the archive from inside it, and hold the answer against the lock."""
    key = place(cell.base, cell.arch)
    node = next(
        node
        for node in graph.nodes.values()
        if node.stage.kind is StageKind.BASE and (node.stage.base, node.stage.arch) == (cell.base, cell.arch)
    )
    image, offered_base = node.image, None
    action = plan.of(node.stage.key).action
    if action in (Action.PULL, Action.BUILD) or (action is Action.LOAD and not load_stage(tools, node)):
        made = make(project, tools, cell, resolution.bases[key].digest)
        offered_base = resolution.bases[key].model_copy(update={"packages": made.packages})
        image = name_base(project, tools, cell, resolution, offered_base, made)
    # All sets of the lock, those of other channels too: they stand in one resolution, and libLLVM is one for all.
    locked = resolution.sets.get(key, {})
    found, available = ask_archive(tools, image, {name: item.roots for name, item in locked.items()}, locked)
    offers = Offers(base=offered_base, sets=found, available=available)
    return reconcile(resolution, key, offers, project.matrix.pins.moving)


def make(project: Project, tools: Tools, cell: Cell, digest: str | None) -> MadeBase:
    """Make a cell's base anew, the way that was asked for, and say how it was made."""
    start = time.monotonic()
    with tools.secrets() as secrets, board("base") as progress:
        progress.start("base", "making it", f"{cell.base}, {tools.base_source}")
        made = make_base(
            tools.engine,
            tools.runner,
            project.matrix.bases[cell.base],
            project.cookbook.base_rule(),
            digest=digest,
            source=tools.base_source,
            secrets=secrets,
            say=lambda line: progress.line("base", line),
            log_file=_folder(tools, "base") / "base.log",
            ensure=tools.ensure,
        )
        progress.finish("base", "done")
    tools.say(f"base {cell.base}: {made.how}, {len(made.packages)} packages, {time.monotonic() - start:.0f} s")
    return made


def name_base(
    project: Project, tools: Tools, cell: Cell, resolution: Resolution, base: LockedBase, made: MadeBase
) -> str:
    """Label a base with its own identity and give it its name in the staging namespace; returns the name."""
    wanted = resolution.model_copy(update={"bases": {**resolution.bases, place(cell.base, cell.arch): base}})
    nodes = project.graph([cell], wanted).nodes.values()
    node = next(node for node in nodes if node.stage.kind is StageKind.BASE)
    there = tools.engine.image(node.image)
    if there is not None and there.labels.get(HASH_LABEL) == node.input_hash:
        # The same base, made before: the engine's cache holds what was built on that one, and not on this.
        return node.image
    # BuildKit cannot name an untagged image in FROM, and labels need a build.
    unnamed = f"{UNNAMED}:{made.image.removeprefix('sha256:')[:16]}"
    tools.engine.tag(made.image, unnamed)
    folder = _folder(tools, "base")
    (folder / "Dockerfile").write_text(f"FROM {unnamed}\n")
    try:
        request = BuildRequest(context=folder, labels=node.build_labels(), secrets=(), timeout=300)
        image = tools.engine.build(request, on_line=lambda line: None, log_file=folder / "base.log")
        tools.engine.tag(image, node.image)
    finally:
        tools.engine.remove(unnamed)
    return node.image


def ask_archive(
    tools: Tools, image: str, sets: dict[str, tuple[str, ...]], locked: dict[str, LockedSet]
) -> tuple[dict[str, LockedSet], dict[tuple[str, str], LockedPackage]]:
    """What the archive has today for some package sets, and which of the locked packages it still has."""
    names = sorted({name for item in locked.values() for name in item.packages})
    with tools.secrets() as secrets, board("archive") as progress:
        progress.start("archive", "asking the distribution's archive what it has", f"{len(names)} packages are locked")
        answer = ask(
            tools.engine,
            image,
            sets,
            tuple(names),
            secrets=secrets,
            folder=_folder(tools, "archive"),
            say=lambda line: progress.line("archive", line),
        )
        progress.finish("archive", "done")
    return answer


def load_stage(tools: Tools, node: Node) -> bool:
    """Load a stage from the first store that has it; a store that proves damaged is left out, and the next asked.

    Returns whether it is in the engine now.
    """
    ref = StageRef(stage=node.stage.name, input_hash=node.input_hash)
    while (found := tools.stores.find(ref)) is not None:
        tools.ensure("skopeo")
        try:
            found.store.load(ref, node.image)
        except StoreRefusedError as error:
            tools.say(f"warning: {error.refused}; going on without it")
            continue
        return True
    return False


def candidates(project: Project, tools: Tools) -> Sequence[tuple[Resolution, tuple[Change, ...]]]:
    """What a build may use without asking the archive: the lock, and what the last build used in its place."""
    locked: Resolution = project.lock.resolution()
    found: list[tuple[Resolution, tuple[Change, ...]]] = [(locked, ())]
    path = _memory(tools, locked)
    if path.is_file():
        try:
            used = Resolution.model_validate(json.loads(path.read_text()))
            found.append((used, compare(locked, used)))
        except (ValidationError, json.JSONDecodeError):
            path.unlink()
    return found


def used_stages(root: Path, tools: Tools, patterns: Sequence[str] = ()) -> frozenset[StageRef]:
    """The stages of the cells that patterns name (of all that can be built, without one), for all kinds of images."""
    used: set[StageRef] = set()
    for image in Project(root).cookbook.images:
        project = Project(root, image=image.name)
        cells = project.buildable()
        if patterns:
            named = set(project.cells(patterns))
            cells = tuple(cell for cell in cells if cell in named)
        for resolution, _ in candidates(project, tools):
            nodes = project.graph(cells, resolution).nodes.values()
            used |= {StageRef(stage=node.stage.name, input_hash=node.input_hash) for node in nodes}
    return frozenset(used)


def _remember(project: Project, tools: Tools, resolution: Resolution, changes: Sequence[Change]) -> None:
    """Keep what is used in place of the lock, so that the next build finds its images without asking the archive."""
    path = _memory(tools, project.lock.resolution())
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(resolution.model_dump_json())
    part.replace(path)


def _memory(tools: Tools, locked: Resolution) -> Path:
    return tools.state / "resolutions" / f"{locked.digest()}.json"


def _folder(tools: Tools, name: str) -> Path:
    folder = tools.state / "work" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
