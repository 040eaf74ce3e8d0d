"""The shell after a failed build: the last good state, and the command that opens it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from tests.fakes import FakeEngine, FakeRunner, failure

from holoenzyme.app.project import Tools, machine_tools
from holoenzyme.app.shell import NAME, open_shell
from holoenzyme.engine.base import BuildRequest


def test_the_command_is_the_one_that_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several may be installed, and the first on PATH need not be one that understands the engine."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    said: list[str] = []
    engine = FakeEngine()
    tools = Tools(engine=engine, runner=FakeRunner(), state=tmp_path, environ={}, say=said.append)
    context = tmp_path / "rustc-1"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch AS builder\nRUN one\nRUN two\n")
    request = BuildRequest(context=context, labels={}, secrets=(), timeout=60)
    open_shell(tools, failure(request, step="[builder 2/3] RUN two", tail=""))
    assert NAME in engine.tags
    words = shlex.split(said[-1])
    assert words[:2] == ["/fake/docker", "run"] and words[-1] == NAME
    assert f"{context}:/context:ro" in words


def test_stores_are_left_alone_where_none_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLOENZYME_STORES", str(tmp_path / "store"))
    assert machine_tools(stores=None).stores.stores == ()
    assert machine_tools(stores=None).stores.refused == ()
    assert len(machine_tools().stores.refused) == 1
