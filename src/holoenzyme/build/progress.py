"""The progress of stages that are worked on at the same time: a live tree, or plain lines."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from holoenzyme import console

if TYPE_CHECKING:
    from rich.tree import Tree

#: Seconds between two plain lines of a stage that goes on and on.
_PLAIN_INTERVAL = 20.0


class Board(Protocol):
    """Told what happens to stages, from several threads."""

    def start(self, stage: str, doing: str, because: str) -> None: ...

    def line(self, stage: str, text: str) -> None: ...

    def finish(self, stage: str, how: str) -> None: ...


@dataclass
class _Row:
    doing: str
    because: str
    started: float
    ended: float | None = None
    how: str = ""
    last: str = ""
    said: float = field(default_factory=time.monotonic)

    def elapsed(self) -> float:
        return (self.ended or time.monotonic()) - self.started


class PlainBoard:
    """One line when a stage starts, when it ends, and now and then between with the last line of its output."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}
        self._guard = threading.Lock()

    def start(self, stage: str, doing: str, because: str) -> None:
        with self._guard:
            self._rows[stage] = _Row(doing=doing, because=because, started=time.monotonic())
            console.say(f"{stage}: {doing} ({because})")

    def line(self, stage: str, text: str) -> None:
        with self._guard:
            row = self._rows[stage]
            now = time.monotonic()
            due = text.strip() != "" and now - row.said >= _PLAIN_INTERVAL
            if due:
                row.said = now
                console.say(f"{stage}: {row.elapsed():.0f} s: {text.strip()[:140]}")

    def finish(self, stage: str, how: str) -> None:
        with self._guard:
            row = self._rows[stage]
            row.ended = time.monotonic()
            console.say(f"{stage}: {how} after {row.elapsed():.1f} s")


class LiveBoard:
    """A tree on a terminal that is drawn anew four times a second."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._rows: dict[str, _Row] = {}
        self._guard = threading.Lock()

    def start(self, stage: str, doing: str, because: str) -> None:
        with self._guard:
            self._rows[stage] = _Row(doing=doing, because=because, started=time.monotonic())

    def line(self, stage: str, text: str) -> None:
        with self._guard:
            if text.strip():
                self._rows[stage].last = text.strip()

    def finish(self, stage: str, how: str) -> None:
        with self._guard:
            row = self._rows[stage]
            row.ended, row.how, row.last = time.monotonic(), how, ""

    def __rich__(self) -> Tree:
        from rich.text import Text
        from rich.tree import Tree

        tree = Tree(Text(self._title, style="bold"))
        with self._guard:
            for stage, row in self._rows.items():
                style = "yellow" if row.ended is None else ("green" if row.how in ("done", "reused") else "red")
                label = Text(f"{stage} ", style=style)
                label.append(f"{row.how or row.doing} {row.elapsed():.0f} s ", style="default")
                label.append(f"({row.because})"[:80], style="dim")
                branch = tree.add(label)
                if row.last:
                    branch.add(Text(row.last[:120], style="dim", no_wrap=True, overflow="ellipsis"))
        return tree


@contextmanager
def board(title: str) -> Iterator[Board]:
    """The board that suits stderr: live on a terminal, plain lines elsewhere."""
    if not console.interactive():
        yield PlainBoard()
        return
    from rich.live import Live

    live = LiveBoard(title)
    with Live(
        live, console=console.err(), refresh_per_second=4, transient=False, get_renderable=lambda: live.__rich__()
    ):
        yield live
