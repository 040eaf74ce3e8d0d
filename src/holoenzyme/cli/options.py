"""The factory of the commands' parsers: the program's name, and the options that several commands share."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from holoenzyme.errors import UserError

if TYPE_CHECKING:
    from holoenzyme.matrix.model import Cell
    from holoenzyme.session import Session

Parser = argparse.ArgumentParser


def command_parser(command: str, description: str, *, epilog: str | None = None, as_written: bool = False) -> Parser:
    """The parser of a command, under the name that users type: `bench gradients` is `nox -s bench -- gradients`.

    The lines of an epilog that is `as_written` are not filled anew.
    """
    session, _, rest = command.partition(" ")
    return argparse.ArgumentParser(
        prog=f"nox -s {session} -- {rest}".rstrip(),
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter if as_written else argparse.HelpFormatter,
    )


def add_cells(parser: Parser) -> None:
    """`[CELL ...]`: the cells that are meant."""
    parser.add_argument("cells", nargs="*", metavar="CELL", help="ids or patterns; without one the default cell")


def add_stores(parser: Parser, text: str = "load stages from this store") -> None:
    """`--store DIR`, as often as wanted."""
    parser.add_argument("--store", action="append", default=[], metavar="DIR", help=text)


def add_base(parser: Parser, text: str = "how a base is made") -> None:
    """`--base SOURCE`: a value of `BaseSource`."""
    # Commands that make no base need not wait for what it takes to plan.
    from holoenzyme.plan.decide import BaseSource

    choices = [source.value for source in BaseSource]
    parser.add_argument("--base", choices=choices, default=BaseSource.AUTO.value, help=text)


def add_json(parser: Parser, text: str) -> None:
    """`--json`: for machines instead of people."""
    parser.add_argument("--json", action="store_true", help=text)


def one_cell(session: Session, name: str | None) -> Cell:
    """The cell of this name, or the default one; raises `UserError` for a pattern that names several."""
    from holoenzyme.matrix.select import select_ready

    cells = select_ready(session.project.matrix, [name] if name else [], session.say)
    if len(cells) != 1:
        raise UserError(f"{name!r} names {len(cells)} cells", fix="name one cell")
    return cells[0]
