"""Rendering and planning of a whole project: the same input gives the same bytes, whatever order it comes in."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.small_project import CELL, OTHER, PLACE, graph_of, locked

from holoenzyme.build import planner
from holoenzyme.build.contexts import write_context
from holoenzyme.plan.graph import Graph
from holoenzyme.resolve.model import LockedSet, Resolution
from holoenzyme.session import Project

# The project is only read.
shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=40)


def image_hashes(graph: Graph) -> list[str]:
    return [node.input_hash for node in graph.images]


@pytest.fixture(scope="session")
def reference(small_project: Project) -> Graph:
    return graph_of(small_project, None, CELL, OTHER)


@shared
@given(order=st.permutations([CELL, OTHER]), count=st.integers(1, 2), twice=st.booleans())
def test_the_selection_of_cells_does_not_matter(
    small_project: Project, reference: Graph, order: list[str], count: int, twice: bool
) -> None:
    cells = [small_project.matrix.cell(cell) for cell in order[:count]]
    times = 2 if twice else 1
    graph = planner.graph_of(small_project, cells * times, locked())
    wanted = dict(zip((CELL, OTHER), image_hashes(reference), strict=True))
    assert image_hashes(graph) == [wanted[cell] for cell in order[:count]] * times
    for key, node in graph.nodes.items():
        assert node.dockerfile == reference.nodes[key].dockerfile
        assert node.build_labels() == reference.nodes[key].build_labels()


@shared
@given(data=st.data())
def test_the_order_in_the_lock_does_not_matter(small_project: Project, reference: Graph, data: st.DataObject) -> None:
    def mixed(value: object) -> object:
        if isinstance(value, dict):
            return {key: mixed(item) for key, item in data.draw(st.permutations(list(value.items())))}
        return value

    resolution = Resolution.model_validate(mixed(json.loads(locked().model_dump_json())))
    assert resolution.digest() == locked().digest()
    graph = graph_of(small_project, resolution, CELL, OTHER)
    assert image_hashes(graph) == image_hashes(reference)


@shared
@given(
    set_name=st.sampled_from(["rustc", "llvm"]),
    field=st.sampled_from(["version", "sha256", "architecture"]),
    data=st.data(),
)
def test_what_a_package_is_changes_its_set_and_what_needs_it(
    small_project: Project, reference: Graph, set_name: str, field: str, data: st.DataObject
) -> None:
    old = locked().sets[PLACE][set_name]
    name = data.draw(st.sampled_from(sorted(old.packages)))
    package = old.packages[name]
    changed = package.model_copy(update={field: getattr(package, field) + "1"})
    new = LockedSet(roots=old.roots, packages={**old.packages, name: changed})
    sets = {PLACE: {**locked().sets[PLACE], set_name: new}}
    graph = graph_of(small_project, locked().model_copy(update={"sets": sets}), CELL, OTHER)
    differing = {node.stage.name for key, node in graph.nodes.items() if node != reference.nodes[key]}
    above = {"rustc": {"rustc"}, "llvm": {"enzyme"}}[set_name]
    hashed = {
        node.stage.name for key, node in graph.nodes.items() if node.input_hash != reference.nodes[key].input_hash
    }
    assert hashed == differing == {f"packages-{set_name}", "toolchain", *above}


def test_rendering_twice_gives_the_same_bytes(small_project: Project, tmp_path: Path, reference: Graph) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(small_project.root, copy)
    for number, path in enumerate(sorted(copy.rglob("*"))):
        os.utime(path, (number, number))
    again = Project(copy)
    graph = graph_of(again, None, CELL, OTHER)
    assert image_hashes(graph) == image_hashes(reference)
    for key, node in graph.nodes.items():
        assert node.stage == reference.nodes[key].stage
        for folder, one in (("a", node), ("b", reference.nodes[key])):
            write_context(tmp_path / folder / node.stage.name, one)
    first = {path.relative_to(tmp_path / "a"): path for path in (tmp_path / "a").rglob("*") if path.is_file()}
    second = {path.relative_to(tmp_path / "b"): path for path in (tmp_path / "b").rglob("*") if path.is_file()}
    assert first.keys() == second.keys()
    for name, path in first.items():
        assert path.read_bytes() == second[name].read_bytes()
        assert path.stat().st_mode == second[name].stat().st_mode


def test_generated_text_never_contains_its_own_hash(reference: Graph) -> None:
    for node in reference.nodes.values():
        assert node.input_hash[:12] not in node.dockerfile
        for file in node.stage.files.values():
            assert node.input_hash[:12].encode() not in file.content


def test_cells_share_what_they_agree_on(reference: Graph) -> None:
    one, two = ({node.stage.key: node.stage.name for node in image.below} for image in reference.images)
    assert {one[key] for key in one.keys() & two.keys()} == {
        "base",
        "packages-rustc",
        "packages-llvm",
        "rustc",
        "enzyme",
    }
