"""A plan for people and for machines."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from holoenzyme.plan.decide import Action, Plan

_STYLES = {
    Action.REUSE: "green",
    Action.LOAD: "cyan",
    Action.PULL: "cyan",
    Action.BUILD: "yellow",
    Action.SKIP: "dim",
}


def plan_table(plan: Plan) -> Table:
    """A row for each stage, in the order of a build."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("stage", "input hash", "action"):
        table.add_column(column, no_wrap=True)
    table.add_column("why")
    for decision in plan.decisions:
        node = decision.node
        action = Text(decision.action.value, style=_STYLES[decision.action])
        table.add_row(node.stage.key, node.input_hash[:16], action, decision.because)
    return table


def plan_json(plan: Plan) -> list[dict[str, object]]:
    """A list of objects: `stage`, `key`, `input_hash`, `image`, `action`, `because`, `changes`, `needs`."""
    return [
        {
            "stage": decision.node.stage.name,
            "key": decision.node.stage.key,
            "input_hash": decision.node.input_hash,
            "image": decision.node.image,
            "action": decision.action.value,
            "because": decision.because,
            "changes": list(decision.changes),
            "needs": {name: node.input_hash for name, node in decision.node.needs.items()},
        }
        for decision in plan.decisions
    ]
