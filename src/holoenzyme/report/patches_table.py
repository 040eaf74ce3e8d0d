"""The burden of a series of patches, for people and for machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from holoenzyme.patches import FileChange, Series, Weight, total, weigh

if TYPE_CHECKING:
    from rich.table import Table

SCHEMA = 2
WITHOUT = "without tests, lock files and bootstrap"


def tables(series: Series) -> list[Table]:
    """The weight of each patch, and the burden of each crate; the last row of each is the total."""
    changes = _changes(series)
    by_patch = [
        (patch.name, total(patch.changes), [", ".join(weigh(patch.changes)), patch.fields.get("Subject", "")])
        for patch in series.patches
    ]
    by_crate = [
        (crate, weight, [str(sum(crate in weigh(patch.changes) for patch in series.patches))])
        for crate, weight in weigh(changes).items()
    ]
    everything = total(changes)
    return [
        _table("patch", ("crates", "subject"), [*by_patch, ("total", everything, [])]),
        _table("crate", ("patches",), [*by_crate, ("total", everything, [str(len(series.patches))])]),
    ]


def _table(name: str, more: Iterable[str], rows: Iterable[tuple[str, Weight, list[str]]]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(name, no_wrap=True)
    for column in ("files", "added", "removed"):
        table.add_column(column, justify="right")
    for column in more:
        table.add_column(column)
    for title, weight, rest in rows:
        table.add_row(title, *(str(value) for value in weight.to_json().values()), *rest)
    return table


def side_by_side(all_series: Mapping[str, Series]) -> Table:
    """The burden of each version's series by crate, beside each other: files and lines added.

    The last row leaves out tests, lock files and how rustc itself is built.
    """
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("crate", no_wrap=True)
    for version in all_series:
        for column in (f"{version}: patches", "files", "added"):
            table.add_column(column, justify="right")
    crates = sorted({crate for series in all_series.values() for crate in weigh(_changes(series))})
    rows: list[tuple[str, Callable[[FileChange], bool]]] = [
        *((crate, partial(_is_of, crate)) for crate in crates),
        ("total", lambda change: True),
        (WITHOUT, lambda change: change.changes_rustc),
    ]
    for title, counts in rows:
        cells = []
        for series in all_series.values():
            weight = total(filter(counts, _changes(series)))
            patches = sum(any(map(counts, patch.changes)) for patch in series.patches)
            cells += [str(value or "") for value in (patches, len(weight.files), weight.added)]
        table.add_row(title, *cells)
    return table


def _is_of(crate: str, change: FileChange) -> bool:
    return change.crate == crate


def _changes(series: Series) -> list[FileChange]:
    return [change for patch in series.patches for change in patch.changes]


def as_data(
    all_series: Mapping[str, Series], problems: Mapping[str, Sequence[str]], sources: Mapping[str, str | None]
) -> dict[str, object]:
    """Everything, as plain data for JSON; `sources` says what each series was applied to, if to anything."""
    return {
        "schema": SCHEMA,
        "series": {
            version: _series_data(series, problems[version], sources[version]) for version, series in all_series.items()
        },
    }


def _series_data(series: Series, problems: Sequence[str], source: str | None) -> dict[str, object]:
    changes = _changes(series)
    return {
        "source": source,
        "problems": list(problems),
        "patches": [
            {
                "name": patch.name,
                "subject": patch.fields.get("Subject", ""),
                "upstream": patch.fields.get("Upstream", ""),
                "smoke_tests": list(patch.smoke_tests),
                "total": total(patch.changes).to_json(),
                "crates": {crate: weight.to_json() for crate, weight in weigh(patch.changes).items()},
            }
            for patch in series.patches
        ],
        "crates": {crate: weight.to_json() for crate, weight in weigh(changes).items()},
        "total": total(changes).to_json(),
        "changes_rustc": total(change for change in changes if change.changes_rustc).to_json(),
    }
