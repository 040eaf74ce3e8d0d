"""The factory of the commands' parsers."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.small_project import CELL, good_session

from holoenzyme.cli import bench, build_image, options
from holoenzyme.cli.main import COMMANDS
from holoenzyme.errors import UserError
from holoenzyme.session import Project


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_called_as_users_type_it(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        COMMANDS[name].load()(["--help"], Path())
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: nox -s {name} -- ")


@pytest.mark.parametrize("what", ["ordinary", "gradients"])
def test_what_a_command_measures_is_part_of_its_name(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench.run([what, "--help"], Path())
    assert capsys.readouterr().out.startswith(f"usage: nox -s bench -- {what} ")


def test_a_base_is_made_in_ways_that_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        build_image.run(["--base", "guess"], Path())
    assert caught.value.code == 2
    assert "invalid choice: 'guess'" in capsys.readouterr().err


def test_one_cell_is_one(small_project: Project, tmp_path: Path) -> None:
    session = good_session(small_project, tmp_path)
    assert options.one_cell(session, None).id == options.one_cell(session, CELL).id == CELL
    with pytest.raises(UserError, match=r"'distro-\*' names 2 cells"):
        options.one_cell(session, "distro-*")
