"""`clean`: free the project's images, files and caches, and nothing else; without `--yes` only list them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from holoenzyme import console
from holoenzyme.cli import options
from holoenzyme.errors import ExitCode
from holoenzyme.machine.clean import Options, as_data, current_hashes, no_build, remove, survey, tidy
from holoenzyme.machine.leftovers import Item, Kind
from holoenzyme.session import machine_session

if TYPE_CHECKING:
    from rich.table import Table

_EPILOG = """
It leaves alone: stores (they are folders of yours: remove them yourself), the checkout with .venv and build/, images
that others built upon ours, and names that others gave to ours. Images belong to the engine: what another checkout on
this machine has built goes too.
"""


def run(argv: list[str], root: Path) -> int:
    """`clean [--yes]`: exit code 0 when everything was listed, or removed but for what is in use."""
    parser = options.command_parser(
        "clean", "Say what the project has left on this machine, or free it.", epilog=_EPILOG
    )
    parser.add_argument("--yes", action="store_true", help="free it; otherwise it is only listed")
    parser.add_argument("--superseded", action="store_true", help="only images and contexts that no cell uses any more")
    parser.add_argument("--evidence", action="store_true", help="also the records of proofs and tests")
    parser.add_argument("--build-cache", action="store_true", help="also all of BuildKit's cache, other projects' too")
    options.add_json(parser, "the list for machines")
    arguments = vars(parser.parse_args(argv))
    as_json = arguments.pop("json")
    wanted = Options(**arguments)
    session = machine_session(root, stores=None)
    engine, state = session.engine, session.state
    current = current_hashes(session) if wanted.superseded else None
    if not wanted.yes:
        items = survey(engine, state, wanted, current)
        _show(items, wanted, as_json=as_json)
        return ExitCode.OK
    with no_build(state):
        before = engine.usage().layers
        items = survey(engine, state, wanted, current)
        removed = remove(engine, items, session.say)
        tidy(state)
    _show(items, wanted, as_json=as_json)
    layers = before - engine.usage().layers
    left = f"; {removed.stayed} in use" if removed.stayed else ""
    session.say(f"removed {removed.count} things, {_mb(removed.size + max(layers, 0))}{left}")
    return ExitCode.OK


def _show(items: list[Item], wanted: Options, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(as_data(items, freed=wanted.yes), indent=1))
        return
    if items:
        console.out().print(_table(items))
    if wanted.yes:
        return
    going = [item for item in items if item.stays is None]
    layers = sum(item.size for item in going if item.kind is Kind.IMAGE)
    rest = sum(item.size for item in going if item.kind is not Kind.IMAGE)
    print(f"{len(going)} things could be freed: {_mb(rest)}, and at most {_mb(layers)} of images")
    if layers:
        print("(each image is counted with all its layers, and images share layers: what is freed is less)")
    print("nothing was removed; --yes removes it")


def _table(items: list[Item]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("what", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("name")
    table.add_column("stays, because")
    for item in items:
        table.add_row(item.kind.value, _mb(item.size), item.name, item.stays or "", style="dim" if item.stays else "")
    return table


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
