"""What a matrix answers."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from holoenzyme.errors import UserError
from holoenzyme.matrix.axes import AXES, Axis
from holoenzyme.matrix.constraints import Constraint, Point, exclusion
from holoenzyme.matrix.model import Matrix
from holoenzyme.matrix.schema import SCHEMA_COMMAND, SCHEMA_PATH, json_schema


def test_the_triple_of_a_cpu_is_that_of_the_architecture(small: Matrix) -> None:
    assert small.triple(small.cell("a-1.96-host")) == "x86_64-unknown-linux-gnu"
    assert small.triple(small.cell("b-1.96-sm_90")) == "nvptx64-nvidia-cuda"
    assert small.device_triples == {"cuda": "nvptx64-nvidia-cuda"}
    assert small.ptx_features == {"sm_90": 78}


def test_an_unknown_cell_gets_the_nearest_names(small: Matrix) -> None:
    with pytest.raises(UserError) as caught:
        small.cell("b-1.96-sm90")
    assert str(caught.value) == (
        "there is no cell 'b-1.96-sm90'\n  fix: did you mean 'b-1.96-sm_90', 'b-1.96-host' or 'a-1.96-host'?"
    )
    with pytest.raises(UserError, match="`nox -s matrix` lists the cells"):
        small.cell("#")


def test_an_excluded_cell_says_why(small: Matrix) -> None:
    with pytest.raises(UserError) as caught:
        small.cell("a-1.96-sm_90")
    assert str(caught.value) == (
        "cell 'a-1.96-sm_90' is excluded\n"
        "  why: a-no-cards: built without\n"
        "  fix: `nox -s matrix -- --explain a-1.96-sm_90` shows the rules"
    )
    assert small.point("a-1.96-sm_90").reason == "a-no-cards: built without"


def test_several_reasons_are_joined(small: Matrix) -> None:
    first, second = small.constraints
    both = [first, second.model_copy(update={"excludes": {"base": ("new",)}})]
    assert exclusion(both, small.point("a-1.96-sm_90-new")) == "a-no-cards: built without; b-not-new: not tried"


def test_a_matrix_cannot_be_changed(small: Matrix) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        small.defaults = small.defaults  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        small.all_cells()[0].id = "other"  # type: ignore[misc]


def test_the_schema_is_the_committed_one(root: Path) -> None:
    committed = (root / SCHEMA_PATH).read_text(encoding="utf-8")
    assert committed == json_schema(), f"{SCHEMA_PATH} is out of date: run `{SCHEMA_COMMAND}`"


axis_values = st.sampled_from(["a", "b", "c"])


@given(
    excludes=st.dictionaries(
        st.sampled_from(AXES), st.lists(axis_values, min_size=1, max_size=3).map(tuple), min_size=1
    ),
    values=st.tuples(*[axis_values] * len(AXES)),
)
def test_a_constraint_applies_where_every_axis_that_it_names_matches(
    excludes: dict[Axis, tuple[str, ...]], values: tuple[str, ...]
) -> None:
    rule = Constraint(
        id="rule", excludes=excludes, reason="x", link="https://example.org", review_after=date(2030, 1, 1)
    )
    point = Point(**dict(zip(AXES, values, strict=True)))
    for axis in AXES:
        assert rule.matches(axis, point.value(axis)) == (axis not in excludes or point.value(axis) in excludes[axis])
    assert rule.applies(point) == all(point.value(axis) in values for axis, values in excludes.items())
    assert (exclusion([rule], point) is not None) == rule.applies(point)


def test_a_constraint_is_overdue_from_the_day_after(small: Matrix) -> None:
    rule = small.constraints[0]
    assert rule.review_after == date(2030, 1, 31)
    assert not rule.overdue(date(2030, 1, 31))
    assert rule.overdue(date(2030, 2, 1))
