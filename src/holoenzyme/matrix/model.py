"""The matrix: the schema of `matrix.yaml`, and the cells that follow from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from holoenzyme.errors import UserError
from holoenzyme.matrix import checks
from holoenzyme.matrix.axes import TargetKind
from holoenzyme.matrix.constraints import Constraint, Link, Point, Slug, Text, exclusion
from holoenzyme.matrix.yamlfile import Loc, Words, did_you_mean, load_model, refuse

#: A value of an axis. Never with `-`, which joins the values in the ids of cells.
Value = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.]*$"), Words(allowed="small letters, digits, '_' and '.'")
]
#: The name of a Debian package.
Package = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9.+-]+$"),
    Words(allowed="small letters, digits, '.', '+' and '-'"),
]
#: Versions of Python packages, in the words of PEP 440.
Specifier = Annotated[str, StringConstraints(pattern=r"^(==|~=|>=|<=|<|>|!=)"), Words(allowed="as in '==13.0.*'")]
PtxVersion = Annotated[str, StringConstraints(pattern=r"^\d+\.\d$"), Words(allowed="as in '7.8', in quotes")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Status(StrEnum):
    """The status of a cell: it builds, it will, or it cannot be."""

    SUPPORTED = "supported"
    PLANNED = "planned"
    EXCLUDED = "excluded"


#: The file that a matrix stands in, in the project's folder.
MATRIX_NAME = "matrix.yaml"


class _Section(BaseModel):
    """A part of the file: frozen, and nothing in it that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Declared(_Section):
    """What has a status, and while it is planned, the reason why it is not there yet."""

    status: Literal["supported", "planned"]
    reason: Text | None = Field(default=None, description="why it is not there yet; only and always while planned")


class Defaults(_Section):
    """The values that need not be said; the ids of cells leave out the base and the architecture given here."""

    cell: str
    base: Value
    arch: Value


class Architecture(_Section):
    """A host architecture: Debian's name for it, and Rust's target triple."""

    debian: Text
    triple: Text


class Base(Declared):
    """The base of an image: a release of a distribution."""

    distribution: Text
    suite: Text
    release: Text
    image: Text = Field(description="what is pulled where a registry answers")


class Suite(_Section):
    """A suite of the archive beside those of the bases: only packages that a recipe names come from it."""

    codename: Slug = Field(description="the codename in its release file, by which apt's preferences know it")
    moves: Text | None = Field(
        default=None, description="why a locked package may be gone from it; nothing where it keeps what it has"
    )


class Release(_Section):
    """The exact release of an upstream version."""

    release: Text | None = Field(default=None, description="the exact release; open while no supported cell needs it")


class Rust(Release):
    """A version of Rust, the LLVM that it is built on, and the Debian packages that must be of its release."""

    llvm: Value
    base: Value | None = Field(
        default=None, description="the base that ids of its cells leave out, where that is not the one of `defaults`"
    )
    packages: Mapping[Slug, Package] = Field(
        default_factory=dict,
        description="what it is (`rustc`, `cargo`) → the Debian package that follows it: no other upstream version of "
        "that is taken",
    )

    @property
    def followers(self) -> Mapping[str | int, str]:
        """The packages that follow the release, by their keys in `packages`."""
        return dict(self.packages.items())


class Llvm(Release):
    """A major version of LLVM, and the Debian packages that must be of its release."""

    packages: tuple[Package, ...] = Field(
        default=(), description="the Debian packages that follow it: no other upstream version of them is taken"
    )

    @property
    def followers(self) -> Mapping[str | int, str]:
        """The packages that follow the release, by their places in `packages`."""
        return dict(enumerate(self.packages))


class Channel(Declared):
    """Where components come from."""

    summary: Text
    rust: Annotated[tuple[Value, ...], Field(min_length=1)] = Field(description="the versions of Rust that it has")


class Target(_Section):
    """A device that kernels are compiled for and run on."""

    summary: Text
    kind: TargetKind
    triple: Text | None = Field(default=None, description="Rust's target triple; for a cpu that of the architecture")
    executed: Text | None = Field(
        default=None, description="for a GPU, where kernels for it ran right, and when; nothing where none did yet"
    )


