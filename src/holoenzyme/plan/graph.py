"""The build graph: stages with input hashes. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from holoenzyme.render.comments import without_comments
from holoenzyme.render.stages import Stage, StageKind

#: Where stages live in an engine until a proof promotes an image.
NAMESPACE = "holoenzyme/stage"
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
        return f"{NAMESPACE}/{self.stage.name}:{self.input_hash[:TAG_LENGTH]}"

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

    def _packages(self) -> str:
        """The exact versions in all stages below, by stage: what was loaded from a store counts too."""
        found: dict[str, dict[str, str]] = {}
        waiting: list[Node] = [self]
        while waiting:
            node = waiting.pop()
            if node.stage.resolved:
                found[node.stage.name] = dict(node.stage.resolved)
            waiting += node.needs.values()
        return json.dumps(found, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, kw_only=True)
class Graph:
    """The nodes of some cells by key, each after those that it needs, and the key of each cell's image.

    Cells whose images have one content share the node, under the key of the first of them.
    """

    nodes: Mapping[str, Node]
    images: Mapping[str, str]

    def image(self, cell: str) -> Node:
        """The node of a cell's image."""
        return self.nodes[self.images[cell]]

    def below(self, key: str) -> set[str]:
        """The keys of everything that a node needs, directly or not, itself included."""
        found: set[str] = set()
        waiting = [key]
        while waiting:
            current = waiting.pop()
            if current not in found:
                found.add(current)
                waiting += [node.stage.key for node in self.nodes[current].needs.values()]
        return found


class GraphBuilder:
    """Hashes rendered stages; a stage that several cells share is hashed once, and images of one content are one."""

    def __init__(self) -> None:
        #: By the keys of all stages; those of images with one content lead to one node.
        self._nodes: dict[str, Node] = {}
        self._images: dict[str, str] = {}
        self._contents: dict[tuple[str, str, str], Node] = {}

    def add(self, cell: str, stages: Iterable[Stage]) -> None:
        """Add a cell's stages, each after those that it needs; the last is its image."""
        last = ""
        for stage in stages:
            if stage.key not in self._nodes:
                self._nodes[stage.key] = self._node(stage)
            last = self._nodes[stage.key].stage.key
        self._images[cell] = last

    def _node(self, stage: Stage) -> Node:
        needs = {name: self._nodes[key] for name, key in stage.needs.items()}
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
        node = Node(stage=stage, inputs=inputs, input_hash=inputs.digest(), needs=MappingProxyType(needs))
        if stage.kind is not StageKind.IMAGE:
            return node
        # A base's hash is over the names and versions of packages, which two architectures may have alike.
        return self._contents.setdefault((node.input_hash, stage.base, stage.arch), node)

    def graph(self) -> Graph:
        """Everything added so far."""
        nodes = {node.stage.key: node for node in self._nodes.values()}
        return Graph(nodes=MappingProxyType(nodes), images=MappingProxyType(dict(self._images)))


def _hashed_text(stage: Stage) -> str:
    """The text of a stage as it is hashed: of an image without comments.

    Those of other stages count: what is built from them takes minutes to hours, and the engines and stores that have it
    know it by that hash.
    """
    return without_comments(stage.text) if stage.kind is StageKind.IMAGE else stage.text


def changed_inputs(old: Mapping[str, object], new: Inputs) -> tuple[str, ...]:
    """What differs between an image's own input manifest and the wanted one, in words; empty where nothing does."""
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
