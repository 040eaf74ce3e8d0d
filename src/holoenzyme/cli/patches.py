"""`patches`: whether our patches of rustc apply cleanly, and the burden that they are."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holoenzyme import console
from holoenzyme.build.sources import SOURCE_STAGE, copy_sources, source_node
from holoenzyme.cli import options
from holoenzyme.errors import ExitCode, UserError
from holoenzyme.matrix.smoke import load_smoke_tests
from holoenzyme.patches import Series, apply_series, read_series
from holoenzyme.report.patches_table import as_data, tables
from holoenzyme.session import Session, machine_session

FOLDER = "recipes/rustc/patches"

_EPILOG = f"""
The sources are those of the stage `{SOURCE_STAGE}` that the patched images are built from; it must have been built.
Exit code 1 says that something is wrong with the series: a header, a file, or a patch that does not fit exactly.
"""


def run(argv: list[str], root: Path) -> int:
    """`patches [--source DIR] [--json FILE]`: exit code 0 where nothing is wrong, 1 where something is."""
    parser = options.command_parser(
        "patches",
        "Check the series of patches of rustc, and print what it weighs.",
        epilog=_EPILOG,
    )
    parser.add_argument("--source", metavar="DIR", type=Path, help="rustc's sources, unpacked and without our patches")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write it for machines, too")
    asked = parser.parse_args(argv)
    series = read_series(root / FOLDER, smoke_tests(root))
    problems = list(series.problems)
    session = machine_session(root)
    with _sources(session, series, asked.source) as (source, name):
        problems += apply_series(series, source, session.runner)
    for table in tables(series):
        console.out().print(table, "")
    if asked.json:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps(as_data(series, problems, name), indent=1) + "\n", encoding="utf-8")
        console.say(f"written: {asked.json}")
    for problem in problems:
        print(f"{FOLDER}/{problem}")
    print(f"{len(series.patches)} patches, {len(problems)} problems; applied in order to {name}")
    return ExitCode.FAILED if problems else ExitCode.OK


def smoke_tests(root: Path) -> frozenset[str]:
    """The names that headers may give smoke tests: their own, and their folders below `smoke_tests/`."""
    tests = load_smoke_tests(root)
    folders = {str(test.folder.relative_to(root / "smoke_tests")) for test in tests}
    return frozenset({test.rule.name for test in tests} | folders)


@contextmanager
def _sources(session: Session, series: Series, folder: Path | None) -> Iterator[tuple[Path, str]]:
    """A folder with rustc's sources, or with those of its files that the series touches; and what to call it."""
    if folder is not None:
        if not (folder / "compiler").is_dir():
            raise UserError(
                f"{folder} does not hold rustc's sources",
                why="it has no folder `compiler`",
                fix="unpack the package rust-web-src and name its folder usr/src/rustc-VERSION",
            )
        yield folder, folder.name
        return
    node = source_node(session)
    paths = sorted({change.path for patch in series.patches for change in patch.changes})
    with tempfile.TemporaryDirectory(prefix="holoenzyme-sources-") as place:
        yield copy_sources(session, node, paths, Path(place)), node.image
