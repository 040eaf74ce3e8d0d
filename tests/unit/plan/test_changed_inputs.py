"""Which input changed since the last build, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from tests.small_project import edit, graph_of, image_of, write_project

from holoenzyme.plan.graph import (
    HASH_LABEL,
    INPUTS_LABEL,
    KEY_LABEL,
    PACKAGES_LABEL,
    STAGE_LABEL,
    Inputs,
    changed_inputs,
)
from holoenzyme.session import Project

INPUTS = Inputs(
    stage="enzyme",
    text="t1",
    files={"a": "1", "b": "1"},
    resolved={"p": "1-1", "q": "1-1"},
    stages={"base": "h1"},
    labels={"title": "one"},
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, ()),
        ({"text": "t2"}, ("Dockerfile changed",)),
        ({"text": "t2", "stage": "base"}, ("base recipe changed",)),
        ({"files": {"a": "2", "c": "1"}}, ("file a changed", "file b is gone", "file c is new")),
        ({"resolved": {"p": "1-2", "r": "1-1"}}, ("package p 1-1 -> 1-2", "package q is gone", "package r is new")),
        ({"stages": {"base": "h2"}}, ("stage base changed",)),
        ({"stages": {"base": "h1", "rustc": "h"}}, ("stage rustc is new",)),
        ({"labels": {"title": "two"}}, ("label title changed",)),
        ({"text": "t2", "resolved": {"p": "1-2", "q": "1-1"}}, ("package p 1-1 -> 1-2",)),
    ],
)
def test_what_changed(change: Mapping[str, object], words: tuple[str, ...]) -> None:
    new = replace(INPUTS, **change)  # type: ignore[arg-type]
    assert changed_inputs(json.loads(INPUTS.to_json()), new) == words


def test_a_list_of_checksums_is_not_told_beside_the_packages() -> None:
    old = replace(INPUTS, files={"packages.sha256": "1"})
    new = replace(INPUTS, files={"packages.sha256": "2"}, resolved={"p": "1-2", "q": "1-1"})
    assert changed_inputs(json.loads(old.to_json()), new) == ("package p 1-1 -> 1-2",)
    only = replace(INPUTS, files={"packages.sha256": "2"})
    assert changed_inputs(json.loads(old.to_json()), only) == ("file packages.sha256 changed",)


@pytest.mark.parametrize(
    ("file", "old", "new", "stage", "words"),
    [
        ("recipes/enzyme/stage.Dockerfile.j2", "build", "make", "enzyme", "Dockerfile changed"),
        ("recipes/enzyme/vendor/build.sh", "make", "ninja", "enzyme", "file vendor/build.sh changed"),
        ("recipes/rustc/recipe.yaml", "/usr/bin/gold", "/usr/bin/dwp", "rustc", "file exclude.conf changed"),
        ("recipes/base/recipe.yaml", "/usr/share/man/*", "/usr/share/info/*", "base", "base recipe changed"),
        (
            "images/toolchain/image.yaml",
            "title: toolchain",
            "title: tools",
            "toolchain",
            "label org.opencontainers.image.title changed",
        ),
    ],
)
def test_a_changed_project_is_told_in_its_own_words(
    small_project: Project, tmp_path: Path, file: str, old: str, new: str, stage: str, words: str
) -> None:
    root = write_project(tmp_path)
    edit(root / file, old, new)
    before, after = graph_of(small_project), graph_of(Project(root))
    key = next(key for key, node in after.nodes.items() if node.stage.name == stage)
    manifest = json.loads(before.nodes[key].build_labels()[INPUTS_LABEL])
    assert changed_inputs(manifest, after.nodes[key].inputs) == (words,)
    same = {key for key in after.nodes if after.nodes[key].input_hash == before.nodes[key].input_hash}
    assert same == {key for key, node in after.nodes.items() if stage not in {need.stage.name for need in node.below}}


def test_the_labels_of_an_image(small_project: Project) -> None:
    node = image_of(small_project)
    labels = node.build_labels()
    assert labels[STAGE_LABEL] == "toolchain"
    assert labels[KEY_LABEL] == node.stage.key == "toolchain/distro/1.96/host/bookworm/x86_64"
    assert labels[HASH_LABEL] == node.input_hash
    assert labels["org.opencontainers.image.title"] == "toolchain"
    assert json.loads(labels[PACKAGES_LABEL])["packages-llvm"] == {
        "libllvm22": "1:22.1.8-1",
        "llvm-22-dev": "1:22.1.8-1",
    }
    assert set(json.loads(labels[INPUTS_LABEL])) == {
        "schema",
        "stage",
        "text",
        "files",
        "resolved",
        "stages",
        "labels",
    }


def test_below_an_image_is_everything_that_it_needs(small_project: Project) -> None:
    graph = graph_of(small_project)
    (image,) = graph.images
    assert image.below == tuple(graph.nodes.values()), "each after those that it needs"
    base = graph.nodes["base/bookworm/x86_64"]
    assert base.below == (base,)
