"""Rules of `matrix.yaml` that reach across its sections; each broken one is a `Problem` with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from holoenzyme.matrix.axes import Axis
from holoenzyme.matrix.constraints import exclusion
from holoenzyme.matrix.pattern import matches
from holoenzyme.matrix.yamlfile import SECOND, Loc, Problem, did_you_mean

if TYPE_CHECKING:
    from holoenzyme.matrix.model import CellRule, Declared, Matrix

#: How many ids one message lists.
_SHOWN = 8


def references(matrix: Matrix) -> Iterator[Problem]:
    """Problems that need no product of the axes: names that do not exist, and statuses that contradict."""
    yield from _names(matrix)
    yield from _suites(matrix)
    yield from _releases(matrix)
    yield from _wheels(matrix)
    yield from _devices(matrix)
    yield from _statuses(matrix)
    yield from _constraints(matrix)
    yield from _cell_ids(matrix)


def coverage(matrix: Matrix) -> Iterator[Problem]:
    """Problems in the product of the axes: points without a word, cells that cannot be, constraints without effect."""
    declared = {rule.id: index for index, rule in enumerate(matrix.cells)}
    silent = []
    idle = {rule.id for rule in matrix.constraints}
    for point in matrix.product():
        cell_id = matrix.id_of(point)
        idle -= {rule.id for rule in matrix.constraints if rule.id in idle and rule.applies(point)}
        reason = exclusion(matrix.constraints, point)
        if reason and cell_id in declared:
            yield Problem(
                at=("cells", declared[cell_id], "id"),
                what=f"{cell_id!r} is declared and excluded",
                why=reason,
                fix="remove the cell, or narrow the constraint",
            )
        elif not reason and cell_id not in declared:
            silent.append(cell_id)
    if silent:
        count = "1 point is" if len(silent) == 1 else f"{len(silent)} points are"
        more = f" and {len(silent) - _SHOWN} more" if len(silent) > _SHOWN else ""
        yield Problem(
            at=("cells",),
            on_key=True,
            what=f"{count} neither declared nor excluded: {', '.join(silent[:_SHOWN])}{more}",
            why="nothing is left out silently: every channel, rust, target, base and arch, in every combination",
            fix="declare each as a cell (planned, with its reason), or exclude it by a constraint",
        )
    for index, rule in enumerate(matrix.constraints):
        if rule.id in idle:
            yield Problem(at=("constraints", index, "excludes"), what=f"{rule.id!r} excludes nothing", fix="remove it")


def _names(matrix: Matrix) -> Iterator[Problem]:
    yield from _known(("defaults", "base"), "base", matrix.defaults.base, matrix.bases)
    yield from _known(("defaults", "arch"), "arch", matrix.defaults.arch, matrix.architectures)
    for version, pin in matrix.rust.items():
        yield from _known(("rust", version, "llvm"), "llvm", pin.llvm, matrix.llvm)
        if pin.base:
            yield from _known(("rust", version, "base"), "base", pin.base, matrix.bases)
    for name, channel in matrix.channels.items():
        for index, version in enumerate(channel.rust):
            yield from _known(("channels", name, "rust", index), "rust", version, matrix.rust)
    for index, cell in enumerate(matrix.cells):
        at = ("cells", index)
        yield from _known((*at, "channel"), "channel", cell.channel, matrix.channels)
        if cell.channel in matrix.channels:
            yield from _known((*at, "rust"), f"rust of {cell.channel}", cell.rust, matrix.channels[cell.channel].rust)
        yield from _known((*at, "target"), "target", cell.target, matrix.targets)
        if cell.base:
            yield from _known((*at, "base"), "base", cell.base, matrix.bases)
        if cell.arch:
            yield from _known((*at, "arch"), "arch", cell.arch, matrix.architectures)
        for position, suite in enumerate(cell.suites):
            yield from _known((*at, "suites", position), "suite", suite, matrix.suites)
    for name in matrix.architectures:
        if name in matrix.bases:
            why = "ids of cells could not tell the two apart"
            yield Problem(at=("architectures", name), on_key=True, what="is the name of a base too", why=why)


def _suites(matrix: Matrix) -> Iterator[Problem]:
    used = {suite for cell in matrix.cells for suite in cell.suites}
    for name, suite in matrix.suites.items():
        at: Loc = ("suites", name)
        for base_name, base in matrix.bases.items():
            if {base_name, base.suite} & {name, suite.codename}:
                what, why = "is the suite of a base", f"{SECOND}: what it has comes without being named"
                yield Problem(at=at, on_key=True, what=what, why=why, second=("bases", base_name, "suite"))
        if name not in used:
            fix = "remove it, or name it in `suites:` of a cell"
            yield Problem(at=at, on_key=True, what="no cell has packages of it", fix=fix)


def _releases(matrix: Matrix) -> Iterator[Problem]:
    seen: dict[str, Loc] = {}
    for (section, version), pin in matrix.releases():
        if pin.release and not pin.release.startswith((f"{version}.", f"{version}-")):
            what = f"{pin.release!r} is no release of {version!r}"
            yield Problem(at=(section, version, "release"), what=what, why=f"expected {version}.* or {version}-*")
        if pin.packages and pin.release is None:
            why = "its packages follow it"
            yield Problem(
                at=(section, version, "release"), what="missing", why=why, fix="add it, or remove `packages:`"
            )
        for key, package in pin.followers.items():
            at: Loc = (section, version, "packages", key)
            # LLVM's packages have the version in their names: another one's would never be of this release.
            if section == "llvm" and version not in re.findall(r"\d+", package):
                why = f"expected packages of LLVM {version}, which have {version} in their names"
                yield Problem(at=at, what=f"{package!r} is not of this version", why=why)
            if package in seen:
                why = f"it follows {SECOND}; a package has one version"
                what = f"{package!r} follows two releases"
                yield Problem(at=at, what=what, why=why, fix="remove one", second=seen[package])
            seen.setdefault(package, at)
            if package in matrix.pins.moving:
                why = f"it follows {SECOND}: no other upstream version of it is taken"
                what, fix = "may not move", "remove it here or there"
                moving: Loc = ("pins", "moving", package)
                yield Problem(at=moving, on_key=True, what=what, why=why, fix=fix, second=at)


def _wheels(matrix: Matrix) -> Iterator[Problem]:
    for name, pin in matrix.pins.wheels.items():
        at = ("pins", "wheels", name)
        try:
            version, within = Version(pin.version), SpecifierSet(pin.within or "")
        except InvalidVersion:
            yield Problem(at=(*at, "version"), what=f"{pin.version!r} is no version", why="allowed: as in '13.0.88'")
            continue
        except InvalidSpecifier:
            what = f"{pin.within!r} is no range of versions"
            yield Problem(at=(*at, "within"), what=what, why="allowed: as in '==13.0.*'")
            continue
        if not within.contains(version, prereleases=True):
            what, why = f"{pin.version} is not {pin.within}", f"that is what {SECOND} allows"
            yield Problem(at=(*at, "version"), what=what, why=why, fix="correct one", second=(*at, "within"))


def _devices(matrix: Matrix) -> Iterator[Problem]:
    seen: dict[str, tuple[str, str]] = {}
    for name, target in matrix.targets.items():
        at: Loc = ("targets", name)
        if target.kind == "cuda" and matrix.ptx and name not in matrix.ptx.processors:
            why = "clang would take a version of its own, which may not have this processor"
            yield Problem(at=at, on_key=True, what="has no version of PTX", why=why, fix="add it to `ptx.processors`")
        if target.triple is None:
            continue
        other, triple = seen.setdefault(target.kind, (name, target.triple))
        if triple != target.triple:
            what, why = f"is not the triple of {other}", f"{SECOND}; GPUs of a kind have one"
            yield Problem(at=(*at, "triple"), what=what, why=why, second=("targets", other, "triple"))


def _statuses(matrix: Matrix) -> Iterator[Problem]:
    declared: list[tuple[Loc, Declared]] = [
        *((("bases", name), base) for name, base in matrix.bases.items()),
        *((("channels", name), channel) for name, channel in matrix.channels.items()),
        *((("cells", index), cell) for index, cell in enumerate(matrix.cells)),
    ]
    for at, item in declared:
        if item.status == "planned" and item.reason is None:
            yield Problem(at=(*at, "reason"), what="missing", why="what is planned says why it is not there yet")
        if item.status == "supported" and item.reason is not None:
            what = "is only for what is planned"
            yield Problem(at=(*at, "reason"), on_key=True, what=what, fix="remove it, or set `status: planned`")
    for index, cell in enumerate(matrix.cells):
        if cell.status == "supported":
            yield from _supported(matrix, index, cell)
    default = next((cell for cell in matrix.cells if cell.id == matrix.defaults.cell), None)
    if default is None:
        yield from _known(("defaults", "cell"), "cell", matrix.defaults.cell, [cell.id for cell in matrix.cells])
    elif default.status != "supported":
        why = "what is built where nothing is said must build"
        yield Problem(at=("defaults", "cell"), what=f"{default.id!r} is {default.status}, not supported", why=why)


def _supported(matrix: Matrix, index: int, cell: CellRule) -> Iterator[Problem]:
    """Problems of a supported cell."""
    at = ("cells", index)
    if cell.budget is None:
        fix = "add `budget: {compressed_mb: ..., build_minutes: ...}`"
        yield Problem(at=(*at, "budget"), what="missing", why="a supported cell has a budget", fix=fix)
    base = cell.base or matrix.usual_base(cell.rust)
    for kind, name, declared in (
        ("channel", cell.channel, matrix.channels.get(cell.channel)),
        ("base", base, matrix.bases.get(base)),
    ):
        if declared and declared.status != "supported":
            what = f"cannot be supported, because its {kind} {name!r} is {declared.status}"
            yield Problem(at=(*at, "status"), what=what, fix=f"set `status: planned`, or support the {kind} first")
    rust = matrix.rust.get(cell.rust)
    llvm = matrix.llvm.get(rust.llvm) if rust else None
    built_with = [(("rust", cell.rust), rust), (("llvm", rust.llvm), llvm)] if rust else []
    for place, pin in built_with:
        why = f"the supported cell {cell.id!r} is built with it"
        if pin and pin.release is None:
            yield Problem(at=(*place, "release"), what="missing", why=why)
        elif pin and not pin.packages:
            why += ", and nothing else keeps the archive's packages to this release"
            form = "{rustc: ..., cargo: ...}" if place[0] == "rust" else "[...]"
            fix = f"add `packages: {form}`: the Debian packages that must be of this release"
            yield Problem(at=(*place, "packages"), what="missing", why=why, fix=fix)


def _constraints(matrix: Matrix) -> Iterator[Problem]:
    values: dict[Axis, Iterable[str]] = {
        "channel": matrix.channels,
        "rust": matrix.rust,
        "llvm": matrix.llvm,
        "target": matrix.targets,
        "base": matrix.bases,
        "arch": matrix.architectures,
    }
    seen: set[str] = set()
    for index, rule in enumerate(matrix.constraints):
        if rule.id in seen:
            yield Problem(at=("constraints", index, "id"), what=f"{rule.id!r} is here twice", fix="rename one")
        seen.add(rule.id)
        for axis, patterns in rule.excludes.items():
            for position, pattern in enumerate(patterns):
                if not any(matches(value, [pattern]) for value in values[axis]):
                    what, why = f"{pattern!r} matches no {axis}", f"they are: {', '.join(values[axis])}"
                    at = ("constraints", index, "excludes", axis, position)
                    yield Problem(at=at, what=what, why=why, fix=did_you_mean(pattern, values[axis]))


def _cell_ids(matrix: Matrix) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, cell in enumerate(matrix.cells):
        at = ("cells", index, "id")
        expected = matrix.id_of(cell)
        if cell.id in seen:
            yield Problem(at=at, what=f"cell {cell.id!r} is here twice", fix="remove one")
        elif cell.id != expected and _exists(matrix, cell):
            why = "an id is channel-rust-target[-base][-arch], without what is at its default"
            yield Problem(
                at=at, what=f"{cell.id!r} does not fit the cell's axes", why=why, fix=f"write `id: {expected}`"
            )
        seen.add(cell.id)


def _exists(matrix: Matrix, cell: CellRule) -> bool:
    """Whether all values of the cell are known, so that its id can be told."""
    base, arch = cell.base or matrix.usual_base(cell.rust), cell.arch or matrix.defaults.arch
    return (
        cell.channel in matrix.channels
        and cell.rust in matrix.channels[cell.channel].rust
        and cell.target in matrix.targets
        and base in matrix.bases
        and arch in matrix.architectures
    )


def _known(at: Loc, kind: str, name: str, known: Iterable[str]) -> Iterator[Problem]:
    """A problem where `name` is not one of `known`."""
    if name not in known:
        why = f"allowed: {', '.join(known)}"
        yield Problem(at=at, what=f"unknown {kind} {name!r}", why=why, fix=did_you_mean(name, known))
