"""The outcomes of smoke tests for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from holoenzyme.evidence.outcome import Outcome
from holoenzyme.evidence.record import Record


def smoke_table(records: Sequence[Record]) -> Table:
    """A row for each record: cell, test, outcome, numbers that agree of those compared, seconds."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("cell", "test", "outcome", "numbers", "seconds"):
        table.add_column(column, no_wrap=True)
    for record in records:
        right = sum(comparison.ok for comparison in record.comparisons)
        table.add_row(
            record.cell,
            record.test,
            Text(record.outcome.value, style="green" if record.outcome is Outcome.PASS else "red"),
            f"{right} of {len(record.comparisons)}",
            f"{record.duration:.1f}",
        )
    return table
