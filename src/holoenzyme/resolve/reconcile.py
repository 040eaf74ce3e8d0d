"""Holding the lock against the matrix, and against what the archive offers today. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from debian.debian_support import Version

from holoenzyme.errors import InfrastructureError, UserError
from holoenzyme.matrix.model import MATRIX_NAME, Matrix
from holoenzyme.matrix.recipe import Cookbook, PackageSet
from holoenzyme.resolve import pinned
from holoenzyme.resolve.mentions import in_lock, in_matrix
from holoenzyme.resolve.model import LOCK_NAME, RELOCK, LockedBase, LockedPackage, LockedSet, Resolution, place

#: Native packages have no revision: `12.4+deb12u15` of base-files is the fifteenth update of 12.4 in Debian 12.
_STABLE_UPDATE = re.compile(r"[+~]deb\d+u\d+$")


class Drift(Enum):
    """How a package of the archive differs from the locked one."""

    NONE = "the same"
    REVISION = "a newer revision of the same upstream version"
    UPSTREAM = "another upstream version"
    MOVED = "a newer upstream version, which matrix.yaml lets move"
    OLDER = "an older revision than the locked one"
    ADDED = "not in the lock"
    GONE = "no longer needed"


@dataclass(frozen=True, kw_only=True)
class PackageChange:
    """One package that the archive offers otherwise than the lock has it. `where` names the base or the set."""

    where: str
    package: str
    locked: str | None
    offered: str | None
    drift: Drift

    def __str__(self) -> str:
        return f"{self.where}: {self.package} {self.locked or '-'} -> {self.offered or '-'} ({self.drift.value})"


@dataclass(frozen=True, kw_only=True)
class Offers:
    """The packages of an archive for one base today.

    `base` is the base as it was made there, or none where the locked one is at hand; `sets` holds the closure of each
    set at the archive's newest versions; `available` every (name, version) that can still be downloaded, with its
    checksum; `gone` the sets that the archive cannot give any more, and why. Those matter where they are `needed` (by
    the cells that are built; none says all of them) and not `at_hand` (in the engine or a store).
    """

    base: LockedBase | None
    sets: Mapping[str, LockedSet]
    available: Mapping[tuple[str, str], LockedPackage]
    gone: Mapping[str, str] = field(default_factory=dict)
    needed: Collection[str] | None = None
    at_hand: Collection[str] = ()


def classify(locked: str | None, offered: str | None, *, may_move: bool = False) -> Drift:
    """Compare two Debian versions by their upstream part and revision.

    `may_move` is for a package whose newer upstream versions are taken as revisions are.
    """
    if locked == offered:
        return Drift.NONE
    if locked is None:
        return Drift.ADDED
    if offered is None:
        return Drift.GONE
    old, new = Version(locked), Version(offered)
    if (old.epoch, _upstream(old)) != (new.epoch, _upstream(new)):
        return Drift.MOVED if may_move and new > old else Drift.UPSTREAM
    return Drift.REVISION if new > old else Drift.OLDER


def _upstream(version: Version) -> str:
    """The upstream part; of a package that Debian itself makes, without the mark of an update to a stable release."""
    text = version.upstream_version or ""
    return text if version.debian_revision else _STABLE_UPDATE.sub("", text)


def check_fits(matrix: Matrix, cookbook: Cookbook, lock: Resolution, files: Mapping[str, str]) -> None:
    """Refuse a lock that does not fit the matrix and the recipes.

    `files` maps paths to texts: of the files that pin crates and wheels, and of matrix.yaml and matrix.lock, whose
    lines are named. Raises `UserError` that lists everything that does not fit.
    """
    wrong: list[str] = []
    for cell in matrix.supported():
        key = place(cell.base, cell.arch)
        base = lock.bases.get(key)
        if base is None:
            wrong.append(f"base {key} is not locked")
            continue
        if set(base.include) != set(cookbook.base_rule().include):
            wrong.append(f"base {key} was locked with {', '.join(base.include)} added; the recipe says otherwise")
        for name, wanted in cookbook.package_sets(cell).items():
            locked = lock.sets.get(key, {}).get(name)
            if locked is None:
                wrong.append(f"package set {name!r} of {key} is not locked")
                continue
            if tuple(locked.roots) != tuple(wanted.roots):
                wrong.append(
                    f"package set {name!r} was locked for {', '.join(locked.roots)}; the recipe asks for others"
                )
            wrong += [
                f"package set {name!r} lacks {root!r}, which it was locked for"
                for root in locked.roots
                if root not in locked.packages
            ]
            wrong += _suites(name, wanted, locked)
    # A set that is not locked at all was told above, and its packages are missing with it.
    complete = not wrong
    wrong += _pins(matrix, lock, files)
    wrong += _never_locked(matrix, lock, files) if complete else []
    wrong += pinned.misfits(matrix, lock, files)
    if wrong:
        unique = list(dict.fromkeys(wrong))
        raise UserError("matrix.lock does not fit the matrix", why="; ".join(unique), fix=RELOCK)


def _suites(name: str, wanted: PackageSet, locked: LockedSet) -> list[str]:
    """Packages that are locked from another suite than the recipe says, and those that it names for nothing."""
    wrong = [
        f"{package} of set {name!r} is locked from {item.suite or 'the suites of the base'}; "
        f"the recipe says {wanted.suite_of(package) or 'the suites of the base'}"
        for package, item in locked.packages.items()
        if item.suite != wanted.suite_of(package)
    ]
    wrong += [
        f"{package} is to come from {suite}, and set {name!r} does not need it"
        for suite, packages in wanted.suites.items()
        for package in packages
        if package not in locked.packages
    ]
    if set(locked.suites) != set(wanted.suites):
        wrong.append(f"package set {name!r} was locked with other suites than the recipe says")
    return wrong


def _pins(matrix: Matrix, lock: Resolution, files: Mapping[str, str]) -> list[str]:
    wrong: list[str] = []
    for key, sets in lock.sets.items():
        versions: dict[str, tuple[str, str]] = {}
        for set_name, locked in sets.items():
            for name, package in locked.packages.items():
                pin = matrix.package_pins.get(name)
                if pin is not None and upstream_of(package.version) != pin.version:
                    pinned_at = in_matrix(files, pin.at) or MATRIX_NAME
                    locked_at = in_lock(files, LOCK_NAME, name, package.version)
                    locked_as = f"{package.version} ({locked_at})" if locked_at else package.version
                    wrong.append(f"{name} must be of {pin.version} ({pinned_at}) and is locked at {locked_as}")
                # One libLLVM for everything: a package may not differ between the sets that meet in one process.
                other = versions.setdefault(name, (package.version, set_name))
                if other[0] != package.version:
                    wrong.append(
                        f"{name} is {other[0]} in set {other[1]!r} and {package.version} in {set_name!r} ({key})"
                    )
    return wrong


def _never_locked(matrix: Matrix, lock: Resolution, files: Mapping[str, str]) -> list[str]:
    """Packages that follow a release of a supported cell, and that no set brings: nothing would be held to it."""
    releases = {
        loc for cell in matrix.supported() for loc in (("rust", cell.rust, "release"), ("llvm", cell.llvm, "release"))
    }
    locked = {name for sets in lock.sets.values() for item in sets.values() for name in item.packages}
    return [
        f"{name} must be of {pin.version} ({in_matrix(files, pin.at) or MATRIX_NAME}), and no package set brings it"
        for name, pin in matrix.package_pins.items()
        if pin.at in releases and name not in locked
    ]


def upstream_of(version: str) -> str:
    """The upstream version of a Debian version.

    `+dfsg…` (a repacked source) is left out, `~rc1` (what came before) is not.
    """
    return (Version(version).upstream_version or "").split("+")[0]


def reconcile(
    resolution: Resolution, key: str, offers: Offers, moving: Collection[str] = ()
) -> tuple[Resolution, tuple[PackageChange, ...]]:
    """The versions to build from, for the base `key`, where the archive offers `offers`: the lock's if still to be had.

    `moving` names the packages of which a newer upstream version is taken too.
    Returns the resolution to use and how it differs from the locked one. Raises `UserError` for another upstream
    version and for packages that are gone, and `InfrastructureError` where a mirror is behind or a file has another
    checksum than the locked one.
    """
    locked_base = resolution.bases[key]
    locked_sets = resolution.sets.get(key, {})
    base, sets, changes = locked_base, dict(locked_sets), []
    if offers.base is not None:
        changes += _compare(f"base {key}", locked_base.packages, offers.base.packages, moving)
        if changes:
            base = locked_base.model_copy(update={"packages": dict(offers.base.packages)})
    for name, locked in sets.items():
        _check_sums(name, locked, offers.available)
    # A base that came out newer may hold what a set would bring: then every set has to be taken anew, whole.
    for name in sets if changes else _moving(sets, offers):
        if name in offers.gone:
            # Where only other cells need it, it is told when one of those is built.
            if offers.needed is None or name in offers.needed:
                raise _gone(name, sets[name], offers.gone[name])
            continue
        locked, offered = sets[name], offers.sets[name]
        changes += _compare(
            f"set {name}",
            {package: item.version for package, item in locked.packages.items()},
            {package: item.version for package, item in offered.packages.items()},
            moving,
        )
        sets[name] = offered
    _refuse(changes, _snapshots(locked_sets.values(), {change.package for change in changes}))
    used = resolution.model_copy(
        update={"bases": {**resolution.bases, key: base}, "sets": {**resolution.sets, key: sets}},
    )
    return used, tuple(changes)


def compare(locked: Resolution, offered: Resolution) -> tuple[PackageChange, ...]:
    """Every difference between two resolutions, for `lock --check`."""
    changes: list[PackageChange] = []
    for key, base in offered.bases.items():
        old = locked.bases.get(key)
        changes += _compare(f"base {key}", old.packages if old else {}, base.packages)
        for name, item in offered.sets.get(key, {}).items():
            old_set = locked.sets.get(key, {}).get(name)
            changes += _compare(
                f"set {name}",
                {package: value.version for package, value in old_set.packages.items()} if old_set else {},
                {package: value.version for package, value in item.packages.items()},
            )
    changes += _compare(
        "crates",
        {name: crate.version for name, crate in locked.crates.items()},
        {name: crate.version for name, crate in offered.crates.items()},
    )
    changes += _compare(
        "wheels",
        {name: wheel.version for name, wheel in locked.wheels.items()},
        {name: wheel.version for name, wheel in offered.wheels.items()},
    )
    return tuple(changes)


def _compare(
    where: str, locked: Mapping[str, str], offered: Mapping[str, str], moving: Collection[str] = ()
) -> list[PackageChange]:
    changes = [
        PackageChange(
            where=where,
            package=name,
            locked=locked.get(name),
            offered=offered.get(name),
            drift=classify(locked.get(name), offered.get(name), may_move=name in moving),
        )
        for name in sorted({*locked, *offered})
    ]
    return [change for change in changes if change.drift is not Drift.NONE]


def _check_sums(name: str, locked: LockedSet, available: Mapping[tuple[str, str], LockedPackage]) -> None:
    for package, item in locked.packages.items():
        offered = available.get((package, item.version))
        if offered is not None and offered.sha256 != item.sha256:
            raise InfrastructureError(
                f"{package} {item.version} has another checksum in the archive than in matrix.lock (set {name})",
                why=f"locked {item.sha256}, offered {offered.sha256}: one version must have one content",
                fix="ask who runs the mirror; if the lock is wrong, run `nox -s lock`",
            )


def _moving(sets: Mapping[str, LockedSet], offers: Offers) -> list[str]:
    """The sets that have to be taken anew: what they lock is gone, or they share a package with a set that moves.

    Two versions of a package must not meet in one image: two builds of libLLVM hang in one process.
    """
    moving = {
        name
        for name, locked in sets.items()
        if not (name in offers.gone and name in offers.at_hand)
        and not all((package, item.version) in offers.available for package, item in locked.packages.items())
    }
    return with_shared(sets, offers.sets, moving)


def with_shared(sets: Mapping[str, LockedSet], offered: Mapping[str, LockedSet], moving: Collection[str]) -> list[str]:
    """The sets that are taken as they are offered where those of `moving` are: they share a package that moves."""
    taken = set(moving)
    while True:
        versions = {
            package: item.version
            for name in taken
            if name in offered
            for package, item in offered[name].packages.items()
        }
        more = {
            name
            for name, locked in sets.items()
            if any(versions.get(package, item.version) != item.version for package, item in locked.packages.items())
        }
        if more <= taken:
            return [name for name in sets if name in taken]
        taken |= more


def _gone(name: str, locked: LockedSet, why: str) -> UserError:
    """What gives packages that the archive had when they were locked, and has no more."""
    suites = ", ".join(sorted(locked.suites))
    return UserError(
        f"the archive does not have the packages of set {name!r} any more, some of which come from {suites}",
        why=why,
        fix=f"use a store that holds them (--store DIR), {_snapshots([locked], locked.packages)}; "
        f"or lock anew: {RELOCK}",
    )


def _snapshots(sets: Iterable[LockedSet], packages: Collection[str]) -> str:
    """The snapshots that have packages of other suites than the base's own, in words; nothing where there are none."""
    days = {
        item.suite: locked.suites[item.suite]
        for locked in sets
        for name, item in locked.packages.items()
        if item.suite is not None and name in packages
    }
    lists = " and ".join(f"{suite}.list: {suite} as of {day}" for suite, day in sorted(days.items()))
    return f"or a snapshot of the archive (HOLOENZYME_APT_SOURCES names a folder with {lists})" if lists else ""


def _refuse(changes: list[PackageChange], snapshots: str) -> None:
    upstream = [change for change in changes if change.drift is Drift.UPSTREAM]
    if upstream:
        names = ", ".join(sorted({change.package for change in upstream}))
        raise UserError(
            f"the archive has another upstream version of {names} than matrix.lock",
            why="; ".join(str(change) for change in upstream),
            fix=f"lock {names} anew: {RELOCK} (a store that holds the locked packages also serves: --store DIR"
            f"{f', {snapshots}' if snapshots else ''})",
        )
    older = [change for change in changes if change.drift is Drift.OLDER]
    if older:
        raise InfrastructureError(
            "the archive is behind matrix.lock",
            why="; ".join(str(change) for change in older),
            fix="use an up-to-date mirror, or a store that holds the locked packages (--store DIR)",
        )
