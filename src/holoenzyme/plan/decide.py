"""The action for each stage, and its reason: reuse, load, pull, build, or nothing. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from holoenzyme.plan.graph import Graph, Node, changed_inputs
from holoenzyme.render.stages import StageKind


class BaseSource(StrEnum):
    """Where a base comes from; `auto` tries the registry first, where a digest is locked."""

    AUTO = "auto"
    PULL = "pull"
    BOOTSTRAP = "bootstrap"


class Action(StrEnum):
    """`skip`: nothing that needs the stage is built, so neither is it. `pull` is for bases alone."""

    REUSE = "reuse"
    LOAD = "load"
    PULL = "pull"
    BUILD = "build"
    SKIP = "skip"


@dataclass(frozen=True, kw_only=True)
class Existing:
    """An image of a stage that the local engine has. `inputs` is its own manifest; `created` sorts them by age.

    An image that a build left without a tag does not count: it may be of a build that was killed.
    """

    key: str
    stage: str
    input_hash: str
    inputs: str
    created: float
    tags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """The input hashes that exist: in the local engine, and in stores (stage and hash → the store's name)."""

    local: Sequence[Existing] = ()
    stored: Mapping[tuple[str, str], str] | None = None

    def has(self, node: Node) -> bool:
        """Whether the local engine has the node's image."""
        # Tags are short; the label holds the whole hash.
        named = self._by_tag.get(node.image)
        return named is not None and named.input_hash == node.input_hash

    def store_of(self, node: Node) -> str | None:
        """The first store that has it."""
        return (self.stored or {}).get((node.stage.name, node.input_hash))

    def latest(self, key: str) -> Existing | None:
        """The newest local image of the stage with this key, one with a name where there is one."""
        return self._newest.get(key)

    @cached_property
    def _by_tag(self) -> Mapping[str, Existing]:
        return {tag: item for item in self.local for tag in item.tags}

    @cached_property
    def _newest(self) -> Mapping[str, Existing]:
        # What has lost its name counts only where nothing else is left.
        return {item.key: item for item in sorted(self.local, key=lambda item: (bool(item.tags), item.created))}


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The action for one stage. `because` is for people; `changes` names the inputs that differ."""

    node: Node
    action: Action
    because: str
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A decision for each stage, each after the stages that it needs."""

    decisions: tuple[Decision, ...]

    def of(self, key: str) -> Decision:
        """The decision for the stage of this key."""
        return next(decision for decision in self.decisions if decision.node.stage.key == key)

    @property
    def builds(self) -> tuple[Decision, ...]:
        """The decisions to build or to pull."""
        return tuple(d for d in self.decisions if d.action in (Action.BUILD, Action.PULL))

    @property
    def complete(self) -> bool:
        """Whether everything needed exists, here or in a store."""
        return not self.builds


def decide(
    graph: Graph, inventory: Inventory, *, rebuild: bool = False, base_source: BaseSource = BaseSource.AUTO
) -> Plan:
    """Decide for each stage from the images down: what exists is reused or loaded, and what only it needs is skipped.

    `rebuild` builds everything but bases anew, whatever exists. With `BaseSource.PULL` a base that is not here is
    pulled; otherwise it is made the way that works.
    """
    wanted = {node.stage.key for node in graph.images}
    decisions: dict[str, Decision] = {}
    # Nodes stand after what they need, so backwards every node comes after all that need it.
    for key in reversed(list(graph.nodes)):
        node = graph.nodes[key]
        decision = _decide(node, inventory, rebuild=rebuild, base_source=base_source) if key in wanted else None
        if decision is None:
            decision = Decision(node=node, action=Action.SKIP, because="nothing that needs it is built")
        elif decision.action in (Action.BUILD, Action.PULL):
            wanted |= {need.stage.key for need in node.needs.values()}
        decisions[key] = decision
    return Plan(decisions=tuple(decisions[key] for key in graph.nodes))


def _decide(node: Node, inventory: Inventory, *, rebuild: bool, base_source: BaseSource) -> Decision:
    is_base = node.stage.kind is StageKind.BASE
    if not rebuild or is_base:
        if inventory.has(node):
            return Decision(node=node, action=Action.REUSE, because="the engine has it")
        store = inventory.store_of(node)
        if store is not None:
            return Decision(node=node, action=Action.LOAD, because=f"store {store} has it")
    if rebuild and not is_base:
        return Decision(node=node, action=Action.BUILD, because="asked to build anew")
    action = Action.PULL if is_base and base_source is BaseSource.PULL else Action.BUILD
    latest = inventory.latest(node.stage.key)
    if latest is None:
        return Decision(node=node, action=action, because="never built here")
    manifest = _manifest(latest.inputs)
    changes = changed_inputs(manifest, node.inputs) if manifest else ("its list of inputs cannot be read",)
    because = "since the last build: " + ("; ".join(changes) if changes else "its image was damaged or removed")
    return Decision(node=node, action=action, because=because, changes=changes)


def _manifest(text: str) -> Mapping[str, object] | None:
    """An image's manifest of inputs; none where its label was not written by us."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError:
        return None
    return data if isinstance(data, dict) else None
