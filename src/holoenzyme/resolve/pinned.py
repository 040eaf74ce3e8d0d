"""Crates and wheels: what the project's own lock files (a Cargo.lock, a requirements.txt) pin, with checksums. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

from holoenzyme.errors import UserError
from holoenzyme.matrix.model import Matrix
from holoenzyme.resolve.model import LockedCrate, LockedWheel, Resolution


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


def misfits(matrix: Matrix, lock: Resolution, lockfiles: Mapping[str, str]) -> list[str]:
    """Where the pins, the lock, and the files that pin crates and wheels (name -> text) contradict one another."""
    crates = {name: pin.version for name, pin in matrix.pins.crates.items()}
    wheels = {name: pin.version for name, pin in matrix.pins.wheels.items()}
    wrong = _unlocked("crate", crates, {name: crate.version for name, crate in lock.crates.items()})
    wrong += _unlocked("wheel", wheels, {name: wheel.version for name, wheel in lock.wheels.items()})
    for name, crate in lock.crates.items():
        if name not in lockfiles:
            wrong.append(f"{crate.lockfile}, which pins crate {name!r}, is missing")
            continue
        found = crate_in_lockfile(lockfiles[name], name, crate.lockfile)
        wrong += _other("crate", name, crate.lockfile, crate.version, found.version, crate.checksum, found.checksum)
    for name, wheel in lock.wheels.items():
        if name not in lockfiles:
            wrong.append(f"{wheel.lockfile}, which pins wheel {name!r}, is missing")
            continue
        has = wheel_in_requirements(lockfiles[name], name, wheel.lockfile)
        sums = " ".join(wheel.sha256), " ".join(has.sha256)
        wrong += _other("wheel", name, wheel.lockfile, wheel.version, has.version, *sums)
    return wrong


def _unlocked(kind: str, pins: Mapping[str, str], locked: Mapping[str, str]) -> list[str]:
    wrong = []
    for name, pin in pins.items():
        if name not in locked:
            wrong.append(f"{kind} {name!r} is pinned in matrix.yaml and not locked")
        elif locked[name] != pin:
            wrong.append(f"{kind} {name!r} is pinned to {pin} in matrix.yaml and locked at {locked[name]}")
    return wrong


def _other(kind: str, name: str, path: str, version: str, found: str, checksum: str, has: str) -> list[str]:
    if found != version:
        return [f"{kind} {name!r} is {version} in the lock and {found} in {path}"]
    if has != checksum:
        return [f"{kind} {name!r} {version} has checksum {checksum} in the lock and {has} in {path}"]
    return []
