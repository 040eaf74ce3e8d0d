"""`bench ordinary`: the patched compiler against one without our patches, for users who set none of our flags."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holoenzyme import console
from holoenzyme.bench.containers import built_compilers
from holoenzyme.bench.ordinary.compare import Likeness
from holoenzyme.bench.ordinary.compile import (
    need_valgrind,
    read_crates,
    side_by_side,
)
from holoenzyme.bench.ordinary.measure import FOLDER, as_data, chosen, measure, read_compilers
from holoenzyme.cli import options
from holoenzyme.errors import ExitCode
from holoenzyme.process import Runner, SubprocessRunner
from holoenzyme.report.ordinary_table import tables
from holoenzyme.session import machine_session

OUTPUT = Path("build/bench/ordinary.json")

_EPILOG = """
The compilers are built where they are not there yet: the one without our patches takes as long as the patched one did
from nothing. Each uses its own std. Comparing takes a minute or two; counting runs each compile under callgrind, a
minute and more for each run of each compiler. All of it runs in containers, but for compilers of yours, which are named
with --base and --patched, say the same version, and run on this machine: it needs cargo then, and valgrind.
"""


def run(argv: list[str], root: Path) -> int:
    """`bench ordinary`: exit code 0 when everything was measured, whatever was found."""
    parser = options.command_parser(
        "bench ordinary",
        "Compile ordinary crates with two compilers, compare what comes out, and count instructions.",
        epilog=_EPILOG,
    )
    parser.add_argument("--base", metavar="DIR", type=Path, help="sysroot without our other patches")
    parser.add_argument("--patched", metavar="DIR", type=Path, help="sysroot with all patches")
    parser.add_argument("--only", metavar="CRATE", action="append", default=[], help="only this crate; repeatable")
    parser.add_argument("--runs", type=int, default=3, help="compiles that are counted, of each; 0 counts none")
    options.add_json(parser, "print what is written instead of tables")
    asked = parser.parse_args(argv)
    if asked.runs < 0:
        parser.error("--runs: a number from 0 up")
    if (asked.base is None) != (asked.patched is None):
        parser.error("--base and --patched: both, or none")
    with _compilers(root, asked.base, asked.patched) as (runner, base, patched, folder):
        if asked.runs:
            need_valgrind(runner)
        compilers = read_compilers(runner, base, patched)
        crates = chosen(read_crates(runner, root / FOLDER, compilers[0]), asked.only)
        placed = side_by_side(compilers, folder)
        findings = measure(runner, placed, crates, asked.runs, folder, console.say)
    data = as_data(compilers, crates, findings, complete=not asked.only and asked.runs > 0)
    path = root / OUTPUT
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    if asked.json:
        print(json.dumps(data, indent=1))
    else:
        for table in tables(findings.outputs, findings.counts):
            console.out().print(table, "")
        for output in findings.outputs:
            if output["verdict"] is Likeness.DIFFERS:
                print(f"{output['crate']}, {output['configuration']}, {output['kind']} differs:")
                print("\n".join(f"  {line[:200]}" for line in output["difference"]))
    console.say(f"written: {path}")
    return ExitCode.OK


@contextmanager
def _compilers(root: Path, base: Path | None, patched: Path | None) -> Iterator[tuple[Runner, Path, Path, Path]]:
    """The runner of the compilers, their sysroots, and an empty folder on the disk that they stand on."""
    if base is None or patched is None:
        with built_compilers(machine_session(root), root / FOLDER) as (runner, base, patched):
            folder = runner.folder / "work"
            folder.mkdir()
            yield runner, base, patched, folder
        return
    with tempfile.TemporaryDirectory(prefix="holoenzyme-ordinary-") as name:
        yield SubprocessRunner(), base, patched, Path(name)
