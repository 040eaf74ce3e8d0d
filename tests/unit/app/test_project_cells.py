"""Which cells a command works on."""

from __future__ import annotations

import pytest
from tests.conftest import ROOT

from holoenzyme.app.project import Project
from holoenzyme.errors import UserError


def test_a_glob_leaves_out_what_cannot_be_built_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert [cell.id for cell in Project(ROOT).cells(["distro-*"])] == ["distro-1.96-host"]
    assert "distro-1.96-host-aarch64: left out, it cannot be built yet" in capsys.readouterr().err


def test_a_cell_that_is_named_must_be_one_that_can_be_built() -> None:
    with pytest.raises(UserError, match=r"cell 'distro-1\.96-host-aarch64' cannot be built yet \(planned\)"):
        Project(ROOT).cells(["distro-1.96-host", "distro-1.96-host-aarch64"])


def test_a_glob_that_finds_nothing_to_build_is_refused() -> None:
    with pytest.raises(UserError, match=r"cell 'rustup-.*' cannot be built yet"):
        Project(ROOT).cells(["rustup-*"])
