"""The cost of gradients, and its changes since an earlier run: for people and for machines. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import median
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from holoenzyme.evidence.judge.outcome import Outcome

if TYPE_CHECKING:
    from rich.table import Table

SCHEMA: Literal[1] = 1
#: The most that the geometric mean of gradient over primal may grow by from one record to the next.
GOAL = 1.05

Nanoseconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Reading(_Model):
    """One run of one version of a program, as the program printed it (bench/gradients/src/measure.rs).

    Times are of the best call and the median one. `error` is the largest difference from central differences, as a
    part of them. What a gradient has `left` of the heap after it, it has lost.
    """

    program: str
    language: str
    inputs: Count
    error: float
    rounds: Count
    primal_ns: Nanoseconds
    primal_median_ns: Nanoseconds
    gradient_ns: Nanoseconds
    gradient_median_ns: Nanoseconds
    primal_peak_bytes: Count
    gradient_peak_bytes: Count
    gradient_left_bytes: Count
    gradient_allocations: Count

    @property
    def ratio(self) -> float:
        """Gradient over primal, of the best calls."""
        return self.gradient_ns / self.primal_ns


class Wrong(_Model):
    """A version whose gradient is not what central differences say."""

    program: str
    language: str
    wrong: str


class Measured(_Model):
    """The result of one version of a program: `outcome`, a reason where that is not `pass`, and a reading a run."""

    program: str
    language: str
    outcome: Outcome
    message: str = ""
    readings: tuple[Reading, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """The key of the measurement."""
        return (self.program, self.language)

    @property
    def ratio(self) -> float:
        """Gradient over primal: the median of the runs."""
        return median(reading.ratio for reading in self.readings)

    @property
    def noise(self) -> float:
        """By how much the ratios of the runs differ, as a part of their median."""
        ratios = [reading.ratio for reading in self.readings]
        return (max(ratios) - min(ratios)) / self.ratio


class Versions(_Model):
    """The compilers that made the programs."""

    rustc: str
    enzyme_sha256: str


class Machine(_Model):
    """Where they ran; `load` is that when it began."""

    system: str
    processor: str
    cores: int | None
    load: float


class GradientsRecord(_Model):
    """The file that `bench gradients` writes, and reads with `--against`."""

    schema_version: Literal[1] = Field(alias="schema")
    written: str
    place: str
    versions: Versions
    machine: Machine
    runs: Annotated[int, Field(ge=1)]
    seconds: float
    measured: tuple[Measured, ...]


def geometric_mean(values: Sequence[float]) -> float:
    """The geometric mean of at least one number."""
    return exp(sum(log(value) for value in values) / len(values))


@dataclass(frozen=True, kw_only=True)
class CostChange:
    """Gradient over primal of one version in two records: both right."""

    before: Measured
    after: Measured

    @property
    def factor(self) -> float:
        """The later ratio through the earlier one."""
        return self.after.ratio / self.before.ratio

    @property
    def noise(self) -> float:
        """The larger noise of both."""
        return max(self.before.noise, self.after.noise)

    @property
    def beyond_noise(self) -> bool:
        """Whether it differs by more than runs of one compiler do."""
        return abs(self.factor - 1) > self.noise


def changes(before: GradientsRecord, after: GradientsRecord) -> tuple[CostChange, ...]:
    """The versions that are right in both records, in the order of the later one."""
    old = {measured.key: measured for measured in before.measured if measured.readings}
    return tuple(
        CostChange(before=old[measured.key], after=measured)
        for measured in after.measured
        if measured.readings and measured.key in old
    )


def cost_table(record: GradientsRecord) -> Table:
    """A row for each version of each program, and the geometric mean of the right ones."""
    from rich.text import Text

    table = _table("program", "language", "inputs", "primal", "gradient", "÷", "noise", "heap of primal", "of gradient")
    for measured in record.measured:
        if not measured.readings:
            table.add_row(measured.program, measured.language, "", "", Text(measured.outcome, style="red"))
            continue
        reading = min(measured.readings, key=lambda one: one.gradient_ns)
        left = f", {_bytes(reading.gradient_left_bytes)} lost" if reading.gradient_left_bytes else ""
        table.add_row(
            measured.program,
            measured.language,
            f"{reading.inputs:,}",
            _time(reading.primal_ns),
            _time(reading.gradient_ns),
            f"{measured.ratio:.2f}",
            f"{measured.noise:.1%}",
            _bytes(reading.primal_peak_bytes),
            _bytes(reading.gradient_peak_bytes) + left,
        )
    for language in dict.fromkeys(measured.language for measured in record.measured):
        right = [one.ratio for one in record.measured if one.language == language and one.readings]
        if right:
            table.add_row(f"geometric mean of {len(right)}", language, "", "", "", f"{geometric_mean(right):.2f}")
    return table


def against_c(record: GradientsRecord) -> Table | None:
    """Programs that are there in both languages, side by side; none where there is no such."""
    by = {measured.key: measured for measured in record.measured if measured.readings}
    both = [name for name, language in by if language == "rust" and (name, "c") in by]
    if not both:
        return None
    table = _table("program", "primal, Rust ÷ C", "gradient, Rust ÷ C", "÷ in Rust", "÷ in C", "heap, Rust", "heap, C")
    for name in both:
        rust, c = by[name, "rust"], by[name, "c"]
        first, second = (min(one.readings, key=lambda reading: reading.gradient_ns) for one in (rust, c))
        table.add_row(
            name,
            f"{_best(rust, 'primal_ns') / _best(c, 'primal_ns'):.2f}",
            f"{_best(rust, 'gradient_ns') / _best(c, 'gradient_ns'):.2f}",
            f"{rust.ratio:.2f}",
            f"{c.ratio:.2f}",
            _bytes(first.gradient_peak_bytes),
            _bytes(second.gradient_peak_bytes),
        )
    return table


def change_table(before: GradientsRecord, after: GradientsRecord) -> Table:
    """Gradient over primal before and after, the geometric mean of what changed, and what is right in one alone."""
    from rich.text import Text

    table = _table("program", "language", "÷ before", "÷ after", "after ÷ before", "noise", "", "heap before", "after")
    found = changes(before, after)
    for change in found:
        slower = change.factor > 1
        mark = Text("slower" if slower else "faster", style="red" if slower else "green")
        heaps = [max(one.gradient_peak_bytes for one in side.readings) for side in (change.before, change.after)]
        table.add_row(
            *change.after.key,
            f"{change.before.ratio:.2f}",
            f"{change.after.ratio:.2f}",
            f"{change.factor:.3f}",
            f"{change.noise:.1%}",
            mark if change.beyond_noise else "",
            *(_bytes(heap) for heap in heaps),
        )
    for language in dict.fromkeys(change.after.language for change in found):
        factor = geometric_mean([change.factor for change in found if change.after.language == language])
        style = "red" if factor > GOAL else "green"
        table.add_row("geometric mean", language, "", "", Text(f"{factor:.3f}", style=style), f"at most {GOAL}")
    outcomes: list[Mapping[tuple[str, str], Measured]] = [
        {one.key: one for one in record.measured} for record in (before, after)
    ]
    for key in dict.fromkeys(key for side in outcomes for key in side):
        sides = [side.get(key) for side in outcomes]
        if not all(side is not None and side.readings for side in sides):
            table.add_row(*key, *(_alone(side) for side in sides))
    return table


def _alone(measured: Measured | None) -> str:
    if measured is None:
        return "not there"
    return f"{measured.ratio:.2f}" if measured.readings else str(measured.outcome)


def _best(measured: Measured, name: Literal["primal_ns", "gradient_ns"]) -> float:
    return min(float(getattr(reading, name)) for reading in measured.readings)


def _time(nanoseconds: float) -> str:
    return f"{nanoseconds / 1e6:.3g} ms" if nanoseconds >= 1e6 else f"{nanoseconds / 1e3:.3g} µs"


def _bytes(count: int) -> str:
    return f"{count / 1e6:.3g} MB" if count >= 1e6 else f"{count / 1e3:.3g} kB" if count >= 1e3 else f"{count} B"


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="left" if column in ("program", "language", "") else "right")
    return table
