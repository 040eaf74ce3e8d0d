"""Numbers that a program must print: derivatives at given points, or certified values. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from holoenzyme.errors import UserError

#: Gives the outputs, and the derivative (outputs x inputs, row by row), at a point.
ClosedForm = Callable[[Sequence[float]], tuple[Sequence[float], Sequence[float]]]
#: (case, mode, width)
Key = tuple[str, str, int]


@dataclass(frozen=True, kw_only=True)
class Oracle:
    """The values that a program must print: derivatives at given points, or certified values."""

    functions: Mapping[str, ClosedForm] = field(default_factory=dict)
    points: Mapping[Key, Sequence[Sequence[float]]] = field(default_factory=dict)
    #: The cases that compute in f32, and are compared with wider tolerances.
    single: frozenset[str] = frozenset()
    values: Mapping[str, Sequence[float]] = field(default_factory=dict)
    #: The tolerance of all values, or that of each case.
    values_tolerance: str | Mapping[str, str] = ""
    #: How often each kernel is launched, altogether or on each device.
    launches: Mapping[str, int | Mapping[int, int]] = field(default_factory=dict)

    def expected(self) -> list[str]:
        """The labels of all lines that a program must print, in the oracle's order."""
        derivatives = [label_of(key, at) for key, points in self.points.items() for at in points]
        return [*derivatives, *self.values]


def oracle_of(where: str, names: Mapping[str, Any]) -> Oracle:
    """The oracle that a Python file states by its names; `where` is for messages.

    `FUNCTIONS`, `POINTS` and `SINGLE`, or `VALUES` and `VALUES_TOLERANCE`; `LAUNCHES`. Raises `UserError` where a point
    has no closed form, and where nothing is expected.
    """
    oracle = Oracle(
        functions=names.get("FUNCTIONS", {}),
        points=names.get("POINTS", {}),
        single=frozenset(names.get("SINGLE", ())),
        values=names.get("VALUES", {}),
        values_tolerance=names.get("VALUES_TOLERANCE", ""),
        launches=names.get("LAUNCHES", {}),
    )
    unknown = sorted({case for case, _, _ in oracle.points} - set(oracle.functions))
    if unknown:
        raise UserError(
            f"{where}: no closed form for {', '.join(unknown)}",
            why=f"POINTS names them; FUNCTIONS has {', '.join(oracle.functions) or 'nothing'}",
            fix="add the functions, or take the points out",
        )
    if not oracle.expected():
        raise UserError(
            f"{where}: the oracle expects nothing",
            why="there is neither POINTS nor VALUES in it, so every output would pass",
            fix="say which derivatives or values a program must print",
        )
    return oracle


def label_of(key: Key, at: Sequence[float]) -> str:
    """How a derivative at a point is named in messages, and told from every other."""
    case, mode, width = key
    return f"{case} ({mode}, width {width}) at ({', '.join(f'{x:g}' for x in at)})"
