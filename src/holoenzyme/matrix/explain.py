"""The chain of rules for one point of the matrix: its axes, constraints, declaration and status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from holoenzyme.matrix.axes import AXES, Axis
from holoenzyme.matrix.constraints import Constraint
from holoenzyme.matrix.model import Budget, Cell, Matrix, Status


class Origin(StrEnum):
    """Where the value of an axis comes from."""

    STATED = "stated"
    DEFAULT = "default"
    PINNED = "pinned"


@dataclass(frozen=True, kw_only=True)
class AxisRule:
    """One axis of the point: its value, where that comes from, and what the value means."""

    axis: Axis
    value: str
    origin: Origin
    meaning: str


@dataclass(frozen=True, kw_only=True)
class AxisMatch:
    """One axis that a constraint names: its patterns, what the point has, and whether they match."""

    axis: Axis
    value: str
    patterns: tuple[str, ...]
    matches: bool


@dataclass(frozen=True, kw_only=True)
class ConstraintRule:
    """A constraint held against the point. It applies where all its axes match."""

    id: str
    applies: bool
    axes: tuple[AxisMatch, ...]
    reason: str
    link: str
    review_after: date


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Everything that decides about one point, in order: axes, constraints, declaration, result.

    `moving` are the suites that packages come from and may be gone from: name → why.
    """

    id: str
    axes: tuple[AxisRule, ...]
    constraints: tuple[ConstraintRule, ...]
    declared: bool
    default: bool
    status: Status
    reason: str | None
    budget: Budget | None
    moving: Mapping[str, str]


def explain(matrix: Matrix, cell_id: str) -> Explanation:
    """The rules for any point of the matrix, excluded ones too; raises `UserError` with the nearest ids."""
    point = matrix.point(cell_id)
    return Explanation(
        id=point.id,
        axes=tuple(
            AxisRule(
                axis=axis,
                value=point.value(axis),
                origin=_origin(matrix, axis, point),
                meaning=_meaning(matrix, axis, point),
            )
            for axis in AXES
        ),
        constraints=tuple(_hold(rule, point) for rule in matrix.constraints),
        declared=point.status is not Status.EXCLUDED,
        default=point.id == matrix.defaults.cell,
        status=point.status,
        reason=point.reason,
        budget=point.budget,
        moving=matrix.moving(point),
    )


def _origin(matrix: Matrix, axis: Axis, point: Cell) -> Origin:
    match axis:
        case "llvm":
            return Origin.PINNED
        case "base":
            return Origin.DEFAULT if point.base == matrix.usual_base(point.rust) else Origin.STATED
        case "arch":
            return Origin.DEFAULT if point.arch == matrix.defaults.arch else Origin.STATED
        case "channel" | "rust" | "target":
            return Origin.STATED


def _meaning(matrix: Matrix, axis: Axis, point: Cell) -> str:
    match axis:
        case "channel":
            channel = matrix.channels[point.channel]
            return _with_status(channel.summary, channel.status)
        case "rust":
            return f"release {matrix.rust[point.rust].release or 'not chosen yet'}"
        case "llvm":
            return f"what rust {point.rust} is built on, release {matrix.llvm[point.llvm].release or 'not chosen yet'}"
        case "target":
            target = matrix.targets[point.target]
            return f"{target.summary} ({target.kind}, {matrix.triple(point)})"
        case "base":
            base = matrix.bases[point.base]
            return _with_status(f"{base.distribution} {base.release}", base.status)
        case "arch":
            return f"{matrix.architectures[point.arch].debian} to Debian"


def _with_status(text: str, status: str) -> str:
    return text if status == "supported" else f"{text} ({status})"


def _hold(rule: Constraint, point: Cell) -> ConstraintRule:
    axes = tuple(
        AxisMatch(
            axis=axis,
            value=point.value(axis),
            patterns=rule.excludes[axis],
            matches=rule.matches(axis, point.value(axis)),
        )
        for axis in AXES
        if axis in rule.excludes
    )
    return ConstraintRule(
        id=rule.id,
        applies=all(item.matches for item in axes),
        axes=axes,
        reason=rule.reason,
        link=rule.link,
        review_after=rule.review_after,
    )
