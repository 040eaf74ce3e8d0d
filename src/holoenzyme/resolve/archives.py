"""The archives that are asked for newer versions; each is replaced by a fake in unit tests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from holoenzyme.matrix.model import Architecture, Base, Suite
from holoenzyme.matrix.recipe import BaseRule, PackageSet
from holoenzyme.resolve.model import LockedSet


@dataclass(frozen=True, kw_only=True)
class PlaceOffer:
    """The offer of a distribution's archive for one base today: its packages (name → version), and each set's.

    `gone` are the sets with packages of suites beside the base's own that cannot be had: name → why, in apt's words.
    """

    packages: Mapping[str, str]
    sets: Mapping[str, LockedSet]
    gone: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class WheelOffer:
    """The version of a wheel that an index has, and the SHA-256 of its file for one architecture."""

    version: str
    sha256: str


class DistributionArchive(Protocol):
    """The distribution's archive. `suites` are those beside the base's own that sets may have packages of."""

    def offer(
        self,
        base: Base,
        arch: Architecture,
        rule: BaseRule,
        sets: Mapping[str, PackageSet],
        suites: Mapping[str, Suite],
    ) -> PlaceOffer: ...


class CrateRegistry(Protocol):
    """The registry of crates.

    `newest` maps crates with requirements in cargo's words (`*`, `^1.2`) to the newest versions that these, and a
    version of Rust, allow.
    `lockfile` gives the Cargo.lock of the crate in `folder` with another Cargo.toml, in which the crates that are named
    (all, where none is) are as new as that allows.
    """

    def newest(self, wanted: Mapping[str, str], rust: str) -> Mapping[str, str]: ...

    def lockfile(self, folder: Path, manifest: str, names: Collection[str]) -> str: ...


class PackageIndex(Protocol):
    """The index of Python packages.

    `wheel` is the newest one that a requirement allows (`tools==13.0.*`) on a host architecture. `requirements` gives
    requirements/lock.txt of the project folder `root` in which the packages that are named (all, where none is) are as
    new as pyproject.toml allows.
    """

    def wheel(self, requirement: str, arch: str) -> WheelOffer: ...

    def requirements(self, root: Path, names: Collection[str]) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Archives:
    """All of them. `digest` asks a container registry for an image; none where no registry answers."""

    distribution: DistributionArchive
    crates: CrateRegistry
    index: PackageIndex
    digest: Callable[[str], str | None]
