"""The parts of docs/autodiff.md that are made of data. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from holoenzyme.matrix.limits import CONVENTIONS_PATH, LIMITS_PATH, Conventions, Limits
from holoenzyme.report.page import put, table

PAGE = "docs/autodiff.md"


def limits_table(limits: Limits) -> str:
    """A row for each kind of code that is refused."""
    rows = [(one.kind, one.what, one.instead, f"`{one.test}`, {one.case}") for one in limits.limits]
    return table(("", "what is refused", "what to write instead", "test"), rows)


def conventions_table(conventions: Conventions) -> str:
    """A row for each function at a singular point."""
    rows = []
    for one in conventions.conventions:
        derivative = _numbers(one.forward)
        if one.reverse is not None:
            derivative += f" forward, {_numbers(one.reverse)} reverse"
        rows.append((f"`{one.function}`", one.at, _number(one.value), derivative, one.why))
    return table(("function", "at", "value", "derivative", "why"), rows)


def with_tables(page: str, limits: Limits, conventions: Conventions) -> str:
    """The page with both tables as the data have them; raises `UserError` where it has no place for one."""
    page = put(PAGE, page, "limits", LIMITS_PATH, limits_table(limits))
    return put(PAGE, page, "conventions", CONVENTIONS_PATH, conventions_table(conventions))


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(_number(value) for value in values)


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:g}"
