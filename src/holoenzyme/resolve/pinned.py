"""Crates and wheels: what the project's own lock files (a Cargo.lock, a requirements.txt) pin, with checksums. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping

from holoenzyme.errors import UserError
from holoenzyme.matrix.model import MATRIX_NAME, Matrix
from holoenzyme.matrix.yamlfile import Loc
from holoenzyme.resolve.mentions import (
    Mention,
    in_cargo_lock,
    in_lock,
    in_manifest,
    in_matrix,
    in_requirements,
    manifest_of,
)
from holoenzyme.resolve.model import LOCK_NAME, LockedCrate, LockedWheel, Resolution


def crate_in_lockfile(text: str, name: str, path: str) -> LockedCrate:
    """The version and checksum of a crate in a Cargo.lock; raises `UserError` where it is not there exactly once."""
    packages = [item for item in tomllib.loads(text).get("package", []) if item.get("name") == name]
    if len(packages) != 1 or "checksum" not in packages[0]:
        raise UserError(
            f"{path}: crate {name!r} stands there {len(packages)} times", fix="pin it once, from the registry"
        )
    return LockedCrate(version=packages[0]["version"], checksum=packages[0]["checksum"], lockfile=path)


def wheel_in_requirements(text: str, name: str, path: str) -> LockedWheel:
    """The version and checksums of a wheel in a requirements.txt; raises `UserError` where it is not pinned once."""
    # A line that ends in a backslash goes on in the next.
    lines = re.sub(r"\\\n", " ", text).splitlines()
    found = [line for line in lines if re.match(rf"{re.escape(name)}\s*==", line)]
    sums = tuple(sorted(re.findall(r"--hash=sha256:([0-9a-f]{64})(?![0-9a-f])", found[0]))) if found else ()
    version = re.match(r"[^=]+==\s*(\S+)", found[0]) if found else None
    if len(found) != 1 or not sums or version is None:
        without = "" if sums or not found else ", without hash"
        what = f"{path}: wheel {name!r} stands there {len(found)} times{without}"
        raise UserError(what, fix=f"pin it once: `{name}==VERSION --hash=sha256:...`")
    return LockedWheel(version=version[1], sha256=sums, lockfile=path)


def lock_places(files: Mapping[str, str], resolution: Resolution) -> dict[str, dict[str, list[Mention]]]:
    """Where the versions of the locked crates and wheels stand in `files` (path → text): kind → name → places."""
    crates = {
        name: [
            in_matrix(files, ("pins", "crates", name, "version")),
            in_manifest(files, manifest_of(crate.lockfile), name),
            in_cargo_lock(files, crate.lockfile, name),
            in_lock(files, LOCK_NAME, name, crate.version),
        ]
        for name, crate in resolution.crates.items()
    }
    wheels = {
        name: [
            in_matrix(files, ("pins", "wheels", name, "version")),
            in_requirements(files, wheel.lockfile, name),
            in_lock(files, LOCK_NAME, name, wheel.version),
        ]
        for name, wheel in resolution.wheels.items()
    }
    return {
        kind: {name: [place for place in places if place is not None] for name, places in found.items()}
        for kind, found in (("crate", crates), ("wheel", wheels))
    }


def misfits(matrix: Matrix, lock: Resolution, files: Mapping[str, str]) -> list[str]:
    """Where the pins, the lock, and the files that pin crates and wheels contradict one another.

    `files` maps the paths of what pins them (matrix.yaml, matrix.lock, each Cargo.toml, Cargo.lock and
    requirements.txt) to their texts; what is wrong is told with the line and column of each version.
    """
    wrong: list[str] = []
    for name, pin in matrix.pins.crates.items():
        crate = lock.crates.get(name)
        if crate is None:
            wrong.append(_unlocked("crate", name, files, ("pins", "crates", name, "version")))
            continue
        if crate.lockfile not in files:
            wrong.append(f"{crate.lockfile}, which pins crate {name!r}, is missing")
            continue
        there = crate_in_lockfile(files[crate.lockfile], name, crate.lockfile)
        asked = in_manifest(files, manifest_of(crate.lockfile), name)
        versions = {pin.version, crate.version, there.version, *([asked.version] if asked else [])}
        sums = crate.checksum, there.checksum
        wrong += _contradiction("crate", name, crate.lockfile, versions, sums, files, lock)
    for name, wheel_pin in matrix.pins.wheels.items():
        wheel = lock.wheels.get(name)
        if wheel is None:
            wrong.append(_unlocked("wheel", name, files, ("pins", "wheels", name, "version")))
            continue
        if wheel.lockfile not in files:
            wrong.append(f"{wheel.lockfile}, which pins wheel {name!r}, is missing")
            continue
        has = wheel_in_requirements(files[wheel.lockfile], name, wheel.lockfile)
        sums = " ".join(wheel.sha256), " ".join(has.sha256)
        versions = {wheel_pin.version, wheel.version, has.version}
        wrong += _contradiction("wheel", name, wheel.lockfile, versions, sums, files, lock)
    for kind, pins, locked in (
        ("crate", set(matrix.pins.crates), set(lock.crates)),
        ("wheel", set(matrix.pins.wheels), set(lock.wheels)),
    ):
        wrong += [f"{kind} {name!r} is locked, and not pinned in {MATRIX_NAME}" for name in sorted(locked - pins)]
    return wrong


def _unlocked(kind: str, name: str, files: Mapping[str, str], at: Loc) -> str:
    return f"{kind} {name!r} is pinned at {in_matrix(files, at) or MATRIX_NAME} and not locked"


def _contradiction(
    kind: str,
    name: str,
    path: str,
    versions: Collection[str],
    sums: tuple[str, str],
    files: Mapping[str, str],
    lock: Resolution,
) -> list[str]:
    """The faults of a crate or wheel of these versions, with these checksums in the lock and in the file `path`."""
    if len(versions) > 1:
        places = lock_places(files, lock)[kind][name]
        return [f"{kind} {name!r} has two versions: {', '.join(f'{place.version} at {place}' for place in places)}"]
    if sums[0] != sums[1]:
        version = next(iter(versions))
        return [f"{kind} {name!r} {version} has checksum {sums[0]} in the lock and {sums[1]} in {path}"]
    return []
