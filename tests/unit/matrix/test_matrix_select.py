"""Selection of cells, and the explanation of one."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holoenzyme.errors import UserError
from holoenzyme.matrix.axes import AXES
from holoenzyme.matrix.explain import Origin, explain
from holoenzyme.matrix.model import Matrix, Status
from holoenzyme.matrix.select import select, select_points, select_ready

GLOBS = ["*", "distro-*", "patched-*", "*-host", "*-sm_?0", "distro-1.96-host", "patched-1.96-gfx9[04]*", "*-aarch64"]


@given(patterns=st.lists(st.sampled_from(GLOBS)), data=st.data())
def test_order_and_repetition_of_patterns_do_not_matter(real: Matrix, patterns: list[str], data: st.DataObject) -> None:
    found = select(real, patterns)
    shuffled = data.draw(st.permutations(patterns + patterns[:2]))
    assert select(real, shuffled) == found
    assert found == tuple(c for c in real.all_cells() if any(fnmatchcase(c.id, pattern) for pattern in patterns))


def test_every_id_selects_itself(real: Matrix) -> None:
    for cell in real.all_cells():
        assert select(real, [cell.id]) == (cell,)


def test_select_takes_declared_cells_only_and_select_points_all(real: Matrix) -> None:
    assert [cell.id for cell in select(real, ["distro-*"])] == ["distro-1.96-host", "distro-1.96-host-aarch64"]
    assert len(select_points(real, ["distro-*"])) == 20
    assert select_points(real, ["*"]) == real.points()


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


@pytest.mark.parametrize("name", ["real", "small"])
def test_explain_agrees_with_every_point(name: str, request: pytest.FixtureRequest) -> None:
    matrix: Matrix = request.getfixturevalue(name)
    for point in matrix.points():
        told = explain(matrix, point.id)
        assert (told.id, told.status, told.reason) == (point.id, point.status, point.reason)
        assert [(rule.axis, rule.value) for rule in told.axes] == [(axis, point.value(axis)) for axis in AXES]
        applying = [rule for rule in told.constraints if rule.applies]
        assert bool(applying) == (told.status is Status.EXCLUDED) == (not told.declared)
        for rule in told.constraints:
            assert rule.applies == all(axis.matches for axis in rule.axes)
        if applying:
            assert told.reason == "; ".join(f"{rule.id}: {rule.reason}" for rule in applying)
        # What the id leaves out is what is at its default.
        shown = [rule.value for rule in told.axes if rule.origin is Origin.STATED]
        assert told.id == "-".join(shown)


def test_explain_needs_a_point(real: Matrix) -> None:
    with pytest.raises(UserError, match=r"did you mean 'distro-1\.96-host'"):
        explain(real, "distro-1.96-hosts")


def test_a_glob_leaves_out_what_cannot_be_built_and_says_so(real: Matrix) -> None:
    said: list[str] = []
    assert [cell.id for cell in select_ready(real, ["distro-*"], said.append)] == ["distro-1.96-host"]
    assert said[0].startswith("distro-1.96-host-aarch64: left out, it cannot be built yet")


def test_without_a_pattern_the_default_cell_is_meant(real: Matrix) -> None:
    assert [cell.id for cell in select_ready(real, [], print)] == [real.defaults.cell]


def test_a_cell_that_is_named_must_be_one_that_can_be_built(real: Matrix) -> None:
    with pytest.raises(UserError, match=r"cell 'distro-1\.96-host-aarch64' cannot be built yet \(planned\)"):
        select_ready(real, ["distro-1.96-host", "distro-1.96-host-aarch64"], print)


def test_a_glob_that_finds_nothing_to_build_is_refused(real: Matrix) -> None:
    with pytest.raises(UserError, match=r"cell 'rustup-.*' cannot be built yet"):
        select_ready(real, ["rustup-*"], print)
