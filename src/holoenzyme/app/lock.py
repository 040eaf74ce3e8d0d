"""`lock`: write what the pins resolve to today, or say what has drifted since."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from holoenzyme.app.locks import held
from holoenzyme.app.resolving import ask_archive, make, name_base
from holoenzyme.errors import ExitCode, UserError
from holoenzyme.matrix.model import Cell, Status
from holoenzyme.plan.decide import BaseSource
from holoenzyme.resolve.model import (
    LOCK_NAME,
    LockedBase,
    LockedCrate,
    LockedSet,
    LockedWheel,
    Resolution,
    place,
    read_lock,
    write_lock,
)
from holoenzyme.resolve.pinned import crate_in_lockfile, wheel_in_requirements
from holoenzyme.resolve.reconcile import check_fits, compare
from holoenzyme.session import Session, machine_session


def run(argv: list[str], root: Path) -> int:
    """`lock [--check]`: exit code 0 when the lock was written or has not drifted, 1 when it has."""
    parser = argparse.ArgumentParser(prog="lock", description="Resolve all pins and write matrix.lock.")
    parser.add_argument("--check", action="store_true", help="write nothing; say what has drifted")
    parser.add_argument(
        "--base", choices=[source.value for source in BaseSource], default="auto", help="how bases are made"
    )
    arguments = parser.parse_args(argv)
    session = machine_session(root, base_source=BaseSource(arguments.base))
    path = root / LOCK_NAME
    with held(session, "base", waiting=lambda: session.say("another command makes a base; waiting")):
        offered = resolve_today(session)
    if not arguments.check:
        project = session.project
        files = project.pinning_files(offered)
        # What stands in the old lock is no longer said of what is about to be written.
        files.pop(LOCK_NAME, None)
        check_fits(project.matrix, project.cookbook, offered, files)
        old = path.read_text(encoding="utf-8") if path.is_file() else ""
        text = write_lock(path, offered)
        session.say(f"{LOCK_NAME}: {'unchanged' if text == old else 'written'}")
        return ExitCode.OK
    changes = compare(read_lock(path).resolution(), offered)
    for change in changes:
        print(change)
    print(f"{LOCK_NAME}: {len(changes)} differences from what the archives offer today")
    return ExitCode.FAILED if changes else ExitCode.OK


def resolve_today(session: Session) -> Resolution:
    """Everything at the newest versions that the archives offer: bases are made, nothing else is built."""
    project = session.project
    bases: dict[str, LockedBase] = {}
    sets: dict[str, dict[str, LockedSet]] = {}
    crates = find_crates(project.root, tuple(project.matrix.pins.crates))
    wheels = find_wheels(project.root, tuple(project.matrix.pins.wheels))
    for key, cells in _places(project.matrix.all_cells()).items():
        base = project.matrix.bases[cells[0].base]
        digest = session.engine.digest(base.image)
        made = make(session, cells[0], digest)
        bases[key] = LockedBase(
            image=base.image,
            digest=digest,
            digest_reason=None if digest else "no registry answered when the lock was written",
            include=tuple(project.cookbook.base_rule().include),
            packages=made.packages,
        )
        wanted = {name: roots for cell in cells for name, roots in project.cookbook.package_sets(cell.channel).items()}
        empty = {name: LockedSet(roots=roots, packages={}) for name, roots in wanted.items()}
        draft = Resolution(bases=dict(bases), sets={**sets, key: empty}, crates=crates, wheels=wheels)
        image = name_base(session, cells[0], draft, bases[key], made)
        sets[key], _ = ask_archive(session, image, wanted, {})
    return Resolution(bases=bases, sets=sets, crates=crates, wheels=wheels)


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
