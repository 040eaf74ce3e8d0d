"""The selector of cells: ids and patterns (`pattern`), resolved to cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from holoenzyme.errors import UserError
from holoenzyme.matrix.model import Cell, Matrix, Status
from holoenzyme.matrix.pattern import is_pattern, matches
from holoenzyme.matrix.yamlfile import did_you_mean


def select(matrix: Matrix, patterns: Sequence[str]) -> tuple[Cell, ...]:
    """The declared cells that match any of the patterns, each once, in the matrix's order.

    Raises `UserError` for a pattern that matches none: with the nearest ids, or with why the point is excluded.
    """
    for pattern in patterns:
        if not any(matches(cell.id, [pattern]) for cell in matrix.all_cells()):
            if not is_pattern(pattern):
                matrix.cell(pattern)
            raise _no_match(matrix, pattern)
    return tuple(cell for cell in matrix.all_cells() if matches(cell.id, patterns))


def select_ready(matrix: Matrix, patterns: Sequence[str], say: Callable[[str], None]) -> tuple[Cell, ...]:
    """The cells that can be built of those that patterns match; without any pattern the default cell.

    Raises `UserError` for a cell named by its id that cannot be built, and where a glob finds only such; a glob that
    finds others too leaves them out and says so.
    """
    chosen = select(matrix, tuple(patterns) or (matrix.defaults.cell,))
    ready = tuple(cell for cell in chosen if cell.status is Status.SUPPORTED)
    for cell in chosen:
        if cell in ready:
            continue
        if cell.id in patterns or not ready:
            raise UserError(
                f"cell {cell.id!r} cannot be built yet ({cell.status})",
                why=cell.reason,
                fix="`nox -s matrix` lists the cells that can",
            )
        say(f"{cell.id}: left out, it cannot be built yet ({cell.reason})")
    return ready


def select_points(matrix: Matrix, patterns: Sequence[str]) -> tuple[Cell, ...]:
    """As `select`, among all points of the matrix: those that are excluded come too, after the declared ones."""
    for pattern in patterns:
        if not any(matches(point.id, [pattern]) for point in matrix.points()):
            if not is_pattern(pattern):
                matrix.point(pattern)
            raise _no_match(matrix, pattern)
    return tuple(point for point in matrix.points() if matches(point.id, patterns))


def _no_match(matrix: Matrix, pattern: str) -> UserError:
    excluded = [point for point in matrix.points() if matches(point.id, [pattern])]
    if excluded:
        return UserError(
            f"{pattern!r} matches only cells that are excluded",
            why=excluded[0].reason,
            fix=f"`nox -s matrix -- --explain {excluded[0].id}` shows the rules",
        )
    near = did_you_mean(pattern, _globs(matrix)) or "`nox -s matrix` lists the cells"
    return UserError(f"no cell matches {pattern!r}", fix=near)


def _globs(matrix: Matrix) -> Iterator[str]:
    """The simple globs that match something: the beginning or the end of an id, and a star."""
    for cell in matrix.all_cells():
        parts = cell.id.split("-")
        for cut in range(1, len(parts)):
            yield "-".join([*parts[:cut], "*"])
            yield "-".join(["*", *parts[cut:]])
