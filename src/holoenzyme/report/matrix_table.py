"""The matrix for the terminal and for machines: cells, exclusions, and the explanation of one cell."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING

from holoenzyme.matrix.constraints import Constraint
from holoenzyme.matrix.explain import ConstraintRule, Explanation
from holoenzyme.matrix.model import Budget, Cell, Matrix, Status

if TYPE_CHECKING:
    from rich.console import RenderableType

#: The keys of an object in the list that `nox -s matrix -- --json` prints.
JSON_KEYS = ("id", "channel", "rust", "llvm", "target", "base", "arch", "status", "reason")

_STYLES = {Status.SUPPORTED: "green", Status.PLANNED: "yellow", Status.EXCLUDED: "dim"}


def cells_json(cells: Iterable[Cell]) -> str:
    """A JSON list of objects with exactly `JSON_KEYS`; `reason` is null for a supported cell."""
    return json.dumps([{key: getattr(cell, key) for key in JSON_KEYS} for cell in cells], indent=2, ensure_ascii=False)


def explanation_json(explanation: Explanation) -> str:
    """An explanation as a JSON object: its fields as they are, dates as YYYY-MM-DD."""
    return json.dumps(asdict(explanation), indent=2, ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    match value:
        case Budget():
            return value.model_dump()
        case date():
            return value.isoformat()
        case _:
            raise TypeError(f"{type(value).__name__} has no form in JSON")


def listing(matrix: Matrix, points: Sequence[Cell], today: date) -> list[RenderableType]:
    """The output of `nox -s matrix`, part by part: the cells, the exclusions, the sum, and overdue reviews."""
    cells = [point for point in points if point.status is not Status.EXCLUDED]
    excluded = [point for point in points if point.status is Status.EXCLUDED]
    parts: list[RenderableType] = []
    if cells:
        parts += [_cell_table(cells, matrix), ""]
    if excluded:
        parts += [_exclusion_table(matrix.constraints, excluded, today), ""]
    counts = Counter(point.status for point in points)
    parts.append(
        f"{len(points)} point{'s'[: len(points) != 1]}: " + ", ".join(f"{counts[status]} {status}" for status in Status)
    )
    parts.extend(overdue(matrix.constraints, today))
    return parts


def overdue(constraints: Iterable[Constraint], today: date) -> list[str]:
    """A line of warning for each constraint that should have been looked at again."""
    return [
        f"warning: constraint {rule.id} was to be looked at again after {rule.review_after}, "
        f"{(today - rule.review_after).days} days ago: {rule.link}"
        for rule in constraints
        if rule.overdue(today)
    ]


def _cell_table(cells: Sequence[Cell], matrix: Matrix) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    # The id says the other axes; a column for each would leave no room for the reasons on a terminal of 80 columns.
    defaults = matrix.defaults
    others = {cell.rust: base for cell in cells if (base := matrix.usual_base(cell.rust)) != defaults.base}
    apart = "".join(f", of Rust {rust} on {base}" for rust, base in others.items())
    title = f"Cells (on {defaults.base} and {defaults.arch}{apart} where the id names no other)"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in ("id", "llvm", "status"):
        table.add_column(name, no_wrap=True)
    table.add_column("reason, or budget", overflow="fold")
    for cell in cells:
        note = cell.reason or (budget_text(cell.budget) if cell.budget else "")
        if cell.id == defaults.cell:
            note = f"{note} (default)".lstrip()
        note += "".join(f"; packages of {suite}, which moves" for suite in matrix.moving(cell))
        table.add_row(cell.id, cell.llvm, Text(cell.status, style=_STYLES[cell.status]), note)
    return table


def _exclusion_table(constraints: Iterable[Constraint], excluded: Sequence[Cell], today: date) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table(title="Excluded by constraints", title_justify="left", box=None, pad_edge=False)
    table.add_column("constraint", no_wrap=True)
    table.add_column("points", justify="right")
    table.add_column("review after", no_wrap=True)
    table.add_column("excludes, and why", overflow="fold")
    for rule in constraints:
        count = sum(rule.applies(point) for point in excluded)
        if count:
            late = rule.overdue(today)
            review = Text(f"{rule.review_after}{' overdue' if late else ''}", style="red" if late else "")
            what = " and ".join(f"{axis} {' '.join(patterns)}" for axis, patterns in rule.excludes.items())
            table.add_row(rule.id, str(count), review, f"{what}: {rule.reason} ({rule.link})")
    return table


def explanation_text(explanation: Explanation, today: date) -> str:
    """An explanation for a person: axes, constraints, declaration, result, one line or two for each rule."""
    lines = [f"{explanation.id}: {explanation.status}", "", "axes"]
    width = max(len(rule.value) for rule in explanation.axes)
    lines += [f"  {rule.axis:<7}  {rule.value:<{width}}  {rule.origin:<7}  {rule.meaning}" for rule in explanation.axes]
    lines += ["", "constraints"]
    for constraint in explanation.constraints:
        lines += _constraint_lines(constraint, today)
    lines += ["", "result"]
    if explanation.declared:
        default = ", the default cell" if explanation.default else ""
        lines.append(f"  declared in matrix.yaml as {explanation.status}{default}")
    else:
        lines.append("  not declared in matrix.yaml, because constraints exclude it")
    for suite, why in explanation.moving.items():
        lines += [
            f"  packages of {suite}: {why}",
            f"    where they are gone, a store gives them, or a snapshot of {suite} as of the day in matrix.lock",
        ]
    if explanation.budget:
        lines.append(f"  budget: {budget_text(explanation.budget)}")
    lines.append(f"  {explanation.status}" + (f": {explanation.reason}" if explanation.reason else ""))
    return "\n".join(lines)


def _constraint_lines(rule: ConstraintRule, today: date) -> list[str]:
    if rule.applies:
        why = " and ".join(f"{item.axis} {item.value} is in [{', '.join(item.patterns)}]" for item in rule.axes)
        late = ", overdue" if today > rule.review_after else ""
        return [
            f"  {rule.id}: applies, because {why}",
            f"    {rule.reason}",
            f"    {rule.link} (review after {rule.review_after}{late})",
        ]
    differs = [item for item in rule.axes if not item.matches]
    why = " and ".join(f"{item.axis} {item.value} is not in [{', '.join(item.patterns)}]" for item in differs)
    return [f"  {rule.id}: does not apply, because {why}"]


def budget_text(budget: Budget) -> str:
    """`at most 220 MB compressed, 20 minutes to build`."""
    return f"at most {budget.compressed_mb} MB compressed, {budget.build_minutes} minutes to build"
