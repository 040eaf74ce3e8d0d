"""`render`: write the build contexts of cells, with a script that builds the same images without us."""

from __future__ import annotations

from pathlib import Path

from holoenzyme import console
from holoenzyme.build.contexts import render_cells
from holoenzyme.cli import options
from holoenzyme.errors import ExitCode
from holoenzyme.matrix.select import select_ready
from holoenzyme.session import Project


def run(argv: list[str], root: Path) -> int:
    """`render [CELL ...]`: write contexts below `--out`, one folder a cell."""
    parser = options.command_parser("render", "Write build contexts and a script of plain builds.")
    options.add_cells(parser)
    parser.add_argument("--out", default="build/render", metavar="DIR", help="where to write (default: build/render)")
    arguments = parser.parse_args(argv)
    project = Project(root)
    out = Path(arguments.out) if Path(arguments.out).is_absolute() else root / arguments.out
    cells = select_ready(project.matrix, arguments.cells, console.say)
    for folder in render_cells(project, cells, out):
        console.say(f"written; build it by hand with: sh {folder / 'build.sh'}")
        print(folder)
    return ExitCode.OK
