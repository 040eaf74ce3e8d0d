"""The input hash changes when, and only when, an input changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from holoenzyme.plan.graph import Graph, build_graph, changed_inputs
from holoenzyme.render.stages import File, Stage, StageKind

V = TypeVar("V")
#: For what hardly depends on the example.
few = settings(max_examples=30)
names = st.text("abcdefgh-", min_size=1, max_size=6)
versions = st.from_regex(r"[0-9]{1,2}\.[0-9]-[0-9]", fullmatch=True)
files = st.builds(File, content=st.binary(max_size=8), executable=st.booleans())


@st.composite
def stages(draw: st.DrawFn) -> tuple[Stage, ...]:
    """A cell's stages: each may need any of those before it; the last is the image."""
    made: list[Stage] = []
    for number in range(draw(st.integers(1, 5))):
        needs = draw(st.sets(st.sampled_from([stage.key for stage in made]))) if made else set()
        made.append(
            Stage(
                key=f"s{number}/x",
                name=f"s{number}",
                kind=StageKind.COMPONENT,
                recipe="r",
                text=draw(st.text(max_size=20)),
                needs=MappingProxyType({key.removesuffix("/x"): key for key in sorted(needs)}),
                files=draw(st.dictionaries(names, files, max_size=3)),
                resolved=draw(st.dictionaries(names, versions, max_size=4)),
                labels=draw(st.dictionaries(names, names, max_size=2)),
                redistributable=draw(st.booleans()),
                base="bookworm",
                arch="x86_64",
            )
        )
    return tuple(made)


def graph(*cells: tuple[Stage, ...]) -> Graph:
    return build_graph(cells)


def hashes(found: Graph) -> dict[str, str]:
    return {key: node.input_hash for key, node in found.nodes.items()}


def shuffled(data: st.DataObject, mapping: Mapping[str, V]) -> dict[str, V]:
    return dict(data.draw(st.permutations(list(mapping.items()))))


@few
@given(stages(), st.data())
def test_the_order_of_keys_does_not_matter(cell: tuple[Stage, ...], data: st.DataObject) -> None:
    other = tuple(
        replace(
            stage,
            needs=shuffled(data, stage.needs),
            files=shuffled(data, stage.files),
            resolved=shuffled(data, stage.resolved),
            labels=shuffled(data, stage.labels),
        )
        for stage in cell
    )
    assert hashes(graph(other)) == hashes(graph(cell))
    for key, node in graph(other).nodes.items():
        assert node.inputs.to_json() == graph(cell).nodes[key].inputs.to_json()


@few
@given(stages())
def test_what_is_no_input_does_not_matter(cell: tuple[Stage, ...]) -> None:
    other = tuple(replace(stage, recipe="other", redistributable=not stage.redistributable) for stage in cell)
    assert hashes(graph(other)) == hashes(graph(cell))


@few
@given(stages(), stages())
def test_other_cells_do_not_matter(one: tuple[Stage, ...], two: tuple[Stage, ...]) -> None:
    renamed = {stage.key: f"other-{stage.key}" for stage in two}
    second = tuple(
        replace(stage, key=renamed[stage.key], needs={name: renamed[key] for name, key in stage.needs.items()})
        for stage in two
    )
    alone = hashes(graph(one))
    for both in (graph(one, second), graph(second, one)):
        assert {key: value for key, value in hashes(both).items() if key in alone} == alone


def edits(stage: Stage) -> dict[str, Stage]:
    """The stage with each of its inputs changed a little, by what was changed."""
    found = {
        "text": replace(stage, text=stage.text + " "),
        "name": replace(stage, name=stage.name + "x"),
        "a new file": replace(stage, files={**stage.files, "new": File(content=b"")}),
        "a new package": replace(stage, resolved={**stage.resolved, "new": "1.0-1"}),
        "a new label": replace(stage, labels={**stage.labels, "new": ""}),
    }
    for name, file in stage.files.items():
        rest = {key: value for key, value in stage.files.items() if key != name}
        found |= {
            f"content of {name}": replace(stage, files={**rest, name: replace(file, content=file.content + b"x")}),
            f"mode of {name}": replace(stage, files={**rest, name: replace(file, executable=not file.executable)}),
            f"name of {name}": replace(stage, files={**rest, name + "x": file}),
            f"without {name}": replace(stage, files=rest),
        }
    for name, version in stage.resolved.items():
        others = {key: other for key, other in stage.resolved.items() if key != name}
        found[f"version of {name}"] = replace(stage, resolved={**others, name: version + "1"})
        found[f"package {name} gone"] = replace(stage, resolved=others)
    for name, value in stage.labels.items():
        others = {key: other for key, other in stage.labels.items() if key != name}
        found[f"value of {name}"] = replace(stage, labels={**others, name: value + "1"})
        found[f"label {name} gone"] = replace(stage, labels=others)
    return found


@given(stages(), st.data())
def test_every_change_of_an_input_changes_the_stage_and_what_needs_it_and_nothing_else(
    cell: tuple[Stage, ...], data: st.DataObject
) -> None:
    number = data.draw(st.integers(0, len(cell) - 1))
    before = graph(cell)
    for what, changed in edits(cell[number]).items():
        after = graph((*cell[:number], changed, *cell[number + 1 :]))
        touched = {key for key, node in after.nodes.items() if changed.key in {need.stage.key for need in node.below}}
        differing = {key for key in after.nodes if after.nodes[key].input_hash != before.nodes[key].input_hash}
        assert differing == touched, what
        if what != "name":
            assert told(before, after, changed.key), f"{what} is not told"
        for key in touched - {changed.key}:
            assert told(before, after, key) and all(words.startswith("stage ") for words in told(before, after, key))


def told(before: Graph, after: Graph, key: str) -> tuple[str, ...]:
    """What is said to have changed between two graphs in a stage."""
    return changed_inputs(json.loads(before.nodes[key].inputs.to_json()), after.nodes[key].inputs)


@few
@given(stages(), stages())
def test_one_hash_has_one_content(one: tuple[Stage, ...], two: tuple[Stage, ...]) -> None:
    (first,), (second,) = graph(one).images, graph(two).images
    same = first.inputs.to_json() == second.inputs.to_json()
    assert (first.input_hash == second.input_hash) == same


@few
@given(stages())
def test_names_cannot_run_into_each_other(cell: tuple[Stage, ...]) -> None:
    """A package `a` of version `b` is no file `a` of content `b`."""
    stage = cell[0]
    assume(stage.resolved or stage.labels)
    moved = replace(stage, resolved=stage.labels, labels=stage.resolved)
    if moved != stage:
        assert hashes(graph((moved,))) != hashes(graph((stage,)))


@few
@given(stages())
def test_the_name_of_an_image_is_one_that_engines_take(cell: tuple[Stage, ...]) -> None:
    for node in graph(cell).nodes.values():
        name, tag = node.image.split(":")
        assert name == f"holoenzyme/stage/{node.stage.name}"
        assert node.input_hash.startswith(tag) and len(tag) == 16 and len(node.input_hash) == 64
