"""`patches`: whether our patches of rustc apply cleanly, and the burden that they are."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from holoenzyme import console
from holoenzyme.build.sources import SOURCE_STAGE, copy_sources, source_node
from holoenzyme.cli import options
from holoenzyme.errors import ExitCode, UserError
from holoenzyme.matrix.smoke import load_smoke_tests
from holoenzyme.patches import Series, apply_series, read_all
from holoenzyme.report.patches_table import as_data, side_by_side, tables
from holoenzyme.session import Session, machine_session

FOLDER = "recipes/rustc/patches"
#: In rustc's sources: their version.
_VERSION = "src/version"

_EPILOG = f"""
There is a series for each version of Rust. The sources of a version are those of the stage `{SOURCE_STAGE}` that its
patched images are built from, which must have been built; a version that no cell builds needs --source.
Exit code 1 says that something is wrong with a series: a header, a file, or a patch that does not fit exactly.
"""


def run(argv: list[str], root: Path) -> int:
    """`patches [--source DIR ...] [--json FILE]`: exit code 0 where nothing is wrong, 1 where something is."""
    parser = options.command_parser(
        "patches",
        "Check each series of patches of rustc, and print what it weighs.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "--source",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        help="rustc's sources, unpacked and without our patches; for several versions it is given several times",
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write it for machines, too")
    asked = parser.parse_args(argv)
    all_series = read_all(root / FOLDER, smoke_tests(root))
    given = _given(asked.source, all_series)
    session = machine_session(root)
    problems: dict[str, list[str]] = {}
    names: dict[str, str | None] = {}
    for version, series in all_series.items():
        with _sources(session, version, series, given) as (source, name):
            found = [*series.problems, *(apply_series(series, source, session.runner) if source else ())]
        problems[version], names[version] = found, name
        print(f"Rust {version}:")
        for table in tables(series):
            console.out().print(table, "")
    if len(all_series) > 1:
        console.out().print(side_by_side(all_series), "")
    if asked.json:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps(as_data(all_series, problems, names), indent=1) + "\n", encoding="utf-8")
        console.say(f"written: {asked.json}")
    for version, series in all_series.items():
        for problem in problems[version]:
            print(f"{FOLDER}/{version}/{problem}")
        applied = f"applied in order to {names[version]}" if names[version] else "not applied: no cell builds it"
        print(f"Rust {version}: {len(series.patches)} patches, {len(problems[version])} problems; {applied}")
    return ExitCode.FAILED if any(problems.values()) else ExitCode.OK


def smoke_tests(root: Path) -> frozenset[str]:
    """The names that headers may give smoke tests: their own, and their folders below `smoke_tests/`."""
    tests = load_smoke_tests(root)
    folders = {str(test.folder.relative_to(root / "smoke_tests")) for test in tests}
    return frozenset({test.rule.name for test in tests} | folders)


def _given(folders: Sequence[Path], versions: Collection[str]) -> dict[str, Path]:
    """The folders with sources that were named, by the version of Rust that they say they are."""
    found: dict[str, Path] = {}
    for folder in folders:
        try:
            release = (folder / _VERSION).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise UserError(
                f"{folder} does not hold rustc's sources",
                why=f"{_VERSION} cannot be read: {error.strerror}",
                fix="unpack the distribution's package of them and name its folder usr/src/rustc-VERSION",
            ) from error
        version = ".".join(release.split(".")[:2])
        if version not in versions or version in found:
            why = f"{found[version]} is it too" if version in found else f"there are series for {', '.join(versions)}"
            raise UserError(f"{folder} is Rust {release}, and is not needed", why=why, fix="leave it out")
        found[version] = folder
    return found


@contextmanager
def _sources(
    session: Session, version: str, series: Series, given: Mapping[str, Path]
) -> Iterator[tuple[Path | None, str | None]]:
    """A folder with rustc's sources, or with those of its files that the series touches; and what to call it.

    Nothing where no folder was given and no cell builds that version.
    """
    if folder := given.get(version):
        yield folder, folder.name
        return
    node = source_node(session, version)
    if node is None:
        yield None, None
        return
    paths = sorted({change.path for patch in series.patches for change in patch.changes})
    with tempfile.TemporaryDirectory(prefix="holoenzyme-sources-") as place:
        yield copy_sources(session, node, paths, Path(place)), node.image
