"""Patterns of names."""

from __future__ import annotations

import pytest

from holoenzyme.errors import UserError
from holoenzyme.matrix.model import Matrix
from holoenzyme.matrix.pattern import alternatives, is_pattern, matches
from holoenzyme.matrix.select import select


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("a-1.96-host", "a-1.96-host", True),
        ("a-*", "a-1.96-host", True),
        ("a-*-{host,sm_90}", "a-1.96-host", True),
        ("a-*-{host,sm_90}", "a-1.96-sm_90", True),
        ("a-*-{host,sm_90}", "a-1.96-gfx90a", False),
        ("{a,b-{1.96,1.98}}-host", "b-1.98-host", True),
        ("{a,b-{1.96,1.98}}-host", "a-1.98-host", False),
        ("*-sm_{8,9}0", "b-1.96-sm_80", True),
        ("*-sm_{80..90..10}", "b-1.96-sm_90", True),
        ("a-{host}", "a-host", False),
        ("a-[gh]ost", "a-host", True),
        ("A-*", "a-host", False),
    ],
)
def test_globs_and_braces(pattern: str, name: str, expected: bool) -> None:
    assert matches(name, [pattern]) is expected
    assert matches(name, ["nothing", pattern]) is expected
    assert matches(name, []) is False


def test_what_is_no_pattern_stands_for_itself() -> None:
    assert not is_pattern("patched-1.96-sm_90")
    assert not is_pattern("a-{host}")
    assert all(is_pattern(text) for text in ("*", "a?", "[ab]", "{a,b}"))
    assert alternatives("{a,b}c") == ("ac", "bc")


def test_too_many_alternatives_are_refused() -> None:
    with pytest.raises(UserError, match=r"^'\{1\.\.9999\}' stands for more than 1000 patterns"):
        matches("1", ["{1..9999}"])


def test_cells_are_selected_by_braces(small: Matrix) -> None:
    chosen = select(small, ["*-{host,sm_90}"])
    assert chosen == tuple(cell for cell in small.all_cells() if cell.id.endswith(("-host", "-sm_90")))
    assert {cell.target for cell in chosen} == {"host", "sm_90"}
    with pytest.raises(UserError, match=r"^no cell matches '\*-\{hots,sm90\}'"):
        select(small, ["*-{hots,sm90}"])
