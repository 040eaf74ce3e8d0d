"""Freeing the project's leftovers, and nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from filelock import FileLock, Timeout

from holoenzyme import console
from holoenzyme.build.planner import used_stages
from holoenzyme.engine.base import Housekeeping, ImageInUse
from holoenzyme.errors import UserError
from holoenzyme.machine.leftovers import Item, Kind, containers, files, images, is_alive
from holoenzyme.session import RUST_CACHE, Session

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options: the kinds to free beyond the usual, and whether to free anything."""

    yes: bool = False
    superseded: bool = False
    evidence: bool = False
    build_cache: bool = False


@dataclass(kw_only=True)
class Removed:
    """The sum of a removal: how many items, the bytes of files and build cache, and the items that stayed after all."""

    count: int = 0
    size: int = 0
    stayed: int = 0


def current_hashes(session: Session) -> frozenset[str]:
    """The input hashes of every stage of every cell that can be built, for all kinds of images."""
    return frozenset(ref.input_hash for ref in used_stages(session))


def survey(
    engine: Housekeeping,
    state: Path,
    options: Options,
    current: Collection[str] | None,
    alive: Callable[[str], bool] = is_alive,
) -> list[Item]:
    """Everything that is left, in the order in which it can be removed. `current` is None where all of it is meant."""
    everyone = engine.containers()
    left = containers(everyone, alive)
    gone = {target for item in left for target in item.targets}
    used_by = {item.image: item.id for item in everyone if item.id not in gone}
    found = [
        *left,
        *images(engine, used_by, state, current),
        *files(state, log_file=console.log_file(), evidence=options.evidence, cache=RUST_CACHE, current=current),
    ]
    if current is None or options.build_cache:
        found.append(
            Item(
                kind=Kind.BUILD_CACHE,
                name="BuildKit's cache, of everything that was ever built on this engine",
                size=engine.usage().build_cache,
                stays=None if options.build_cache else "not ours alone; --build-cache, or: docker builder prune --all",
            )
        )
    return found


@contextmanager
def no_build(state: Path) -> Iterator[None]:
    """Hold every lock of the state folder, so that no build goes on; raises `UserError` where one does."""
    with ExitStack() as stack:
        for path in sorted((state / "locks").glob("*.lock")):
            try:
                stack.enter_context(FileLock(path, timeout=0))
            except Timeout:
                raise UserError(
                    f"{path.stem} is being worked on",
                    why="a build needs what would be removed",
                    fix="wait for it to end, or end it",
                ) from None
        yield


def remove(engine: Housekeeping, items: list[Item], say: Callable[[str], None]) -> Removed:
    """Remove what does not stay; what turns out to be in use is left, and said."""
    removed = Removed()
    for item in items:
        if item.stays is not None:
            continue
        try:
            removed.size += _remove(engine, item)
            removed.count += 1
        except ImageInUse as error:
            removed.stayed += 1
            say(f"left: {item.name}: {error.why}")
    return removed


def _remove(engine: Housekeeping, item: Item) -> int:
    """Remove one; returns the bytes where they are certain. What images free shows in the engine's sum only."""
    match item.kind:
        case Kind.CONTAINER:
            engine.remove_container(item.targets[0])
            return 0
        case Kind.IMAGE:
            for target in item.targets:
                engine.remove(target)
            return 0
        case Kind.FILES | Kind.EVIDENCE:
            for path in map(Path, item.targets):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
            return item.size
        case Kind.BUILD_CACHE:
            return engine.free_build_cache()
        case _:
            assert_never(item.kind)


def tidy(state: Path) -> None:
    """Remove the folders of the state folder that are empty now, and itself."""
    for folder in (*(path for path in state.glob("*") if path.is_dir()), state):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def as_data(items: list[Item], *, freed: bool) -> dict[str, object]:
    """The list for machines: schema 1, sizes in bytes; those of images are upper bounds."""
    return {
        "schema": 1,
        "removed": freed,
        "items": [
            {
                "kind": item.kind.value,
                "name": item.name,
                "bytes": item.size,
                "targets": item.targets,
                "stays": item.stays,
            }
            for item in items
        ],
    }
