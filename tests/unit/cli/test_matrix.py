"""`nox -s matrix`: tables, JSON, the explanation as text, and the command."""

from __future__ import annotations

import json
import shutil
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from holoenzyme.cli import matrix as command
from holoenzyme.errors import ExitCode, UserError
from holoenzyme.matrix.explain import explain
from holoenzyme.matrix.model import Matrix, load_matrix
from holoenzyme.matrix.schema import SCHEMA_PATH, json_schema
from holoenzyme.matrix.select import select_points
from holoenzyme.report.matrix_table import cells_json, explanation_json, explanation_text, listing

BEFORE = date(2029, 1, 1)
AFTER = date(2030, 3, 2)


@pytest.fixture
def small() -> Matrix:
    return load_matrix(Path(__file__).parents[1] / "matrix/small.yaml")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with the small matrix."""
    shutil.copy(Path(__file__).parents[1] / "matrix/small.yaml", tmp_path / "matrix.yaml")
    return tmp_path


def printed(matrix: Matrix, today: date, *patterns: str) -> list[str]:
    console = Console(file=StringIO(), width=120, markup=False, highlight=False)
    for part in listing(matrix, select_points(matrix, patterns or ("*",)), today):
        console.print(part, soft_wrap=isinstance(part, str))
    assert isinstance(console.file, StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_listing(small: Matrix) -> None:
    assert printed(small, BEFORE) == [
        "Cells (on old and x86_64 where the id names no other)",
        "id               llvm  status     reason, or budget",
        "a-1.96-host      22    supported  at most 200 MB compressed, 10 minutes to build (default)",
        "a-1.96-host-new  22    planned    later",
        "b-1.96-host      22    planned    no recipe",
        "b-1.96-sm_90     22    planned    no recipe",
        "",
        "Excluded by constraints",
        "constraint  points  review after  excludes, and why",
        "a-no-cards       2  2030-01-31    channel a and target sm_*: built without (https://example.org/cards)",
        "b-not-new        2  2030-06-30    channel b and base new: not tried (https://example.org/new)",
        "",
        "8 points: 1 supported, 3 planned, 4 excluded",
    ]


def test_listing_of_some_cells_has_what_concerns_them(small: Matrix) -> None:
    assert printed(small, BEFORE, "*-sm_90-new") == [
        "Excluded by constraints",
        "constraint  points  review after  excludes, and why",
        "a-no-cards       1  2030-01-31    channel a and target sm_*: built without (https://example.org/cards)",
        "b-not-new        1  2030-06-30    channel b and base new: not tried (https://example.org/new)",
        "",
        "2 points: 0 supported, 0 planned, 2 excluded",
    ]
    assert printed(small, BEFORE, "b-1.96-host")[-1] == "1 point: 0 supported, 1 planned, 0 excluded"


def test_an_overdue_constraint_is_marked_and_warned_of(small: Matrix) -> None:
    lines = printed(small, AFTER)
    assert [line.split("  ")[0] for line in lines if "2030-01-31 overdue" in line] == ["a-no-cards"]
    assert lines[-2:] == [
        "8 points: 1 supported, 3 planned, 4 excluded",
        "warning: constraint a-no-cards was to be looked at again after 2030-01-31, 30 days ago: "
        "https://example.org/cards",
    ]


def test_cells_json_has_exactly_the_keys_of_the_contract(small: Matrix) -> None:
    found = json.loads(cells_json(small.points()))
    assert len(found) == 8
    for item in found:
        assert list(item) == ["id", "channel", "rust", "llvm", "target", "base", "arch", "status", "reason"]
    assert found[0] == {
        "id": "a-1.96-host",
        "channel": "a",
        "rust": "1.96",
        "llvm": "22",
        "target": "host",
        "base": "old",
        "arch": "x86_64",
        "status": "supported",
        "reason": None,
    }
    assert (found[4]["id"], found[4]["status"], found[4]["reason"]) == (
        "a-1.96-sm_90",
        "excluded",
        "a-no-cards: built without",
    )


def test_explanation_of_the_default_cell(small: Matrix) -> None:
    assert (
        explanation_text(explain(small, "a-1.96-host"), BEFORE)
        == """\
a-1.96-host: supported

