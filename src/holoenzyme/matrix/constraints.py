"""Constraints: data that says which points of the matrix cannot be, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from holoenzyme.matrix.axes import Axis
from holoenzyme.matrix.pattern import matches
from holoenzyme.matrix.yamlfile import Words

Slug = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$"), Words(allowed="small letters, digits, and '-' between")
]
Text = Annotated[str, StringConstraints(pattern=r"\S"), Words(allowed="text that is not blank")]
Link = Annotated[
    str, StringConstraints(pattern=r"^https://\S+$"), Words(allowed="an address that begins with https://")
]


@dataclass(frozen=True, kw_only=True)
class Point:
    """One point of the product of the axes."""

    channel: str
    rust: str
    llvm: str
    target: str
    base: str
    arch: str

    def value(self, axis: Axis) -> str:
        """The point's value on an axis."""
        return str(getattr(self, axis))


class Constraint(BaseModel):
    """Excludes the points that match on every axis that it names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Slug
    excludes: Annotated[Mapping[Axis, Annotated[tuple[Text, ...], Field(min_length=1)]], Field(min_length=1)] = Field(
        description="axis → glob patterns; a point is excluded where each axis named here matches one of its patterns"
    )
    reason: Text
    link: Link = Field(description="where to look when the constraint is reviewed")
    review_after: date = Field(description="from the day after this, the constraint must be looked at again")

    def matches(self, axis: Axis, value: str) -> bool:
        """Whether a value of an axis is one that the constraint means; axes that it does not name always are."""
        patterns = self.excludes.get(axis)
        return patterns is None or matches(value, patterns)

    def applies(self, point: Point) -> bool:
        """Whether the point is excluded."""
        return all(self.matches(axis, point.value(axis)) for axis in self.excludes)

    def overdue(self, today: date) -> bool:
        """Whether the constraint should have been looked at again before `today`."""
        return today > self.review_after


def exclusion(constraints: Iterable[Constraint], point: Point) -> str | None:
    """Why a point is excluded (`id: reason`, joined where several constraints apply); None where it is not."""
    return "; ".join(f"{rule.id}: {rule.reason}" for rule in constraints if rule.applies(point)) or None
