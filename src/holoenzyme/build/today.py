"""Versions of all pins as the archives offer them today: the content of `matrix.lock`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from holoenzyme.build.planner import base_node
from holoenzyme.build.resolver import ask_archive, make, name_base
from holoenzyme.errors import UserError
from holoenzyme.matrix.model import Cell, Status
from holoenzyme.matrix.yamlfile import did_you_mean
from holoenzyme.resolve.model import (
    LOCK_NAME,
    LockedBase,
    LockedCrate,
    LockedSet,
    LockedWheel,
    Resolution,
    place,
    read_lock,
)
from holoenzyme.resolve.pinned import crate_in_lockfile, wheel_in_requirements
from holoenzyme.session import Session


def resolve_today(session: Session, only: Collection[str] = ()) -> Resolution:
    """Everything at the newest versions that the archives offer: bases are made, nothing else is built.

    With `only` (names of bases) other bases, and their packages, are as the lock has them; raises `UserError` for a
    name that no cell that can be built has.
    """
    project = session.project
    places = _places(project.matrix.all_cells())
    _check_bases(only, {cells[0].base for cells in places.values()})
    old = read_lock(project.root / LOCK_NAME) if only else None
    bases: dict[str, LockedBase] = dict(old.bases) if old else {}
    sets: dict[str, dict[str, LockedSet]] = dict(old.sets) if old else {}
    crates = find_crates(project.root, tuple(project.matrix.pins.crates))
    wheels = find_wheels(project.root, tuple(project.matrix.pins.wheels))
    for key, cells in places.items():
        name, arch = cells[0].base, cells[0].arch
        if only and name not in only:
            continue
        base = project.matrix.bases[name]
        digest = session.engine.digest(base.image)
        made = make(session, name, digest)
        bases[key] = LockedBase(
            image=base.image,
            digest=digest,
            digest_reason=None if digest else "no registry answered when the lock was written",
            include=tuple(project.cookbook.base_rule().include),
            packages=made.packages,
        )
        wanted = {key: item for cell in cells for key, item in project.cookbook.package_sets(cell).items()}
        empty = {key: LockedSet(roots=item.roots, packages={}) for key, item in wanted.items()}
        draft = Resolution(bases=dict(bases), sets={**sets, key: empty}, crates=crates, wheels=wheels)
        image = name_base(session, base_node(project, name, arch, draft), made)
        answer = ask_archive(session, name, image, wanted, {})
        if answer.gone:
            raise UserError(
                f"the archive of {name} does not have the packages of {', '.join(sorted(answer.gone))}",
                why="; ".join(answer.gone.values()),
                fix="correct `packages_for:` of the recipe, or name a snapshot of the archive that has them: a folder "
                "with SUITE.list in HOLOENZYME_APT_SOURCES",
            )
        sets[key] = dict(answer.sets)
    return Resolution(bases=bases, sets=sets, crates=crates, wheels=wheels)


def _check_bases(names: Collection[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            fix = did_you_mean(name, known) or f"they are: {', '.join(sorted(known))}"
            raise UserError(f"no cell that can be built has the base {name!r}", fix=fix)


def find_crates(root: Path, names: Sequence[str]) -> dict[str, LockedCrate]:
    """The pinned crates, from the one Cargo.lock below `recipes/` that has each; raises `UserError` otherwise."""
    found: dict[str, LockedCrate] = {}
    for name in names:
        holders = [
            path for path in sorted(root.glob("recipes/**/Cargo.lock")) if f'name = "{name}"' in path.read_text("utf-8")
        ]
        if len(holders) != 1:
            raise UserError(
                f"crate {name!r} is pinned in matrix.yaml, and {len(holders)} Cargo.lock files below recipes/ have it",
                fix="one recipe must depend on it, with a committed Cargo.lock",
            )
        relative = str(holders[0].relative_to(root))
        found[name] = crate_in_lockfile(holders[0].read_text("utf-8"), name, relative)
    return found


def find_wheels(root: Path, names: Sequence[str]) -> dict[str, LockedWheel]:
    """The pinned wheels, from the one requirements.txt below `recipes/` that has each; raises `UserError` otherwise."""
    found: dict[str, LockedWheel] = {}
    for name in names:
        paths = sorted(root.glob("recipes/**/requirements.txt"))
        holders = [path for path in paths if f"\n{name}==" in "\n" + path.read_text("utf-8")]
        if len(holders) != 1:
            raise UserError(
                f"wheel {name!r} is pinned in matrix.yaml, and {len(holders)} requirements.txt files below recipes/ "
                "have it",
                fix="one recipe must name it there, with its hash",
            )
        relative = str(holders[0].relative_to(root))
        found[name] = wheel_in_requirements(holders[0].read_text("utf-8"), name, relative)
    return found


def _places(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    places: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell.status is Status.SUPPORTED:
            places.setdefault(place(cell.base, cell.arch), []).append(cell)
    return places
