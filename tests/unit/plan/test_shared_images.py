"""Cells whose images would differ in nothing share one; in all else cells and places differ."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.small_project import (
    CELL,
    OTHER,
    PLACE,
    THIRD,
    cells_of,
    edit,
    good_engine,
    good_session,
    graph_of,
    image_of,
    locked,
    seed,
    write_kinds,
)

from holoenzyme.build.planner import base_node, plan_cells
from holoenzyme.errors import UserError
from holoenzyme.plan.graph import Node
from holoenzyme.resolve.model import place
from holoenzyme.session import Project


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with two cells for cuda, whose images differ in nothing."""
    return write_kinds(tmp_path)


def image_nodes(root: Path) -> dict[str, str]:
    """The image of each cell, by the hash of its content; cells with the same hash share one node."""
    graph = graph_of(Project(root), None, CELL, OTHER, THIRD)
    found = {cell: node.input_hash for cell, node in zip((CELL, OTHER, THIRD), graph.images, strict=True)}
    images = [node for node in graph.nodes.values() if node.stage.name == "toolchain"]
    assert len(images) == len(set(found.values())), "one node for each content"
    return found


def add_env(root: Path, kind: str) -> None:
    """Let the images for one kind of target differ."""
    edit(
        root / "images/toolchain/Dockerfile.j2",
        "USER",
        f'{{% if kind == "{kind}" %}}\nENV KIND={{{{ kind }}}}\n{{% endif %}}\nUSER',
    )


def add_package(root: Path, kind: str) -> None:
    """Let the images for one kind of target hold a set of packages more."""
    edit(root / "images/toolchain/image.yaml", "axes:", f"needs_for: {{{kind}: [packages-llvm]}}\naxes:")
    edit(
        root / "images/toolchain/Dockerfile.j2",
        "USER",
        "{% for name in extras %}COPY --from={{ image(name) }} / /\n{% endfor %}USER",
    )


def test_images_that_differ_in_comments_alone_are_one(root: Path) -> None:
    found = image_nodes(root)
    assert len(set(found.values())) == 1
    edit(root / "images/toolchain/Dockerfile.j2", "# For {{ kind }}.", "# For what is a {{ kind }}.\n# And more.")
    assert image_nodes(root) == found, "an image that is there is that of another comment"


@pytest.mark.parametrize("add", [add_env, add_package])
@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_images_that_differ_are_two(root: Path, add: Callable[[Path, str], None], kind: str) -> None:
    add(root, kind)
    found = image_nodes(root)
    assert found[OTHER] == found[THIRD] != found[CELL]


def test_a_stage_that_names_the_target_is_one_for_each(root: Path) -> None:
    edit(root / "images/toolchain/image.yaml", "rust, kind,", "rust, target, kind,")
    assert len(set(image_nodes(root).values())) == 1, "what it does not use makes no difference"
    edit(root / "images/toolchain/Dockerfile.j2", "# For {{ kind }}.", "ENV TARGET={{ target }}")
    assert len(set(image_nodes(root).values())) == 3


@pytest.mark.parametrize("directive", ["# syntax=docker/dockerfile:1", "# check=skip=all"])
def test_a_directive_is_an_input(root: Path, directive: str) -> None:
    before = image_nodes(root)
    edit(root / "images/toolchain/Dockerfile.j2", "# {{ generator }}", f"{directive}\n# {{{{ generator }}}}")
    assert not set(image_nodes(root).values()) & set(before.values())


def test_comments_of_other_stages_are_inputs(root: Path) -> None:
    """What is kept in engines and stores is known by hashes that include them."""
    before = graph_of(Project(root)).nodes
    edit(root / "recipes/enzyme/stage.Dockerfile.j2", "FROM scratch", "# Only files.\nFROM scratch")
    after = graph_of(Project(root)).nodes
    changed = {node.stage.name for key, node in after.items() if node.input_hash != before[key].input_hash}
    assert changed == {"enzyme", "toolchain"}


def bases(root: Path) -> tuple[Node, Node]:
    """The bases of two architectures whose packages have the same names and versions."""
    one = locked()
    both = one.model_copy(update={"bases": {**one.bases, place("bookworm", "aarch64"): one.bases[PLACE]}})
    first, second = (base_node(Project(root), "bookworm", arch, both) for arch in ("x86_64", "aarch64"))
    return first, second


