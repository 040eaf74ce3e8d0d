"""`build-image`: load, pull or build a cell's image, prove it, and only then give it its name."""

from __future__ import annotations

import time
from pathlib import Path

from holoenzyme.cli import options
from holoenzyme.engine.base import BuildFailed
from holoenzyme.errors import ExitCode
from holoenzyme.matrix.select import select_ready
from holoenzyme.plan.decide import BaseSource
from holoenzyme.prove.images import ProvedCell, build_cells
from holoenzyme.session import machine_session


def run(argv: list[str], root: Path) -> int:
    """`build-image [CELL ...]`: exit code 0 when every cell's image is proved and has its name."""
    arguments = _parser().parse_args(argv)
    session = machine_session(root, stores=arguments.store, base_source=BaseSource(arguments.base))
    start = time.monotonic()
    try:
        cells = select_ready(session.project.matrix, arguments.cells, session.say)
        built = build_cells(session, cells, rebuild=arguments.no_cache, prove_again=arguments.prove)
    except BuildFailed as error:
        if arguments.shell:
            from holoenzyme.build.shell import open_shell

            session.say(str(error))
            open_shell(session, error)
        raise
    for item in built:
        session.say(_summary(item))
        print(item.name)
    if arguments.save:
        from holoenzyme.build.stored import save

        save(session, [item.node for item in built], Path(arguments.save))
    session.say(f"done in {time.monotonic() - start:.1f} s")
    return ExitCode.OK


def _parser() -> options.Parser:
    parser = options.command_parser("build-image", "Load, pull or build images, and prove them.")
    options.add_cells(parser)
    options.add_stores(parser)
    parser.add_argument("--save", metavar="DIR", help="write what the image is made of to this store")
    options.add_base(parser)
    parser.add_argument("--no-cache", action="store_true", help="build every stage anew, without any cache")
    parser.add_argument("--prove", action="store_true", help="prove again, even where a record proves the image")
    parser.add_argument("--shell", action="store_true", help="when a step fails, open a shell in the state before it")
    return parser


def _summary(built: ProvedCell) -> str:
    lines = []
    if built.record is None:
        lines.append(f"{built.cell.id}: proved already")
    else:
        right = sum(comparison.ok for comparison in built.record.comparisons)
        lines.append(
            f"{built.cell.id}: proved in {built.record.duration:.1f} s: {right} of {len(built.record.comparisons)} "
            "numbers agree with closed forms and central differences"
        )
        worst = max(built.record.comparisons, key=lambda c: c.error / c.tolerance if c.tolerance else 0.0, default=None)
        if worst is not None:
            lines.append(
                f"  nearest to its tolerance: {worst.case} {worst.mode} {worst.quantity}: {worst.got:.12g}, expected "
                f"{worst.expected:.12g} ({worst.rule}: error {worst.error:.1e}, allowed {worst.tolerance:.1e})"
            )
    lines.append(f"  record: {built.record_path}")
    return "\n".join(lines)
