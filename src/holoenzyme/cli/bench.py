"""`bench`: measure, print, and write the figures as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from holoenzyme import console
from holoenzyme.bench.build import MeasuredCell, measure_cold, measure_noop, measure_plan, measure_size, measure_store
from holoenzyme.bench.record import write
from holoenzyme.bench.rustc import measure_rustc
from holoenzyme.cli import options
from holoenzyme.errors import ExitCode
from holoenzyme.report.bench_table import Part, tables
from holoenzyme.session import machine_session

OUTPUT = Path("build/bench/build.json")
#: In the order in which they run: saving to a store gives the size too, and what takes longest comes last.
PARTS: dict[str, Callable[[MeasuredCell], Part]] = {
    "plan": measure_plan,
    "noop": measure_noop,
    "store": measure_store,
    "size": measure_size,
    "rustc": measure_rustc,
    "cold": measure_cold,
}
_EPILOG = """
`ordinary` compares two compilers, `gradients` measures gradients; `ordinary --help` and `gradients --help` tell more.
parts of `build`: plan (1,000 cells), noop (a build with nothing to do), size (of the image, compressed and not),
store (from a store to a checked derivative), rustc (the last builds of the patched compiler that `build-image` timed:
from nothing, and after a changed patch; nothing is built), cold (from nothing to a checked derivative; takes minutes
and needs network). The images that are there stay as they are: those that are made for the measurements have names of
their own, and are removed. Figures of parts that are not measured stay in the file.
"""


def run(argv: list[str], root: Path) -> int:
    """`bench build [--only PART ...]`: exit code 0 when everything was measured, whether goals are reached or not.

    `bench ordinary` and `bench gradients` have arguments of their own.
    """
    if argv[:1] == ["ordinary"]:
        from holoenzyme.cli import bench_ordinary

        return bench_ordinary.run(argv[1:], root)
    if argv[:1] == ["gradients"]:
        from holoenzyme.cli import bench_gradients

        return bench_gradients.run(argv[1:], root)
    parser = options.command_parser("bench", "Measure builds, plans and sizes.", epilog=_EPILOG)
    parser.add_argument("what", nargs="?", choices=["build"], default="build", help="what to measure")
    parser.add_argument("--only", action="append", choices=list(PARTS), default=[], help="only this part; repeatable")
    parser.add_argument("--cell", metavar="CELL", help="another cell than the default one")
    options.add_json(parser, "print what is written instead of tables")
    arguments = parser.parse_args(argv)
    session = machine_session(root)
    bench = MeasuredCell(session=session, cell=options.one_cell(session, arguments.cell))
    parts = []
    for name, measure in PARTS.items():
        if name in arguments.only or not arguments.only:
            session.say(f"{name}: measuring")
            parts.append(measure(bench))
            if not arguments.json:
                for table in tables(parts[-1]):
                    console.out().print(table)
    data = write(root / OUTPUT, bench.cell.id, parts)
    if arguments.json:
        print(json.dumps(data, indent=1))
    session.say(f"written: {root / OUTPUT}")
    return ExitCode.OK
