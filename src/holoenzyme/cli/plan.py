"""`plan`: the action of a build for each stage, and its reason, without doing any of it."""

from __future__ import annotations

import json
from pathlib import Path

from holoenzyme import console
from holoenzyme.build.planner import plan_cells
from holoenzyme.cli import options
from holoenzyme.errors import ExitCode
from holoenzyme.matrix.select import select_ready
from holoenzyme.plan.decide import BaseSource
from holoenzyme.report.plan_table import plan_json, plan_table
from holoenzyme.session import machine_session


def run(argv: list[str], root: Path) -> int:
    """`plan [CELL ...]`: print each stage with reuse, load, pull, build or skip, and the reason."""
    parser = options.command_parser("plan", "What a build would do for each stage, and why.")
    options.add_cells(parser)
    options.add_stores(parser, "also look in this store")
    options.add_base(parser, "how a base would be made")
    parser.add_argument("--no-cache", action="store_true", help="as if every stage were to be built anew")
    options.add_json(parser, "the same for machines")
    arguments = parser.parse_args(argv)
    session = machine_session(root, stores=arguments.store, base_source=BaseSource(arguments.base))
    cells = select_ready(session.project.matrix, arguments.cells, session.say)
    resolved = plan_cells(session, cells, rebuild=arguments.no_cache)
    if arguments.json:
        print(json.dumps(plan_json(resolved.plan), indent=1))
    else:
        console.out().print(plan_table(resolved.plan))
    return ExitCode.OK