axes
  channel  a       stated   first
  rust     1.96    stated   release 1.96.0
  llvm     22      pinned   what rust 1.96 is built on, release 22.1.8
  target   host    stated   a processor (cpu, x86_64-unknown-linux-gnu)
  base     old     default  debian 12
  arch     x86_64  default  amd64 to Debian

constraints
  a-no-cards: does not apply, because target host is not in [sm_*]
  b-not-new: does not apply, because channel a is not in [b] and base old is not in [new]

result
  declared in matrix.yaml as supported, the default cell
  budget: at most 200 MB compressed, 10 minutes to build
  supported"""
    )


def test_explanation_of_an_excluded_point(small: Matrix) -> None:
    assert (
        explanation_text(explain(small, "a-1.96-sm_90-new"), AFTER)
        == """\
a-1.96-sm_90-new: excluded

axes
  channel  a       stated   first
  rust     1.96    stated   release 1.96.0
  llvm     22      pinned   what rust 1.96 is built on, release 22.1.8
  target   sm_90   stated   a card (cuda, nvptx64-nvidia-cuda)
  base     new     stated   debian 13 (planned)
  arch     x86_64  default  amd64 to Debian

constraints
  a-no-cards: applies, because channel a is in [a] and target sm_90 is in [sm_*]
    built without
    https://example.org/cards (review after 2030-01-31, overdue)
  b-not-new: does not apply, because channel a is not in [b]

result
  not declared in matrix.yaml, because constraints exclude it
  excluded: a-no-cards: built without"""
    )


def test_explanation_json(small: Matrix) -> None:
    told = json.loads(explanation_json(explain(small, "a-1.96-host")))
    assert (told["status"], told["reason"], told["declared"], told["default"]) == ("supported", None, True, True)
    assert told["budget"] == {"compressed_mb": 200, "build_minutes": 10}
    assert told["constraints"][0] == {
        "id": "a-no-cards",
        "applies": False,
        "axes": [
            {"axis": "channel", "value": "a", "patterns": ["a"], "matches": True},
            {"axis": "target", "value": "host", "patterns": ["sm_*"], "matches": False},
        ],
        "reason": "built without",
        "link": "https://example.org/cards",
        "review_after": "2030-01-31",
    }


def test_command_prints_the_listing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run([], project) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "8 points: 1 supported, 3 planned, 4 excluded" in shown
    assert command.run(["b-*"], project) == ExitCode.OK
    assert "4 points: 0 supported, 2 planned, 2 excluded" in capsys.readouterr().out


def test_command_prints_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["--json"], project) == ExitCode.OK
    assert len(json.loads(capsys.readouterr().out)) == 8
    assert command.run(["b-*", "--json"], project) == ExitCode.OK
    assert [item["id"] for item in json.loads(capsys.readouterr().out)] == [
        "b-1.96-host",
        "b-1.96-sm_90",
        "b-1.96-host-new",
        "b-1.96-sm_90-new",
    ]


def test_command_explains(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["--explain", "a-1.96-sm_90"], project) == ExitCode.OK
    assert capsys.readouterr().out.startswith("a-1.96-sm_90: excluded\n")
    assert command.run(["--explain", "a-1.96-sm_90", "--json"], project) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["id"] == "a-1.96-sm_90"
    with pytest.raises(UserError, match=r"did you mean 'a-1\.96-host'"):
        command.run(["--explain", "a-1.96-hots"], project)


def test_command_writes_the_schema_once(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["--schema"], project) == ExitCode.OK
    path = project / SCHEMA_PATH
    assert path.read_text(encoding="utf-8") == json_schema()
    written = path.stat().st_mtime_ns
    assert command.run(["--schema"], project) == ExitCode.OK
    assert path.stat().st_mtime_ns == written
    assert capsys.readouterr().err == f"wrote {SCHEMA_PATH}\n{SCHEMA_PATH} is up to date\n"


@pytest.mark.parametrize(
    "argv", [["--schema", "--json"], ["--schema", "a-*"], ["--explain", "a-1.96-host", "b-*"], ["--jsn"]]
)
def test_command_refuses_what_does_not_go_together(
    argv: list[str], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        command.run(argv, project)
    assert caught.value.code == ExitCode.USER
    assert "nox -s matrix --" in capsys.readouterr().err
