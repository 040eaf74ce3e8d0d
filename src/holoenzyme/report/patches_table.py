"""The burden of a series of patches, for people and for machines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from holoenzyme.patches import Series, Weight, total, weigh

if TYPE_CHECKING:
    from rich.table import Table

SCHEMA = 1


def tables(series: Series) -> list[Table]:
    """The weight of each patch, and the burden of each crate; the last row of each is the total."""
    changes = [change for patch in series.patches for change in patch.changes]
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


def as_data(series: Series, problems: Iterable[str], source: str) -> dict[str, object]:
    """Everything, as plain data for JSON; `source` says what the patches were applied to."""
    changes = [change for patch in series.patches for change in patch.changes]
    return {
        "schema": SCHEMA,
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
    }
