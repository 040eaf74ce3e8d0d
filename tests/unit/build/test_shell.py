"""The shell after a failed build: the last good state, and the command that opens it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from tests.fakes import FakeEngine, FakeRunner, failure

from holoenzyme.build.shell import NAME, open_shell
from holoenzyme.engine.base import BuildRequest
from holoenzyme.session import Project, Session, machine_session


def test_the_command_is_the_one_that_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several may be installed, and the first on PATH need not be one that understands the engine."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    said: list[str] = []
    engine = FakeEngine()
    session = Session(
        project=Project(tmp_path), engine=engine, runner=FakeRunner(), state=tmp_path, environ={}, say=said.append
    )
    context = tmp_path / "rustc-1"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch AS builder\nRUN one\nRUN two\n")
    request = BuildRequest(context=context, labels={}, secrets=(), timeout=60)
    open_shell(session, failure(request, step="[builder 2/3] RUN two", tail=""))
    assert NAME in engine.tags
    words = shlex.split(said[-1])
    assert words[:2] == ["/fake/docker", "run"] and words[-1] == NAME
    assert f"{context}:/context:ro" in words


def test_stores_are_left_alone_where_none_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLOENZYME_STORES", str(tmp_path / "store"))
    assert machine_session(tmp_path, stores=None).stores.stores == ()
    assert machine_session(tmp_path, stores=None).stores.refused == ()
    assert len(machine_session(tmp_path).stores.refused) == 1
