"""Measurements and their parts, for people and for machines. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

SCHEMA = 1
#: Instructions of a Dockerfile that make no layer.
_NO_LAYER = ("CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "ONBUILD", "SHELL", "STOPSIGNAL", "USER")
_MERGED = ("/bin/", "/sbin/", "/lib/", "/lib64/")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number. `how` says how it was measured; `goal` is the most that it should be, where there is a goal."""

    name: str
    value: float
    unit: str
    how: str
    goal: float | None = None

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; none without a goal."""
        return None if self.goal is None else self.value <= self.goal


@dataclass(frozen=True, kw_only=True)
class Part:
    """The figures of one part of a benchmark, its time (UTC, ISO 8601), and the load of the machine at its beginning.

    `details` maps titles to rows: a name and a number of the unit that the title says.
    """

    name: str
    measured: str
    load: float
    figures: tuple[Figure, ...]
    details: Mapping[str, Sequence[tuple[str, float]]] = field(default_factory=dict)


def as_data(parts: Iterable[Part]) -> dict[str, object]:
    """Parts by name, as plain data for JSON."""
    return {
        part.name: {
            "measured": part.measured,
            "load": part.load,
            "figures": [asdict(figure) | {"reached": figure.reached} for figure in part.figures],
            "details": {
                title: [{"name": name, "value": value} for name, value in rows] for title, rows in part.details.items()
            },
        }
        for part in parts
    }


def tables(part: Part) -> list[RenderableType]:
    """A table of the figures, and one for each of the details."""
    from rich.table import Table
    from rich.text import Text

    def table(*columns: str) -> Table:
        made = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            made.add_column(column, justify="right" if column in ("value", "goal", "") else "left")
        return made

    figures = table(part.name, "value", "goal", "how it was measured")
    for figure in part.figures:
        style = {None: "", True: "green", False: "red"}[figure.reached]
        goal = "" if figure.goal is None else f"{number(figure.goal)} {figure.unit}"
        figures.add_row(figure.name, Text(f"{number(figure.value)} {figure.unit}", style=style), goal, figure.how)
    shown: list[RenderableType] = [figures, ""]
    for title, rows in part.details.items():
        detail = table(f"  {title}", "")
        for name, value in rows:
            detail.add_row(f"  {name}", number(value))
        shown += [detail, ""]
    return shown


def number(value: float) -> str:
    """Three digits that count, and never fewer than the whole part has."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def critical_path(needs: Mapping[str, Iterable[str]], seconds: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """The longest chain of stages that wait for each other, from the first to the last, each with its seconds.

    `needs` maps each stage to those that it waits for, which all come before it; a stage without `seconds` took none.
    """
    ends: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for stage, waits_for in needs.items():
        last = max(waits_for, key=lambda other: ends[other], default=None)
        before[stage] = last
        ends[stage] = (ends[last] if last is not None else 0.0) + seconds.get(stage, 0.0)
    path: list[tuple[str, float]] = []
    stage_or_none = max(reversed(ends), key=lambda stage: ends[stage], default=None)
    while stage_or_none is not None:
        path.append((stage_or_none, seconds.get(stage_or_none, 0.0)))
        stage_or_none = before[stage_or_none]
    return tuple(reversed(path))


def layer_names(history: Sequence[str], count: int) -> tuple[str, ...]:
    """The origin of each of an image's `count` layers, from the lowest up, as far as its history tells."""
    steps = [step.removeprefix("/bin/sh -c #(nop) ").strip() for step in history]
    made = [step for step in steps if not step.startswith(_NO_LAYER)]
    if len(made) != count:
        return tuple(f"layer {index}" for index in range(1, count + 1))
    return tuple(" ".join(step.removesuffix("# buildkit").split())[:80] or "base" for step in made)


def largest_parts(files: str, owners: str, *, most: int = 15) -> tuple[tuple[str, float], ...]:
    """The parts of an image in MB: its packages, folders for files of no package, and the rest; the largest first.

    `files` has a line `INODE SIZE PATH` for each file, `owners` the packages' lists of files: `=PACKAGE`, then paths.
    """
    package_of: dict[str, str] = {}
    current = ""
    for line in owners.splitlines():
        if line.startswith("="):
            current = line[1:].partition(":")[0]
        else:
            package_of.setdefault(_merged(line), current)
    sizes: dict[str, int] = {}
    seen: set[str] = set()
    for line in files.splitlines():
        inode, size, path = line.split(" ", 2)
        # A file with several names is there once.
        if inode in seen:
            continue
        seen.add(inode)
        part = package_of.get(_merged(path)) or "/".join(path.split("/")[:3]) + " (of no package)"
        sizes[part] = sizes.get(part, 0) + int(size)
    ordered = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    rest = sum(size for _, size in ordered[most:])
    found = [(name, size / 1e6) for name, size in ordered[:most]]
    return (*found, (f"{len(ordered) - most} smaller ones", rest / 1e6)) if len(ordered) > most else tuple(found)


def _merged(path: str) -> str:
    """A path as it is where /bin, /lib and the like are links into /usr."""
    return f"/usr{path}" if path.startswith(_MERGED) else path


def median(measure: Callable[[], float], *, times: int = 5) -> float:
    """The median of several measurements."""
    found = sorted(measure() for _ in range(times))
    return found[len(found) // 2]
