"""The differences of two compilers, for people and for machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

SCHEMA = 1
#: How much more, or less, a compile may take, as a part of the base's instructions.
TOLERANCE = 0.001


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Instructions of a crate's compile, of each run."""

    crate: str
    configuration: str
    base: tuple[int, ...]
    patched: tuple[int, ...]

    @property
    def ratio(self) -> float:
        """The patched compiler's median through the base's."""
        return median(self.patched) / median(self.base)

    @property
    def spread(self) -> float:
        """By how much runs of one compiler differ, as a part of their median: the larger of both."""
        return max((max(runs) - min(runs)) / median(runs) for runs in (self.base, self.patched))

    @property
    def within(self) -> bool:
        """Whether the ratio is as it must be."""
        return abs(self.ratio - 1) <= TOLERANCE

    def to_json(self) -> dict[str, object]:
        """As plain data."""
        return asdict(self) | {"ratio": self.ratio, "spread": self.spread, "within": self.within}


def summary(outputs: Sequence[Mapping[str, Any]], counts: Sequence[Counts]) -> dict[str, object]:
    """How many outputs there are by verdict, and whether all counts are within the tolerance."""
    verdicts: dict[str, int] = {}
    for output in outputs:
        verdicts[output["verdict"]] = verdicts.get(output["verdict"], 0) + 1
    return {
        "outputs": verdicts,
        "crates": len({output["crate"] for output in outputs}),
        "counts_within": all(count.within for count in counts) if counts else None,
        "tolerance": TOLERANCE,
    }


def tables(outputs: Sequence[Mapping[str, Any]], counts: Sequence[Counts]) -> list[Table]:
    """A row for each crate, and one for each count."""
    columns = list(dict.fromkeys((output["configuration"], output["kind"]) for output in outputs))
    table = _table("crate", *(f"{kind}, {configuration}" for configuration, kind in columns), "IR and code, bytes")
    for crate in dict.fromkeys(output["crate"] for output in outputs):
        found = {(item["configuration"], item["kind"]): item for item in outputs if item["crate"] == crate}
        verdicts = [found[column]["verdict"] for column in columns]
        table.add_row(crate, *verdicts, f"{sum(item['bytes'] for item in found.values()):,}")
    if not counts:
        return [table]
    counted = _table(
        "crate", "configuration", "instructions, base", "patched", "ratio", "spread of runs", "within 0.1 %"
    )
    for count in counts:
        counted.add_row(
            count.crate,
            count.configuration,
            f"{median(count.base):,.0f}",
            f"{median(count.patched):,.0f}",
            f"{count.ratio:.5f}",
            f"{count.spread:.5%}",
            "yes" if count.within else "no",
        )
    return [table, counted]


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column)
    return table
