"""Selection of cells, and the explanation of one."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holoenzyme.errors import UserError
from holoenzyme.matrix.explain import explain
from holoenzyme.matrix.model import Matrix
from holoenzyme.matrix.select import select, select_points, select_ready

GLOBS = ["*", "a-*", "b-*", "*-host", "*-sm_?0", "a-1.96-host", "b-1.96-[gs]*", "*-new"]


@given(patterns=st.lists(st.sampled_from(GLOBS)), data=st.data())
def test_order_and_repetition_of_patterns_do_not_matter(
    small: Matrix, patterns: list[str], data: st.DataObject
) -> None:
    found = select(small, patterns)
    shuffled = data.draw(st.permutations(patterns + patterns[:2]))
    assert select(small, shuffled) == found
    assert found == tuple(c for c in small.all_cells() if any(fnmatchcase(c.id, pattern) for pattern in patterns))


def test_every_id_selects_itself(small: Matrix) -> None:
    for cell in small.all_cells():
        assert select(small, [cell.id]) == (cell,)


def test_select_takes_declared_cells_only_and_select_points_all(small: Matrix) -> None:
    assert [cell.id for cell in select(small, ["a-*"])] == ["a-1.96-host", "a-1.96-host-new"]
    assert len(select_points(small, ["a-*"])) == 4
    assert select_points(small, ["*"]) == small.points()


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("zzz-*", "no cell matches 'zzz-*'\n  fix: `nox -s matrix` lists the cells"),
        ("*-sm90", "no cell matches '*-sm90'\n  fix: did you mean '*-sm_90' or '*-1.96-sm_90'?"),
        (
            "b-1.96-hots",
            "there is no cell 'b-1.96-hots'\n  fix: did you mean 'b-1.96-host', 'a-1.96-host' or 'b-1.96-sm_90'?",
        ),
    ],
)
def test_no_match_names_the_nearest(small: Matrix, pattern: str, message: str) -> None:
    for choose in (select, select_points):
        with pytest.raises(UserError) as caught:
            choose(small, ["*", pattern])
        assert str(caught.value) == message


def test_a_pattern_for_excluded_cells_says_why(small: Matrix) -> None:
    with pytest.raises(UserError) as caught:
        select(small, ["a-*-sm_*"])
    assert str(caught.value) == (
        "'a-*-sm_*' matches only cells that are excluded\n"
        "  why: a-no-cards: built without\n"
        "  fix: `nox -s matrix -- --explain a-1.96-sm_90` shows the rules"
    )
    with pytest.raises(UserError, match=r"^cell 'a-1\.96-sm_90' is excluded\n"):
        select(small, ["a-1.96-sm_90"])
    assert [point.id for point in select_points(small, ["a-*-sm_*"])] == ["a-1.96-sm_90", "a-1.96-sm_90-new"]


def test_explain_needs_a_point(small: Matrix) -> None:
    with pytest.raises(UserError, match=r"did you mean 'a-1\.96-host'"):
        explain(small, "a-1.96-hosts")


def test_a_glob_leaves_out_what_cannot_be_built_and_says_so(small: Matrix) -> None:
    said: list[str] = []
    assert [cell.id for cell in select_ready(small, ["a-*"], said.append)] == ["a-1.96-host"]
    assert said[0].startswith("a-1.96-host-new: left out, it cannot be built yet")


def test_without_a_pattern_the_default_cell_is_meant(small: Matrix) -> None:
    assert [cell.id for cell in select_ready(small, [], print)] == [small.defaults.cell]


def test_a_cell_that_is_named_must_be_one_that_can_be_built(small: Matrix) -> None:
    with pytest.raises(UserError, match=r"cell 'a-1\.96-host-new' cannot be built yet \(planned\)"):
        select_ready(small, ["a-1.96-host", "a-1.96-host-new"], print)


def test_a_glob_that_finds_nothing_to_build_is_refused(small: Matrix) -> None:
    with pytest.raises(UserError, match=r"cell 'b-.*' cannot be built yet"):
        select_ready(small, ["b-*"], print)
