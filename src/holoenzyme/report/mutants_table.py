"""The outcomes of mutants, for people and for machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

SCHEMA = 1


class MutantOutcome(StrEnum):
    """The answer of tests to a change of the program: they fail, they pass, or they find no end."""

    KILLED = "killed"
    SURVIVED = "survived"
    TIMED_OUT = "timed out"


@dataclass(frozen=True, kw_only=True)
class MutantResult:
    """One mutant: its place, what it changes, and what the tests said; `by` is the first test that failed.

    `seconds` is how long the tests took.
    """

    name: str
    file: str
    was: str
    becomes: str
    outcome: MutantOutcome
    seconds: float
    by: str = ""


def summary(results: Sequence[MutantResult]) -> str:
    """One line: how many were killed, of how many; one without an end is killed too, and told apart."""
    counts = Counter(result.outcome for result in results)
    late = counts[MutantOutcome.TIMED_OUT]
    told = f" ({late} of them by the time limit)" if late else ""
    return f"{counts[MutantOutcome.KILLED] + late} of {len(results)} mutants killed{told}"


def table(results: Iterable[MutantResult]) -> Table:
    """A row for each mutant; survivors have what they changed instead of the test that failed."""
    from rich.markup import escape
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("mutant", "outcome"):
        made.add_column(column, no_wrap=True)
    made.add_column("s", justify="right")
    made.add_column("by, or what survived")
    for result in results:
        alive = result.outcome is MutantOutcome.SURVIVED
        told = f"{result.file}: {result.was} -> {result.becomes or '(nothing)'}" if alive else result.by
        style = "bold red" if alive else ""
        made.add_row(result.name, result.outcome.value, f"{result.seconds:.1f}", escape(told), style=style)
    return made


def as_data(results: Sequence[MutantResult], *, all_tests: bool) -> dict[str, object]:
    """Everything, as plain data for JSON; `all_tests` says whether every test was run for each."""
    counts = Counter(result.outcome for result in results)
    return {
        "schema": SCHEMA,
        "all_tests": all_tests,
        "outcomes": {outcome.value: counts[outcome] for outcome in MutantOutcome},
        "mutants": [asdict(result) for result in results],
    }
