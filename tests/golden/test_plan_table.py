"""The plan as a person and as a machine gets it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest
from rich.console import Console
from tests.small_project import graph_of, locked, write_project

from holoenzyme.plan.decide import Existing, Inventory, Plan, decide
from holoenzyme.report.plan_table import plan_json, plan_table
from holoenzyme.session import Project

Golden = Callable[[str, str], None]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """A plan with every action but a pull: rustc's packages have changed, enzyme is in a store."""
    project = Project(write_project(tmp_path_factory.mktemp("project")))
    before, after = graph_of(project), graph_of(project, locked(rustc_web="1.96.0-2"))
    local = [
        Existing(
            key=node.stage.key,
            stage=node.stage.name,
            input_hash=node.input_hash,
            inputs=node.inputs.to_json(),
            created=1.0,
            tags=(node.image,),
        )
        for node in before.nodes.values()
        if node.stage.name not in ("enzyme", "packages-llvm")
    ]
    (enzyme,) = (node for node in after.nodes.values() if node.stage.name == "enzyme")
    return decide(after, Inventory(local=local, stored={("enzyme", enzyme.input_hash): "/srv/store"}))


def test_a_table(plan: Plan, golden: Golden) -> None:
    out = io.StringIO()
    Console(file=out, width=160).print(plan_table(plan))
    golden("table", "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n")


def test_json(plan: Plan, golden: Golden) -> None:
    golden("json", json.dumps(plan_json(plan), indent=1) + "\n")


def test_a_narrow_terminal_keeps_names_and_actions_whole(plan: Plan) -> None:
    out = io.StringIO()
    Console(file=out, width=100).print(plan_table(plan))
    for decision in plan.decisions:
        assert decision.node.stage.key in out.getvalue()
        assert decision.node.input_hash[:16] in out.getvalue()
