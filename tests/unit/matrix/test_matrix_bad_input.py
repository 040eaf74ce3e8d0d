"""What a broken matrix.yaml says: the whole message for each case in bad_input.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from holoenzyme.errors import ExitCode, UserError
from holoenzyme.matrix.model import Matrix, load_matrix
from holoenzyme.matrix.yamlfile import parse_model

HERE = Path(__file__).parent
CASES: list[dict[str, Any]] = YAML(typ="safe").load(HERE / "bad_input.yaml")


def edit(text: str, *changes: tuple[str, str]) -> str:
    """Each old text replaced by the new one; an old one that is not there exactly once would test nothing."""
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def message_of(text: str) -> str:
    with pytest.raises(UserError) as caught:
        parse_model(text, "matrix.yaml", Matrix)
    assert caught.value.exit_code == ExitCode.USER
    return str(caught.value)


def test_the_small_matrix_is_valid(small: Matrix) -> None:
    assert [cell.id for cell in small.all_cells()] == ["a-1.96-host", "a-1.96-host-new", "b-1.96-host", "b-1.96-sm_90"]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_message(case: dict[str, Any], small_text: str) -> None:
    text = edit(small_text, *((change["old"], change["new"]) for change in case["edits"]))
    assert message_of(text) == case["message"].rstrip("\n")


def test_there_are_many_kinds() -> None:
    names = {case["name"] for case in CASES}
    messages = {case["message"] for case in CASES}
    assert len(names) == len(messages) == len(CASES) >= 50


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "matrix.yaml:1:1: the file is empty"),
        ("# nothing\n", "matrix.yaml:1:1: the file is empty"),
        (
            "\n- schema: 1\n",
            "matrix.yaml:2:1: the file is not a mapping\n"
            "  why: expected a mapping (`key: value`) at the top of the file, got a list",
        ),
        (
            "schema\n",
            "matrix.yaml:1:1: the file is not a mapping\n"
            "  why: expected a mapping (`key: value`) at the top of the file, got a single value",
        ),
    ],
)
def test_whole_files(text: str, message: str) -> None:
    assert message_of(text) == message


def test_all_problems_at_once_in_their_order(small_text: str) -> None:
    text = edit(
        small_text,
        ("review_after: 2030-06-30", "review_after: soon"),
        ("    reason: built without", "    reason: built without\n    reason: again"),
        ("build_minutes: 10", "minutes: 10"),
        ("kind: cpu", "kind: gpu"),
    )
    assert message_of(text) == (
        "matrix.yaml: 5 problems\n"
        "matrix.yaml:17:38: targets.host.kind: 'gpu' is not allowed\n"
        "  why: allowed: cpu, cuda, rocm\n"
        "  fix: did you mean 'cpu'?\n"
        "matrix.yaml:30:5: constraints[0]: key 'reason' is here twice\n"
        "  why: it is on line 29 too\n"
        "  fix: remove one\n"
        "matrix.yaml:37:19: constraints[1].review_after: expected a date such as 2027-01-31, got 'soon'\n"
        "matrix.yaml:44:5: cells[0].budget.build_minutes: missing\n"
        "matrix.yaml:44:34: cells[0].budget.minutes: unknown key\n"
        "  why: allowed: compressed_mb, build_minutes\n"
        "  fix: did you mean 'build_minutes'?"
    )


def test_a_long_list_of_silent_points_is_cut(small_text: str) -> None:
    text = edit(small_text, ("  sm_90: {", "  t1: {summary: x, kind: cpu}\n  t2: {summary: x, kind: cpu}\n  sm_90: {"))
    text = edit(text, ("{channel: [b], base: [new]}", "{channel: [b], base: [new], target: [host, sm_90]}"))
    text = edit(text, ("  t1: {", "  t0: {summary: x, kind: cpu}\n  t1: {"))
    first = message_of(text).splitlines()[0]
    assert first == (
        "matrix.yaml:40:1: cells: 12 points are neither declared nor excluded: a-1.96-t0, a-1.96-t0-new, a-1.96-t1, "
        "a-1.96-t1-new, a-1.96-t2, a-1.96-t2-new, b-1.96-t0, b-1.96-t0-new and 4 more"
    )


@given(line=st.integers(min_value=0, max_value=200), column=st.sampled_from(["", "  "]))
def test_a_comment_anywhere_moves_the_place_and_changes_nothing_else(small_text: str, line: int, column: str) -> None:
    lines = edit(small_text, ("target: sm_90, status", "target: sm90, status")).splitlines(keepends=True)
    at = line % (1 + next(index for index, text in enumerate(lines) if "target: sm90" in text))
    moved = "".join([*lines[:at], f"{column}# a remark\n", *lines[at:]])
    assert message_of(moved).startswith("matrix.yaml:53:58: cells[3].target: unknown target 'sm90'\n")


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"^matrix\.yaml: there is no such file$"):
        load_matrix(tmp_path / "matrix.yaml")
    (tmp_path / "matrix.yaml").write_bytes(b"schema: \xff\n")
    with pytest.raises(UserError, match=r"^matrix\.yaml: is not UTF-8 text\n") as caught:
        load_matrix(tmp_path / "matrix.yaml")
    assert caught.value.fix == "save the file as UTF-8"
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=r"^folder: cannot be read\n  why: Is a directory$"):
        load_matrix(tmp_path / "folder")


def test_a_file_elsewhere_is_named_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    path = tmp_path / "matrix.yaml"
    path.write_text("", encoding="utf-8")
    with pytest.raises(UserError) as caught:
        load_matrix(path)
    assert str(caught.value) == f"{path}:1:1: the file is empty"
