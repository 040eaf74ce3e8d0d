"""`bench gradients`: the cost of gradients beside their functions, in time and memory, and beside the same in C."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holoenzyme import console
from holoenzyme.bench.containers import ContainerRunner
from holoenzyme.bench.gradients import FOLDER, Workbench, chosen, compile_c, measure, read_record
from holoenzyme.build.images import make_images
from holoenzyme.cli import options
from holoenzyme.errors import ExitCode
from holoenzyme.evidence.judge.outcome import Outcome
from holoenzyme.process import SubprocessRunner
from holoenzyme.report.gradients_table import (
    against_c,
    change_table,
    cost_table,
)
from holoenzyme.session import machine_session

OUTPUT = Path("build/bench/gradients.json")

_EPILOG = """
Everything runs in containers of an image that has clang and opt beside the cell's compiler; with --here, with the
`cargo autodiff` of this machine's PATH. Each program is a binary of its own and checks its gradient against central
differences before it is timed: a wrong gradient is an error, and no figure. The noise of a figure is how much it
differs between runs.
"""


def run(argv: list[str], root: Path) -> int:
    """`bench gradients [CELL]`: 0 when every gradient was right, 1 when one was not, however long they took."""
    asked = _parse(argv)
    before = read_record(asked.against) if asked.against else None
    names = chosen(root / FOLDER, asked.only)
    with _workbench(root, asked.cell, here=asked.here) as workbench:
        in_c = not asked.no_c and compile_c(workbench)
        record = measure(workbench, names, asked.runs, asked.seconds, console.say, in_c=in_c)
    path = asked.output or root / OUTPUT
    path.parent.mkdir(parents=True, exist_ok=True)
    text = record.model_dump_json(by_alias=True, indent=1) + "\n"
    path.write_text(text, encoding="utf-8")
    if asked.json:
        print(text, end="")
    else:
        for table in (cost_table(record), against_c(record), change_table(before, record) if before else None):
            if table is not None:
                console.out().print(table, "")
    failed = [one for one in record.measured if one.outcome is not Outcome.PASS]
    for one in failed:
        console.say(f"{one.program}, {one.language}: {one.outcome}: {one.message}")
    console.say(f"written: {path}")
    return ExitCode.FAILED if failed else ExitCode.OK


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = options.command_parser(
        "bench gradients",
        "Measure gradients beside their functions, in Rust and in C.",
        epilog=_EPILOG,
    )
    parser.add_argument("cell", nargs="?", metavar="CELL", help="another cell than the default one")
    parser.add_argument("--here", action="store_true", help="with the compilers of this machine, in no container")
    parser.add_argument("--against", metavar="FILE", type=Path, help="compare with the record of an earlier run")
    parser.add_argument("--only", metavar="PROGRAM", action="append", default=[], help="only this one; repeatable")
    parser.add_argument("--runs", type=int, default=3, help="runs of each program (3)")
    parser.add_argument("--seconds", type=float, default=1.0, help="seconds of each run of a version (1)")
    parser.add_argument("--no-c", action="store_true", help="without the programs in C")
    parser.add_argument("--output", metavar="FILE", type=Path, help=f"another file than {OUTPUT}")
    options.add_json(parser, "print what is written instead of tables")
    asked = parser.parse_args(argv)
    if asked.runs < 1 or asked.seconds <= 0:
        parser.error("--runs and --seconds: from 1 up, and more than 0")
    if asked.here and asked.cell:
        parser.error("--here: without a cell")
    return asked


@contextmanager
def _workbench(root: Path, cell_name: str | None, *, here: bool) -> Iterator[Workbench]:
    source = (root / FOLDER).absolute()
    with tempfile.TemporaryDirectory(prefix="holoenzyme-gradients-") as name:
        folder = Path(name)
        if here:
            yield Workbench(name="this machine", runner=SubprocessRunner(), source=source, folder=folder)
            return
        session = machine_session(root, image="gradients")
        cell = options.one_cell(session, cell_name)
        resolved, _ = make_images(session, (cell,))
        image = resolved.graph.images[0].image
        (folder / "cargo").mkdir()
        runner = ContainerRunner(session=session, image=image, folder=folder, shown=(source,))
        yield Workbench(name=cell.id, runner=runner, source=source, folder=folder)
