"""The build graph: stages with input hashes. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from holoenzyme.render.comments import without_comments
from holoenzyme.render.stages import Stage, StageKind

#: Where proved images have their names: `holoenzyme/toolchain:CELL`.
PROVED = "holoenzyme"
#: Where stages live in an engine; of an image, until a proof gives it a name.
STAGING = f"{PROVED}/stage"
#: For images on the way: a base before its labels, and the state before a step that failed.
UNNAMED = "holoenzyme/unnamed"
DEBUG = "holoenzyme/debug"
LABEL = "org.holoenzyme"
STAGE_LABEL = f"{LABEL}.stage"
KEY_LABEL = f"{LABEL}.stage-key"
HASH_LABEL = f"{LABEL}.input-hash"
INPUTS_LABEL = f"{LABEL}.inputs"
#: When a stage was built (ISO 8601). The engine's own time is that of the oldest cached step that gave the same files.
CREATED_LABEL = "org.opencontainers.image.created"
#: Of an image: every package of the distribution that it was made with, by version (JSON).
PACKAGES_LABEL = f"{LABEL}.packages"
#: Of an image that was built when the archive had newer revisions than the lock: what differed.
DRIFT_LABEL = f"{LABEL}.drift"
#: Hex digits of the input hash in an image's tag; the label has all 64.
TAG_LENGTH = 16


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The manifest of a stage's inputs: what its hash covers, each input by name.

    `files` maps paths in the build context to SHA-256 digests, `resolved` packages to versions, `stages` the needed
    stages to their input hashes. It goes with the image as a label, so that a later plan can say what changed.
    """

    stage: str
    text: str
    files: Mapping[str, str]
    resolved: Mapping[str, str]
    stages: Mapping[str, str]
    labels: Mapping[str, str]

    def to_json(self) -> str:
        """Canonical JSON: the same manifest gives the same bytes, whatever order it was made in."""
        data = {
            "schema": 1,
            "stage": self.stage,
            "text": self.text,
            "files": dict(self.files),
            "resolved": dict(self.resolved),
            "stages": dict(self.stages),
            "labels": dict(self.labels),
        }
        return json.dumps(data, sort_keys=True, separators=(",", ":"))

    def digest(self) -> str:
        """The input hash: 64 hex digits."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Node:
    """A stage with its input hash and the nodes that it needs, by the names that its text uses."""

    stage: Stage
    inputs: Inputs
    input_hash: str
    needs: Mapping[str, Node]

    @property
    def image(self) -> str:
        """The name of its image in the staging namespace."""
        return f"{STAGING}/{self.stage.name}:{self.input_hash[:TAG_LENGTH]}"

    @property
    def dockerfile(self) -> str:
        """The rendered text with the real names of the images that it builds on."""
        return self.stage.with_images({name: node.image for name, node in self.needs.items()})

    def build_labels(self) -> dict[str, str]:
        """The labels of its image; they are given on the command line, because the text may not name its own hash."""
        packages = {PACKAGES_LABEL: self._packages()} if self.stage.kind is StageKind.IMAGE else {}
        return {
            **self.stage.labels,
            **packages,
            STAGE_LABEL: self.stage.name,
            KEY_LABEL: self.stage.key,
            HASH_LABEL: self.input_hash,
            INPUTS_LABEL: self.inputs.to_json(),
        }

    @property
    def below(self) -> tuple[Node, ...]:
        """Everything that it needs, directly or not, each after those that it needs, and itself last."""
        found: dict[str, Node] = {}

        def visit(node: Node) -> None:
            if node.stage.key not in found:
                for need in node.needs.values():
                    visit(need)
                found[node.stage.key] = node

        visit(self)
        return tuple(found.values())

    def _packages(self) -> str:
        """The exact versions in all stages below, by stage: what was loaded from a store counts too."""
        packages = {node.stage.name: dict(node.stage.resolved) for node in self.below if node.stage.resolved}
        return json.dumps(packages, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, kw_only=True)
class Graph:
    """The nodes of some images by key, each after those that it needs; `images` are those asked for, in that order."""

    nodes: Mapping[str, Node]
    images: tuple[Node, ...]


def build_graph(images: Iterable[Iterable[Stage]]) -> Graph:
    """Hash the stages of images: those of each, every stage after those that it needs, and the image last.

    A stage that several images share is hashed once.
    """
    nodes: dict[str, Node] = {}
    last: list[Node] = []
    for stages in images:
        key = ""
        for stage in stages:
            key = stage.key
            if key not in nodes:
                nodes[key] = _node(stage, nodes)
        last.append(nodes[key])
    return Graph(nodes=MappingProxyType(nodes), images=tuple(last))


def _node(stage: Stage, nodes: Mapping[str, Node]) -> Node:
    needs = {name: nodes[key] for name, key in stage.needs.items()}
    inputs = Inputs(
        stage=stage.name,
        text=hashlib.sha256(_hashed_text(stage).encode()).hexdigest(),
        files={
            path: hashlib.sha256((b"x" if file.executable else b"-") + file.content).hexdigest()
            for path, file in stage.files.items()
        },
        resolved=stage.resolved,
        stages={name: node.input_hash for name, node in needs.items()},
        labels=stage.labels,
    )
    return Node(stage=stage, inputs=inputs, input_hash=inputs.digest(), needs=MappingProxyType(needs))


def _hashed_text(stage: Stage) -> str:
    """The text of a stage as it is hashed: of an image without comments.

    Those of other stages count: what is built from them takes minutes to hours, and the engines and stores that have it
    know it by that hash.
    """
    return without_comments(stage.text) if stage.kind is StageKind.IMAGE else stage.text


def changed_inputs(old: Mapping[str, object], new: Inputs) -> tuple[str, ...]:
    """The differences between an image's own input manifest and the wanted one, in words."""
    current = json.loads(new.to_json())
    names = {"text": "Dockerfile", "files": "file", "resolved": "package", "stages": "stage", "labels": "label"}
    changes: list[str] = []
    if new.stage == "base":
        names["text"] = "base recipe"
    for section, word in names.items():
        before, after = old.get(section), current[section]
        if before == after:
            continue
        if not isinstance(before, Mapping) or not isinstance(after, Mapping):
            changes.append(f"{word} changed")
            continue
        for name in sorted({*before, *after}):
            was, now = before.get(name), after.get(name)
            match was, now:
                case None, _:
                    changes.append(f"{word} {name} is new")
                case _, None:
                    changes.append(f"{word} {name} is gone")
                case _ if was != now and section == "resolved":
                    changes.append(f"{word} {name} {was} -> {now}")
                case _ if was != now:
                    changes.append(f"{word} {name} changed")
                case _:
                    continue
    # A changed package list changes the file of checksums too; the packages say it better.
    if any(change.startswith("package ") for change in changes):
        changes = [
            c for c in changes if c not in ("file packages.sha256 changed", "Dockerfile changed", "base recipe changed")
        ]
    return tuple(changes)
