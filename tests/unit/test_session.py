"""Which cells a command works on."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.small_project import CELL, good_engine, good_session, graph_of

from holoenzyme.build.planner import inventory
from holoenzyme.engine.base import ImageInfo
from holoenzyme.errors import UserError
from holoenzyme.plan.graph import CREATED_LABEL, KEY_LABEL, STAGE_LABEL
from holoenzyme.session import Project


def test_a_glob_leaves_out_what_cannot_be_built_and_says_so(
    small_project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [cell.id for cell in small_project.cells(["*-host"])] == [CELL]
    assert "patched-1.96-host: left out, it cannot be built yet" in capsys.readouterr().err


def test_a_cell_that_is_named_must_be_one_that_can_be_built(small_project: Project) -> None:
    with pytest.raises(UserError, match=r"cell 'patched-1\.96-host' cannot be built yet \(planned\)"):
        small_project.cells([CELL, "patched-1.96-host"])


def test_a_glob_that_finds_nothing_to_build_is_refused(small_project: Project) -> None:
    with pytest.raises(UserError, match=r"cell 'patched-.*' cannot be built yet"):
        small_project.cells(["patched-*"])


def test_the_last_build_is_the_one_whose_label_says_so(
    small_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image of cached steps alone has the engine's time of those steps."""

    def image(name: str, created: float, labels: dict[str, str]) -> ImageInfo:
        common = {STAGE_LABEL: "crates", KEY_LABEL: "crates/x"}
        return ImageInfo(id=name, tags=(name,), labels=common | labels, size=1, created=created)

    engine = good_engine()
    session = good_session(small_project, tmp_path / "state", engine)
    found = (
        image("cached", 1.0, {CREATED_LABEL: "2026-11-23T02:00:00.000+00:00"}),
        image("older", 2.0, {CREATED_LABEL: "2026-11-23T01:00:00.000+00:00"}),
        image("foreign", 3.0, {}),
    )
    monkeypatch.setattr(engine, "images", lambda: found)
    latest = inventory(session, graph_of(small_project)).latest("crates/x")
    assert latest is not None
    assert latest.tags == ("cached",)
