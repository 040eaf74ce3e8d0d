"""The versions of a build: the lock's where they exist or can be had, else the archive's newer revisions."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from holoenzyme.build.locks import held
from holoenzyme.build.planner import Planner, Resolved, base_node, remember
from holoenzyme.build.progress import board
from holoenzyme.build.stored import load_stage
from holoenzyme.engine.archive import ArchiveAnswer, ask
from holoenzyme.engine.base import BuildRequest
from holoenzyme.engine.bootstrap import MadeBase, make_base
from holoenzyme.matrix.model import Suite
from holoenzyme.matrix.recipe import PackageSet
from holoenzyme.plan.decide import Action
from holoenzyme.plan.graph import HASH_LABEL, UNNAMED, Graph, Node
from holoenzyme.render.stages import StageKind
from holoenzyme.resolve.apt_text import wanted_again
from holoenzyme.resolve.model import LockedSet, Resolution
from holoenzyme.resolve.reconcile import Offers, PackageChange, reconcile
from holoenzyme.session import Session


def resolve(planner: Planner) -> Resolved:
    """The plan to build from.

    Where bases or packages are missing, bases are made and the archive is asked, so that what is pinned can really be
    had. Raises what `reconcile` raises for an archive that has moved on.
    """
    session = planner.session
    found = planner.from_memory()
    if not found.needs_archive():
        _say_changes(session, found.changes)
        return found
    resolution: Resolution = session.project.lock.resolution()
    changes: list[PackageChange] = []
    for place, base in _bases(found.graph).items():
        waiting = f"base {base.stage.base}: another build makes it or asks the archive; waiting"
        with held(session, "base", waiting=partial(session.say, waiting)):
            now = planner.plan(resolution)
            if now.needs_archive(place):
                resolution, new = _reconcile_base(session, place, now)
                changes += new
    found = planner.plan(resolution, tuple(changes))
    _say_changes(session, changes)
    if changes:
        remember(session, resolution)
    return found


def _say_changes(session: Session, changes: Sequence[PackageChange]) -> None:
    """Say how what is used differs from the lock, in every build that uses it."""
    if changes:
        session.say(f"the archive has newer revisions than matrix.lock; this build uses them ({len(changes)}):")
        for change in changes:
            session.say(f"  {change}")


def _reconcile_base(session: Session, place: str, found: Resolved) -> tuple[Resolution, tuple[PackageChange, ...]]:
    """Make or fetch the base of a place, ask the archive from inside it, and hold the answer against the lock."""
    resolution, node = found.resolution, _bases(found.graph)[place]
    image, offered_base = node.image, None
    action = found.plan.of(node.stage.key).action
    if action in (Action.PULL, Action.BUILD) or (action is Action.LOAD and not load_stage(session, node)):
        made = make(session, node.stage.base, resolution.bases[place].digest)
        offered_base = resolution.bases[place].model_copy(update={"packages": made.packages})
        wanted = resolution.model_copy(update={"bases": {**resolution.bases, place: offered_base}})
        image = name_base(session, base_node(session.project, node.stage.base, node.stage.arch, wanted), made)
    # All sets of the lock, those of other channels too: they stand in one resolution, and libLLVM is one for all.
    locked = resolution.sets.get(place, {})
    sets = {name: wanted_again(name, item) for name, item in locked.items()}
    answer = ask_archive(session, node.stage.base, image, sets, locked)
    suites = session.project.matrix.suites
    stages = [decision for decision in found.plan.decisions if decision.node.stage.place == place]
    offers = Offers(
        base=offered_base,
        sets=answer.sets,
        available=answer.available,
        gone={name: _why_gone(sets[name], why, suites) for name, why in answer.gone.items()},
        needed=frozenset(decision.node.stage.package_set for decision in stages),
        at_hand=frozenset(
            decision.node.stage.package_set for decision in stages if decision.action is not Action.BUILD
        ),
    )
    return reconcile(resolution, place, offers, session.project.matrix.pins.moving)


def _why_gone(item: PackageSet, said: str, suites: Mapping[str, Suite]) -> str:
    moves = [f"{name}: {suites[name].moves}" for name in item.suites if suites[name].moves]
    return "; ".join([*moves, f"apt says: {said}"])


def _bases(graph: Graph) -> dict[str, Node]:
    """The nodes of bases by their places: the keys of the lock for base and architecture."""
    return {node.stage.place: node for node in graph.nodes.values() if node.stage.kind is StageKind.BASE}


def make(session: Session, base: str, digest: str | None) -> MadeBase:
    """Make a base anew, the way that was asked for, and say how it was made."""
    start = time.monotonic()
    with session.secrets(base) as secrets, board("base") as progress:
        progress.start("base", "making it", f"{base}, {session.base_source}")
        made = make_base(
            session.engine,
            session.runner,
            base,
            session.project.matrix.bases[base],
            session.project.cookbook.base_rule(),
            digest=digest,
            source=session.base_source,
            secrets=secrets,
            say=lambda line: progress.line("base", line),
            log_file=_folder(session, "base") / "base.log",
            ensure=session.ensure,
        )
        progress.finish("base", "done")
    session.say(f"base {base}: {made.how}, {len(made.packages)} packages, {time.monotonic() - start:.0f} s")
    return made


def name_base(session: Session, node: Node, made: MadeBase) -> str:
    """Label a base with the identity of its node and give it its name in the staging namespace; returns the name."""
    there = session.engine.image(node.image)
    if there is not None and there.labels.get(HASH_LABEL) == node.input_hash:
        # The same base, made before: the engine's cache holds what was built on that one, and not on this.
        return node.image
    # BuildKit cannot name an untagged image in FROM, and labels need a build.
    unnamed = f"{UNNAMED}:{made.image.removeprefix('sha256:')[:16]}"
    session.engine.tag(made.image, unnamed)
    folder = _folder(session, "base")
    (folder / "Dockerfile").write_text(f"FROM {unnamed}\n")
    try:
        request = BuildRequest(context=folder, labels=node.build_labels(), secrets=(), timeout=300)
        image = session.engine.build(request, on_line=lambda line: None, log_file=folder / "base.log")
        session.engine.tag(image, node.image)
    finally:
        session.engine.remove(unnamed)
    return node.image


def ask_archive(
    session: Session, base: str, image: str, sets: Mapping[str, PackageSet], locked: Mapping[str, LockedSet]
) -> ArchiveAnswer:
    """The archive's offer today for some package sets of a base, and the locked packages that it still has."""
    names = sorted({name for item in locked.values() for name in item.packages})
    with session.secrets(base) as secrets, board("archive") as progress:
        progress.start("archive", "asking the distribution's archive what it has", f"{len(names)} packages are locked")
        answer = ask(
            session.engine,
            image,
            sets,
            tuple(names),
            suites=session.project.matrix.suites,
            secrets=secrets,
            folder=_folder(session, "archive"),
            say=lambda line: progress.line("archive", line),
        )
        progress.finish("archive", "done")
    return answer


def _folder(session: Session, name: str) -> Path:
    folder = session.state / "work" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
