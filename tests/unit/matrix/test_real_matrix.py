"""The project's own matrix, by rules: a new target, cell or version changes nothing here, nor in another test."""

from __future__ import annotations

import dataclasses

import pytest
from tests.conftest import ROOT

from holoenzyme.execute.inspect_kernels import amd_processor
from holoenzyme.matrix.axes import AXES
from holoenzyme.matrix.constraints import exclusion
from holoenzyme.matrix.explain import Origin, explain
from holoenzyme.matrix.model import MATRIX_NAME, Matrix, Status, load_matrix
from holoenzyme.matrix.recipe import load_cookbook
from holoenzyme.matrix.smoke import load_smoke_tests
from holoenzyme.report.targets_text import core_processors


@pytest.fixture(scope="module")
def real() -> Matrix:
    """The project's own matrix."""
    return load_matrix(ROOT / MATRIX_NAME)


@pytest.fixture(params=["real", "small"])
def matrix(request: pytest.FixtureRequest) -> Matrix:
    chosen = request.getfixturevalue(request.param)
    assert isinstance(chosen, Matrix)
    return chosen


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


def test_explain_agrees_with_every_point(matrix: Matrix) -> None:
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


def test_the_default_cell_can_be_built(real: Matrix) -> None:
    cell = real.cell(real.defaults.cell)
    assert (cell.status, cell.base, cell.arch) == (Status.SUPPORTED, real.defaults.base, real.defaults.arch)


def test_packages_follow_the_releases(real: Matrix) -> None:
    for (section, version), item in real.releases():
        for name in item.followers.values():
            pin = real.package_pins[name]
            assert (pin.version, pin.at) == (item.release, (section, version, "release"))


def test_each_release_stands_once(real: Matrix) -> None:
    text = (ROOT / MATRIX_NAME).read_text(encoding="utf-8")
    for _, item in real.releases():
        assert item.release is None or text.count(item.release) == 1


def test_gpus_are_named_as_rustc_names_them(real: Matrix) -> None:
    """`cargo offload` tells the kind by the name; the inspection of an image tells the name by a number."""
    processors = {amd_processor(number) for number in range(0x100)}
    for name, target in real.targets.items():
        match target.kind:
            case "cuda":
                assert name.startswith("sm_") and name in real.ptx_features
            case "rocm":
                assert name.startswith("gfx") and name in processors
            case "cpu":
                assert target.triple is None


def test_core_comes_built_for_each_kind_of_gpu(real: Matrix) -> None:
    core = core_processors(load_cookbook(ROOT))
    assert set(core) == set(real.device_triples.values())
    assert {cpu for cpu in core.values() if cpu} <= set(real.targets)


def test_what_ran_on_a_gpu_is_a_cell_that_can_be_built(real: Matrix) -> None:
    built = {cell.target for cell in real.supported()}
    assert {name for name, target in real.targets.items() if target.executed} <= built


def test_each_supported_cell_with_kernels_is_proved_by_images_for_its_target(real: Matrix) -> None:
    tests = load_smoke_tests(ROOT)
    for cell in real.supported():
        proofs = {test.rule.name for test in tests if test.rule.proof and test.serves(cell.id)}
        assert "autodiff-derivatives" in proofs
        if cell.channel == "patched":
            assert "offload-saxpy" in proofs
            assert ("offload-images" in proofs) == (real.targets[cell.target].kind != "cpu")
