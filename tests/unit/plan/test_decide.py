"""What is to be done for each stage, and the reason that a person is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.small_project import CELL, OTHER, graph_of, locked

from holoenzyme.plan.decide import Action, BaseSource, Existing, Inventory, Plan, decide
from holoenzyme.plan.graph import Graph, Node
from holoenzyme.session import Project

EVERYTHING = ("base", "packages-rustc", "rustc", "packages-llvm", "enzyme", "toolchain")


def existing(node: Node, *, created: float = 1.0, tags: Sequence[str] | None = None, input_hash: str = "") -> Existing:
    """The image of a node, as an engine has it."""
    return Existing(
        key=node.stage.key,
        stage=node.stage.name,
        input_hash=input_hash or node.input_hash,
        inputs=node.inputs.to_json(),
        created=created,
        tags=tuple(tags) if tags is not None else (node.image,),
    )


def nodes(graph: Graph, *stages: str) -> list[Node]:
    return [node for node in graph.nodes.values() if node.stage.name in (stages or EVERYTHING)]


def here(graph: Graph, *stages: str) -> Inventory:
    """An engine that has the images of these stages, or of all."""
    return Inventory(local=[existing(node) for node in nodes(graph, *stages)])


def said(plan: Plan) -> dict[str, str]:
    """What the plan says of each stage."""
    return {d.node.stage.name: f"{d.action}: {d.because}" for d in plan.decisions}


@pytest.fixture(scope="module")
def graph(small_project: Project) -> Graph:
    return graph_of(small_project)


SKIP = "skip: nothing that needs it is built"
HERE = "reuse: the engine has it"
NEVER = "build: never built here"


def test_from_nothing_everything_is_built(graph: Graph) -> None:
    plan = decide(graph, Inventory())
    assert said(plan) == dict.fromkeys(EVERYTHING, NEVER)
    assert not plan.complete and len(plan.builds) == len(EVERYTHING)


def test_what_is_here_is_reused_and_what_only_it_needs_is_skipped(graph: Graph) -> None:
    plan = decide(graph, here(graph))
    assert said(plan) == {**dict.fromkeys(EVERYTHING, SKIP), "toolchain": HERE}
    assert plan.complete and plan.builds == ()


def test_an_image_alone_is_enough(graph: Graph) -> None:
    assert decide(graph, here(graph, "toolchain")).complete


def test_only_what_is_missing_is_built(graph: Graph) -> None:
    plan = decide(graph, here(graph, "base", "packages-llvm", "rustc"))
    assert said(plan) == {
        "base": HERE,
        "packages-rustc": SKIP,
        "rustc": HERE,
        "packages-llvm": HERE,
        "enzyme": NEVER,
        "toolchain": NEVER,
    }


def test_a_stage_in_a_store_is_loaded_and_nothing_below_it(graph: Graph) -> None:
    (image,) = nodes(graph, "toolchain")
    plan = decide(graph, Inventory(stored={("toolchain", image.input_hash): "/shelf"}))
    assert said(plan) == {**dict.fromkeys(EVERYTHING, SKIP), "toolchain": "load: store /shelf has it"}
    assert plan.complete


def test_the_engine_is_preferred_to_a_store(graph: Graph) -> None:
    (image,) = nodes(graph, "toolchain")
    inventory = replace(here(graph), stored={("toolchain", image.input_hash): "/shelf"})
    assert said(decide(graph, inventory))["toolchain"] == HERE


def test_a_store_with_parts(graph: Graph) -> None:
    stored = {(node.stage.name, node.input_hash): "/shelf" for node in nodes(graph, "base", "packages-llvm", "rustc")}
    plan = decide(graph, Inventory(stored=stored))
    assert {name: words.split(":")[0] for name, words in said(plan).items()} == {
        "base": "load",
        "packages-rustc": "skip",
        "rustc": "load",
        "packages-llvm": "load",
        "enzyme": "build",
        "toolchain": "build",
    }


def test_a_name_without_the_whole_hash_is_not_trusted(graph: Graph) -> None:
    (image,) = nodes(graph, "toolchain")
    other = image.input_hash[:16] + "0" * 48
    plan = decide(graph, Inventory(local=[existing(image, input_hash=other)]))
    assert plan.of(image.stage.key).action is Action.BUILD


def test_an_image_without_its_name_is_not_trusted(graph: Graph) -> None:
    """A killed build may have left it."""
    (image,) = nodes(graph, "toolchain")
    for tags in ((), ("holoenzyme/toolchain:distro-1.96-host",)):
        plan = decide(graph, Inventory(local=[existing(image, tags=tags)]))
        assert plan.of(image.stage.key).action is Action.BUILD
        assert plan.of(image.stage.key).because == "since the last build: its image was damaged or removed"


def test_a_base_is_pulled_only_where_that_is_asked_for(graph: Graph) -> None:
    assert said(decide(graph, Inventory(), base_source=BaseSource.PULL))["base"] == "pull: never built here"
    for source in (BaseSource.AUTO, BaseSource.BOOTSTRAP):
        assert said(decide(graph, Inventory(), base_source=source))["base"] == NEVER
    plan = decide(graph, Inventory(), base_source=BaseSource.PULL)
    assert plan.builds[0].action is Action.PULL and not plan.complete


def test_everything_but_the_base_can_be_built_anew(graph: Graph) -> None:
    plan = decide(graph, here(graph), rebuild=True)
    assert said(plan) == {**dict.fromkeys(EVERYTHING, "build: asked to build anew"), "base": HERE}


def test_stores_are_not_asked_when_all_is_built_anew(graph: Graph) -> None:
    stored = {(node.stage.name, node.input_hash): "/shelf" for node in nodes(graph)}
    plan = decide(graph, Inventory(stored=stored), rebuild=True)
    assert {d.action for d in plan.decisions if d.node.stage.name != "base"} == {Action.BUILD}
    assert said(plan)["base"] == "load: store /shelf has it"


def test_each_of_several_cells_is_decided_for_itself(small_project: Project) -> None:
    both = graph_of(small_project, None, CELL, OTHER)
    plan = decide(both, Inventory(local=[existing(both.images[0])]))
    assert plan.of(both.images[0].stage.key).action is Action.REUSE
    assert plan.of(both.images[1].stage.key).action is Action.BUILD
    assert {d.action for d in plan.builds} == {Action.BUILD} and len(plan.builds) == len(EVERYTHING)


def test_stages_stand_after_what_they_need(graph: Graph) -> None:
    order = [decision.node.stage.key for decision in decide(graph, Inventory()).decisions]
    for decision in decide(graph, Inventory()).decisions:
        for need in decision.node.needs.values():
            assert order.index(need.stage.key) < order.index(decision.node.stage.key)


def reasons(project: Project, before: Graph, after: Graph) -> dict[str, str]:
    """Why stages are built, when the engine has the images of `before`."""
    plan = decide(after, here(before))
    return {d.node.stage.name: d.because for d in plan.decisions if d.action is Action.BUILD}


def test_a_changed_package_is_named(small_project: Project, graph: Graph) -> None:
    after = graph_of(small_project, locked(rustc_web="1.96.0-2"))
    assert reasons(small_project, graph, after) == {
        "packages-rustc": "since the last build: package rustc-web 1.96.0-1 -> 1.96.0-2",
        "rustc": "since the last build: stage packages-rustc changed",
        "toolchain": "since the last build: stage rustc changed",
    }


def test_a_changed_base_is_named(small_project: Project, graph: Graph) -> None:
    after = graph_of(small_project, locked({"libc6": "2.36-9+deb12u2", "bash": "5.2-1"}))
    assert reasons(small_project, graph, after)["base"] == (
        "since the last build: package apt is gone; package bash is new; package libc6 2.36-9+deb12u1 -> 2.36-9+deb12u2"
    )


def test_the_newest_image_is_what_is_compared_with(small_project: Project, graph: Graph) -> None:
    versions = [graph_of(small_project, locked(rustc_web=f"1.96.0-{number}")) for number in (3, 2, 4)]
    (wanted,) = nodes(graph, "packages-rustc")
    local = [
        existing(node, created=created)
        for created, one in zip((3.0, 2.0, 1.0), versions, strict=True)
        for node in nodes(one, "packages-rustc")
    ]
    plan = decide(graph, Inventory(local=local))
    assert plan.of(wanted.stage.key).changes == ("package rustc-web 1.96.0-3 -> 1.96.0-1",)


def test_an_image_with_a_name_is_compared_with_before_a_newer_one_that_lost_its_own(
    small_project: Project, graph: Graph
) -> None:
    (wanted,) = nodes(graph, "packages-rustc")
    named, nameless = (
        node
        for revision in (2, 3)
        for node in nodes(graph_of(small_project, locked(rustc_web=f"1.96.0-{revision}")), "packages-rustc")
    )
    local = [existing(named, created=1.0), existing(nameless, created=2.0, tags=())]
    plan = decide(graph, Inventory(local=local))
    assert plan.of(wanted.stage.key).changes == ("package rustc-web 1.96.0-2 -> 1.96.0-1",)


@pytest.mark.parametrize("manifest", ["", "{", "[]", "{}", "null", '"text"'])
def test_an_image_without_a_readable_manifest(graph: Graph, manifest: str) -> None:
    (image,) = nodes(graph, "toolchain")
    damaged = replace(existing(image, input_hash="0" * 64), inputs=manifest)
    decision = decide(graph, Inventory(local=[damaged])).of(image.stage.key)
    assert decision.action is Action.BUILD
    assert decision.because == "since the last build: its list of inputs cannot be read"
