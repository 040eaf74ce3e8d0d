"""What a person sees of stages that are worked on at the same time."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from holoenzyme import console
from holoenzyme.build import progress
from holoenzyme.build.progress import LiveBoard, PlainBoard, board


def seen(live: LiveBoard) -> str:
    out = io.StringIO()
    Console(file=out, width=200).print(live)
    return out.getvalue()


def test_plain_lines_where_stderr_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with board("stages") as one:
        assert isinstance(one, PlainBoard)
        one.start("rustc", "build", "never built here")
        one.line("rustc", "#5 0.1 Get:1 http://deb")
        one.finish("rustc", "done")
    captured = capsys.readouterr()
    assert captured.out == ""
    first, last = captured.err.splitlines()
    assert first == "rustc: build (never built here)"
    assert re.fullmatch(r"rustc: done after 0\.\d s", last)


def test_a_long_stage_shows_its_last_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_PLAIN_INTERVAL", 0.0)
    plain = PlainBoard()
    plain.start("rustc", "build", "new")
    plain.line("rustc", "  unpacking  ")
    plain.line("rustc", "   ")
    plain.line("rustc", "x" * 500)
    lines = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"rustc: 0 s: unpacking", lines[1])
    assert len(lines) == 3 and len(lines[2]) < 160


def test_a_live_tree() -> None:
    live = LiveBoard("stages")
    live.start("rustc", "build", "since the last build: Dockerfile changed")
    live.start("enzyme", "load", "store x has it")
    live.line("rustc", "#5 [2/3] RUN [bold]install[/bold]")
    live.finish("enzyme", "done")
    text = seen(live)
    assert text.splitlines()[0].strip() == "stages"
    assert "rustc build 0 s (since the last build: Dockerfile changed)" in text
    assert "#5 [2/3] RUN [bold]install[/bold]" in text
    assert "enzyme done 0 s (store x has it)" in text
    live.finish("rustc", "failed")
    assert "#5" not in seen(live) and "rustc failed 0 s" in seen(live)


def test_a_live_tree_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    terminal = Console(file=out, force_terminal=True, width=100)
    monkeypatch.setattr(console, "interactive", lambda: True)
    monkeypatch.setattr(console, "err", lambda: terminal)
    with board("stages") as one:
        assert isinstance(one, LiveBoard)
        one.start("rustc", "build", "never built here")
        one.finish("rustc", "done")
    assert "rustc" in out.getvalue() and "done" in out.getvalue()