class Ptx(_Section):
    """The first version of PTX, NVIDIA's assembly language, that has each processor, and why it has to be asked for."""

    reason: Text
    link: Link = Field(description="where versions and processors are told")
    processors: Mapping[Value, PtxVersion]


class CratePin(_Section):
    """A crate from the registry."""

    version: Text


class WheelPin(_Section):
    """A Python wheel from the package index."""

    version: Text
    within: Specifier | None = Field(default=None, description="the versions that `nox -s update` may take (PEP 440)")


class Pins(_Section):
    """The upstream versions of what is taken from package archives; those of Debian packages follow from releases."""

    moving: Mapping[Slug, Text] = Field(
        default_factory=dict,
        description="Debian package → why a newer upstream version than the locked one is taken too",
    )
    crates: Mapping[Text, CratePin]
    wheels: Mapping[Text, WheelPin]


class Budget(_Section):
    """A cell's limits: MB of all compressed blobs of its image, and minutes of a build from nothing on 2 cores."""

    compressed_mb: Annotated[int, Field(gt=0)]
    build_minutes: Annotated[int, Field(gt=0)]


class CellRule(Declared):
    """A declared cell as it stands in the file."""

    id: str = Field(description="channel-rust-target[-base][-arch], without what is at its default")
    channel: Value
    rust: Value
    target: Value
    base: Value | None = None
    arch: Value | None = None
    suites: tuple[Value, ...] = Field(default=(), description="the suites beside the base's that packages come from")
    budget: Budget | None = Field(default=None, description="always there for a supported cell")


class Tolerance(_Section):
    """How far a number may be from what is expected: relative times |expected|, plus absolute; and why."""

    relative: Positive
    absolute: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    reason: Text


@dataclass(frozen=True, kw_only=True)
class PackagePin:
    """The upstream version that a Debian package must have, and where in the file it stands."""

    version: str
    at: Loc


@dataclass(frozen=True, kw_only=True)
class Cell(Point):
    """A point of the matrix with what is known of it; `reason` is None only where it is supported.

    `suites` are those beside the base's that packages of it come from.
    """

    id: str
    status: Status
    reason: str | None
    budget: Budget | None
    suites: tuple[str, ...] = ()


