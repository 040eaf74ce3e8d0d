"""The outcomes of generated functions, for people and for machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from holoenzyme.fuzz.oracle import FunctionOutcome, FunctionResult

if TYPE_CHECKING:
    from rich.table import Table

SCHEMA = 1
#: Constructs that are in everything say nothing of a failure.
_EVERYWHERE = frozenset({"add", "sub", "mul", "div", "neg", "literal", "result", "index-remainder"})


def tables(results: Sequence[FunctionResult]) -> list[Table]:
    """How many of each outcome; of each construct that is in a function which is not right; and these functions."""
    from rich.table import Table

    made = []
    counts = Counter(result.outcome for result in results)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("outcome", no_wrap=True)
    for column in ("functions", "share"):
        table.add_column(column, justify="right")
    for outcome in FunctionOutcome:
        if counts[outcome]:
            table.add_row(outcome.value, str(counts[outcome]), f"{counts[outcome] / len(results):.1%}")
    made.append(table)
    by_kind = _by_kind(results)
    bad = [kind for kind, found in by_kind.items() if any(outcome not in _GOOD for outcome in found)]
    if bad:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("construct", no_wrap=True)
        shown = [outcome for outcome in FunctionOutcome if counts[outcome]]
        for outcome in shown:
            table.add_column(outcome.value, justify="right")
        for kind in sorted(bad, key=lambda kind: (-_bad_share(by_kind[kind]), kind)):
            table.add_row(kind, *(str(by_kind[kind][outcome] or "") for outcome in shown))
        made.append(table)
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in ("seed", "outcome", "where", "what", "file"):
            table.add_column(column, no_wrap=column in ("seed", "outcome"))
        for result in results:
            if result.outcome not in _GOOD:
                detail = result.detail.replace("\n", " ")[:160]
                table.add_row(str(result.seed), result.outcome.value, result.mode, detail, result.file or "")
        made.append(table)
    return made


_GOOD = (FunctionOutcome.RIGHT, FunctionOutcome.UNSUITED)


def _bad_share(found: Counter[FunctionOutcome]) -> float:
    return sum(count for outcome, count in found.items() if outcome not in _GOOD) / found.total()


def _by_kind(results: Iterable[FunctionResult]) -> dict[str, Counter[FunctionOutcome]]:
    found: dict[str, Counter[FunctionOutcome]] = {}
    for result in results:
        for kind in sorted(frozenset(result.kinds) - _EVERYWHERE):
            found.setdefault(kind, Counter())[result.outcome] += 1
    return found


def as_data(results: Sequence[FunctionResult], about: dict[str, object]) -> dict[str, object]:
    """Everything, as plain data for JSON; `about` says what was tested, and how."""
    return {
        "schema": SCHEMA,
        **about,
        "outcomes": {
            outcome.value: sum(result.outcome is outcome for result in results) for outcome in FunctionOutcome
        },
        "constructs": {
            kind: {outcome.value: count for outcome, count in found.items()}
            for kind, found in sorted(_by_kind(results).items())
        },
        "not_right": [
            {**asdict(result), "outcome": result.outcome.value}
            for result in results
            if result.outcome is not FunctionOutcome.RIGHT
        ],
    }
