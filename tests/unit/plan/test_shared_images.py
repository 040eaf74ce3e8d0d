"""Cells whose images would differ in nothing share one; in all else cells differ as before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.small_project import CELL, OTHER, THIRD, edit, graph_of, image_of, write_kinds

from holoenzyme.plan.graph import build_graph
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


@pytest.mark.parametrize(("base", "arch"), [("bookworm", "aarch64"), ("trixie", "x86_64")])
def test_images_of_two_places_are_two_though_their_hashes_agree(root: Path, base: str, arch: str) -> None:
    stages = [node.stage for node in graph_of(Project(root)).nodes.values()]
    elsewhere = [*stages[:-1], replace(stages[-1], key="toolchain/elsewhere", base=base, arch=arch)]
    one, two = build_graph([stages, elsewhere]).images
    assert one.input_hash == two.input_hash
    assert two.stage.key == "toolchain/elsewhere" != one.stage.key


def test_a_selection_of_cells_gives_the_same_images(root: Path) -> None:
    project = Project(root)
    every = image_nodes(root)
    for cell in every:
        assert image_of(project, None, cell).input_hash == every[cell]
