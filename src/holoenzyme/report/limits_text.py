"""The parts of docs/autodiff.md that are made of data, and how they are put into the page. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from holoenzyme.errors import UserError
from holoenzyme.matrix.limits import CONVENTIONS_PATH, LIMITS_PATH, Conventions, Limits

PAGE = "docs/autodiff.md"
FIX = "nox -s lint -- --fix docs"


def limits_table(limits: Limits) -> str:
    """A row for each kind of code that is refused."""
    rows = [(one.kind, one.what, one.instead, f"`{one.test}`, {one.case}") for one in limits.limits]
    return _table(("", "what is refused", "what to write instead", "test"), rows)


def conventions_table(conventions: Conventions) -> str:
    """A row for each function at a singular point."""
    rows = []
    for one in conventions.conventions:
        derivative = _numbers(one.forward)
        if one.reverse is not None:
            derivative += f" forward, {_numbers(one.reverse)} reverse"
        rows.append((f"`{one.function}`", one.at, _number(one.value), derivative, one.why))
    return _table(("function", "at", "value", "derivative", "why"), rows)


def with_tables(page: str, limits: Limits, conventions: Conventions) -> str:
    """The page with both tables as the data have them; raises `UserError` where it has no place for one."""
    page = _put(page, "limits", LIMITS_PATH, limits_table(limits))
    return _put(page, "conventions", CONVENTIONS_PATH, conventions_table(conventions))


def _put(page: str, name: str, source: str, table: str) -> str:
    begin = f"<!-- {name}: made of {source} by `{FIX}`; change that file -->\n"
    end = f"<!-- end of {name} -->\n"
    if page.count(begin) != 1 or page.count(end) != 1:
        raise UserError(
            f"{PAGE} has no place for the table of {name}",
            why="it stands between two lines, each of them once",
            fix=f"put them back: {begin.strip()} and {end.strip()}",
        )
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}{table}{end}{after}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(text) for text in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(_number(value) for value in values)


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:g}"
