"""The outcomes of smoke tests for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from holoenzyme.evidence.judge.outcome import Outcome
from holoenzyme.evidence.record import Record


def smoke_table(records: Sequence[Record]) -> Table:
    """A row for each record: cell, test, outcome, numbers that agree of those compared, device, seconds.

    An outcome that had to happen though it is no pass (`refused`, `crash`) says so.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("cell", "test", "outcome", "numbers", "device", "seconds"):
        table.add_column(column, no_wrap=True)
    for record in records:
        right = sum(comparison.ok for comparison in record.comparisons)
        table.add_row(
            record.cell,
            record.test,
            _outcome(record),
            f"{right} of {len(record.comparisons)}",
            record.device,
            f"{record.duration:.1f}",
        )
    return table


def _outcome(record: Record) -> Text:
    if record.outcome is Outcome.NOT_EXECUTED:
        return Text(record.outcome.value, style="yellow")
    if not record.is_right:
        return Text(record.outcome.value, style="red")
    as_it_must = "" if record.outcome is Outcome.PASS else ", as it must"
    return Text(record.outcome.value + as_it_must, style="green")