def test_the_bases_of_two_architectures_are_two(root: Path) -> None:
    one, two = bases(root)
    assert one.stage.resolved == two.stage.resolved
    assert one.input_hash != two.input_hash
    assert one.image != two.image


def test_the_first_architecture_is_no_part_of_a_base_so_that_what_is_kept_stays_known(root: Path) -> None:
    one, two = bases(root)
    packages = "apt=2.6.2\nlibc6=2.36-9+deb12u1\n"
    excluded = "exclude /usr/share/man/*\nexclude /usr/share/doc/*/copyright\n"
    assert one.stage.text == packages + excluded
    assert two.stage.text == "architecture aarch64\n" + packages + excluded


def test_a_selection_of_cells_gives_the_same_images(root: Path) -> None:
    project = Project(root)
    every = image_nodes(root)
    for cell in every:
        assert image_of(project, None, cell).input_hash == every[cell]


@pytest.mark.parametrize("asked", [CELL, OTHER, THIRD])
def test_an_image_that_changed_is_compared_with_what_was_built_for_another_cell(
    root: Path, tmp_path: Path, asked: str
) -> None:
    """One was built for one cell alone, and then another is planned alone."""
    for built in {CELL, OTHER, THIRD} - {asked}:
        engine = good_engine()
        seed(engine, graph_of(Project(root), None, built))
        session = good_session(Project(root), tmp_path / "state", engine)
        edit(root / "images/toolchain/Dockerfile.j2", "USER", "LABEL more=1\nUSER")
        session.project = Project(root)
        plan = plan_cells(session, cells_of(session.project, asked)).plan
        assert [decision.because for decision in plan.builds] == ["since the last build: Dockerfile changed"]


def test_an_image_of_its_own_is_not_compared_with_that_of_another_cell(root: Path, tmp_path: Path) -> None:
    add_env(root, "cuda")
    project, engine = Project(root), good_engine()
    seed(engine, graph_of(project))
    plan = plan_cells(good_session(project, tmp_path / "state", engine), cells_of(project, OTHER)).plan
    assert [decision.because for decision in plan.builds] == ["never built here"]


@pytest.mark.parametrize("budget", ["compressed_mb: 210, build_minutes: 10", "compressed_mb: 200, build_minutes: 20"])
@pytest.mark.parametrize("asked", [CELL, OTHER])
def test_cells_that_share_an_image_have_one_budget(root: Path, budget: str, asked: str) -> None:
    other = "target: sm_90\n    status: supported\n    budget: {"
    edit(root / "matrix.yaml", f"{other}compressed_mb: 200, build_minutes: 10}}", f"{other}{budget}}}")
    with pytest.raises(UserError, match=f"cells '{CELL}' and '{OTHER}' have one image and two budgets") as raised:
        graph_of(Project(root), None, asked)
    assert raised.value.fix == "give them the same `budget:` in matrix.yaml"
    add_env(root, "cuda")
    with pytest.raises(UserError, match=f"cells '{OTHER}' and '{THIRD}' have one image and two budgets"):
        graph_of(Project(root), None, asked)
    edit(
        root / "matrix.yaml",
        "target: sm_80, status: supported, budget: {compressed_mb: 200, build_minutes: 10}",
        f"target: sm_80, status: supported, budget: {{{budget}}}",
    )
    assert len(graph_of(Project(root), None, CELL, OTHER, THIRD).images) == 3


def test_the_budget_of_a_cell_is_not_that_of_an_image_which_depends_on_no_target(root: Path) -> None:
    edit(root / "images/toolchain/image.yaml", "rust, kind,", "rust,")
    edit(root / "images/toolchain/Dockerfile.j2", "# For {{ kind }}.", "")
    edit(
        root / "matrix.yaml",
        "target: sm_90\n    status: supported\n    budget: {compressed_mb: 200",
        "target: sm_90\n    status: supported\n    budget: {compressed_mb: 100",
    )
    assert len(set(image_nodes(root).values())) == 1