class Matrix(_Section):
    """The whole of `matrix.yaml`."""

    schema_version: Literal[1] = Field(alias="schema")
    defaults: Defaults
    architectures: Mapping[Value, Architecture]
    bases: Mapping[Value, Base]
    suites: Mapping[Value, Suite] = Field(default_factory=dict, description="suites of the archive beside the bases'")
    rust: Mapping[Value, Rust]
    llvm: Mapping[Value, Llvm]
    channels: Mapping[Value, Channel]
    targets: Mapping[Value, Target]
    ptx: Ptx | None = Field(default=None, description="what NVIDIA's processors need; without it no target is asked")
    pins: Pins
    tolerances: Mapping[Slug, Tolerance]
    constraints: tuple[Constraint, ...]
    cells: tuple[CellRule, ...]

    @model_validator(mode="after")
    def _check(self) -> Matrix:
        # The second look relies on names that the first one found to exist.
        refuse(checks.references(self))
        refuse(checks.coverage(self))
        return self

    def releases(self) -> Iterator[tuple[Loc, Rust | Llvm]]:
        """Every upstream version on the axes `rust` and `llvm`, with its place in the file."""
        yield from ((("rust", version), rust) for version, rust in self.rust.items())
        yield from ((("llvm", version), llvm) for version, llvm in self.llvm.items())

    @cached_property
    def package_pins(self) -> Mapping[str, PackagePin]:
        """The Debian packages that follow from a release: name → what they must be of."""
        return {
            name: PackagePin(version=item.release, at=(*at, "release"))
            for at, item in self.releases()
            for name in item.followers.values()
            if item.release is not None
        }

    def usual_base(self, rust: str) -> str:
        """The base that ids of cells with a version of Rust leave out."""
        return (self.rust[rust].base if rust in self.rust else None) or self.defaults.base

    def moving(self, cell: Cell) -> Mapping[str, str]:
        """The suites that packages of a cell come from and may be gone from: name → why."""
        found = {name: self.suites[name].moves for name in cell.suites}
        return {name: why for name, why in found.items() if why is not None}

    def id_of(self, point: Point | CellRule) -> str:
        """The id of a point: its values, joined, without the base and architecture that are the defaults."""
        at_default = self.usual_base(point.rust), self.defaults.arch
        ends = [value for value, default in zip((point.base, point.arch), at_default, strict=True) if value != default]
        return "-".join([point.channel, point.rust, point.target, *(value for value in ends if value)])

    def kind(self, cell: Point) -> TargetKind:
        """The kind of what a cell compiles kernels for."""
        return self.targets[cell.target].kind

    def triple(self, cell: Point) -> str:
        """Rust's target triple for what a cell compiles kernels for."""
        return self.targets[cell.target].triple or self.architectures[cell.arch].triple

    @cached_property
    def device_triples(self) -> Mapping[str, str]:
        """Rust's target triple for each kind of GPU."""
        return {target.kind: target.triple for target in self.targets.values() if target.triple is not None}

    @cached_property
    def ptx_features(self) -> Mapping[str, int]:
        """The first version of PTX that has each of NVIDIA's processors, as LLVM writes it: 78 for 7.8."""
        processors = self.ptx.processors if self.ptx else {}
        return {name: int(version.replace(".", "")) for name, version in processors.items()}

    def cell(self, cell_id: str) -> Cell:
        """The declared cell of this id; raises `UserError` with the nearest ids, or with why it is excluded."""
        point = self.point(cell_id)
        if point.status is Status.EXCLUDED:
            raise UserError(
                f"cell {cell_id!r} is excluded",
                why=point.reason,
                fix=f"`nox -s matrix -- --explain {cell_id}` shows the rules",
            )
        return point

    def point(self, cell_id: str) -> Cell:
        """Any point of the product by its id, excluded ones too; raises `UserError` with the nearest ids."""
        found = self._by_id.get(cell_id)
        if found is None:
            near = did_you_mean(cell_id, [cell.id for cell in self.all_cells()]) or did_you_mean(cell_id, self._by_id)
            raise UserError(f"there is no cell {cell_id!r}", fix=near or "`nox -s matrix` lists the cells")
        return found

    def all_cells(self) -> tuple[Cell, ...]:
        """The declared cells, in the order of the file."""
        return self._declared

    def supported(self) -> tuple[Cell, ...]:
        """The cells that can be built, in the order of the file."""
        return tuple(cell for cell in self._declared if cell.status is Status.SUPPORTED)

    def points(self) -> tuple[Cell, ...]:
        """Every point of the product: the declared cells in the order of the file, then those that are excluded."""
        return (*self._declared, *self._excluded)

    def product(self) -> Iterator[Point]:
        """Every combination of a channel, its versions of Rust, targets, bases and architectures, in order."""
        for channel, rule in self.channels.items():
            for rust, target, base, arch in product(rule.rust, self.targets, self.bases, self.architectures):
                llvm = self.rust[rust].llvm
                yield Point(channel=channel, rust=rust, llvm=llvm, target=target, base=base, arch=arch)

    @cached_property
    def _declared(self) -> tuple[Cell, ...]:
        return tuple(
            Cell(
                id=rule.id,
                channel=rule.channel,
                rust=rule.rust,
                llvm=self.rust[rule.rust].llvm,
                target=rule.target,
                base=rule.base or self.usual_base(rule.rust),
                arch=rule.arch or self.defaults.arch,
                status=Status(rule.status),
                reason=rule.reason,
                budget=rule.budget,
                suites=rule.suites,
            )
            for rule in self.cells
        )

    @cached_property
    def _excluded(self) -> tuple[Cell, ...]:
        declared = {cell.id for cell in self._declared}
        found = []
        for point in self.product():
            cell_id = self.id_of(point)
            if cell_id not in declared:
                reason = exclusion(self.constraints, point)
                found.append(Cell(**vars(point), id=cell_id, status=Status.EXCLUDED, reason=reason, budget=None))
        return tuple(found)

    @cached_property
    def _by_id(self) -> dict[str, Cell]:
        return {cell.id: cell for cell in self.points()}


def load_matrix(path: Path) -> Matrix:
    """Read `matrix.yaml`; raises `UserError` with every problem, each with file, line and column."""
    return load_model(path, Matrix)
