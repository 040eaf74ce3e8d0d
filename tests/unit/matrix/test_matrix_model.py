"""The project's matrix, and what a matrix answers."""

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
from holoenzyme.matrix.model import Matrix, Status
from holoenzyme.matrix.schema import SCHEMA_COMMAND, SCHEMA_PATH, json_schema


@pytest.fixture(params=["real", "small"])
def matrix(request: pytest.FixtureRequest) -> Matrix:
    chosen = request.getfixturevalue(request.param)
    assert isinstance(chosen, Matrix)
    return chosen


def test_the_real_matrix_has_every_axis_value_of_the_project(real: Matrix) -> None:
    assert list(real.channels) == ["distro", "patched", "source", "rustup"]
    assert list(real.targets) == ["host", "sm_80", "sm_90", "gfx90a", "gfx942"]
    assert {"closed-form", "central-difference", "certified-six-digits"} <= set(real.tolerances)


def test_the_default_cell_is_supported_within_its_budget(real: Matrix) -> None:
    cell = real.cell(real.defaults.cell)
    assert cell.id == "distro-1.96-host"
    assert cell.status is Status.SUPPORTED
    assert cell.reason is None
    assert cell.budget is not None
    assert (cell.budget.compressed_mb, cell.budget.build_minutes) == (220, 20)
    assert (cell.llvm, cell.base, cell.arch) == ("22", "bookworm", "x86_64")
    assert real.triple(cell) == "x86_64-unknown-linux-gnu"


def test_the_triple_of_a_cpu_is_that_of_the_architecture(real: Matrix) -> None:
    assert real.triple(real.cell("distro-1.96-host-aarch64")) == "aarch64-unknown-linux-gnu"
    assert real.triple(real.cell("patched-1.96-gfx90a")) == "amdgcn-amd-amdhsa"


def test_gpus_have_what_their_code_needs(real: Matrix) -> None:
    assert real.device_triples == {"cuda": "nvptx64-nvidia-cuda", "rocm": "amdgcn-amd-amdhsa"}
    needs = {name: real.ptx_features[name] for name in ("sm_80", "sm_90", "sm_100", "sm_120")}
    assert needs == {"sm_80": 70, "sm_90": 78, "sm_100": 86, "sm_120": 87}


def test_packages_follow_the_releases(real: Matrix) -> None:
    pins = real.package_pins
    assert {pins[name].version for name in real.rust["1.96"].packages} == {real.rust["1.96"].release}
    assert {pins[name].version for name in real.llvm["22"].packages} == {real.llvm["22"].release}
    assert {"rustc-web", "rust-web-src", "llvm-22-dev", "libllvm22"} <= set(pins)
    assert pins["rustc-web"].at == ("rust", "1.96", "release")


def test_each_release_stands_once(root: Path, real: Matrix) -> None:
    text = (root / "matrix.yaml").read_text(encoding="utf-8")
    for _, item in real.releases():
        assert item.release is None or text.count(item.release) == 1


def test_every_point_is_declared_or_excluded_and_never_both(matrix: Matrix) -> None:
    points = matrix.points()
    product = list(matrix.product())
    assert len(points) == len(product) == len({point.id for point in points})
    assert points[: len(matrix.all_cells())] == matrix.all_cells()
    for point in points:
        assert (point.status is Status.EXCLUDED) == (exclusion(matrix.constraints, point) is not None)
        assert (point.reason is None) == (point.status is Status.SUPPORTED)


def test_ids_lead_back_to_their_points(matrix: Matrix) -> None:
    for point in matrix.product():
        found = matrix.point(matrix.id_of(point))
        assert {axis: found.value(axis) for axis in AXES} == dataclasses.asdict(point)
        assert matrix.id_of(found) == found.id


def test_an_unknown_cell_gets_the_nearest_names(real: Matrix) -> None:
    with pytest.raises(UserError) as caught:
        real.cell("patched-1.96-sm90")
    assert str(caught.value) == (
        "there is no cell 'patched-1.96-sm90'\n"
        "  fix: did you mean 'patched-1.96-sm_90', 'patched-1.96-sm_80' or 'patched-1.96-gfx90a'?"
    )
    with pytest.raises(UserError, match="`nox -s matrix` lists the cells"):
        real.cell("#")


def test_an_excluded_cell_says_why(small: Matrix) -> None:
    with pytest.raises(UserError) as caught:
        small.cell("a-1.96-sm_90")
    assert str(caught.value) == (
        "cell 'a-1.96-sm_90' is excluded\n"
        "  why: a-no-cards: built without\n"
        "  fix: `nox -s matrix -- --explain a-1.96-sm_90` shows the rules"
    )
    assert small.point("a-1.96-sm_90").reason == "a-no-cards: built without"


def test_several_reasons_are_joined(real: Matrix) -> None:
    reason = real.point("distro-1.96-sm_90-trixie").reason or ""
    first, second = reason.split("; ")
    assert first.startswith("distro-no-offload: ")
    assert second.startswith("trixie-not-yet: ")


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
