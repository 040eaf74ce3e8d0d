"""`nox -s patches`: whether our patches of rustc apply cleanly, and the burden that they are."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from holoenzyme import console
from holoenzyme.app.planner import plan_cells
from holoenzyme.engine.base import BuildRequest
from holoenzyme.errors import ExitCode, UserError
from holoenzyme.matrix.model import Status
from holoenzyme.matrix.smoke import load_smoke_tests
from holoenzyme.patches import Series, apply_series, read_series
from holoenzyme.plan.graph import Node
from holoenzyme.report.patches_table import as_data, tables
from holoenzyme.session import Session, machine_session

FOLDER = "recipes/rustc/patches"
#: The stage that holds rustc's sources without our patches, and where in it they stand.
SOURCE_STAGE, SOURCE_FOLDER = "rustc-source", "/rustc"
_COPY_TIMEOUT = 600.0
_EPILOG = f"""
The sources are those of the stage `{SOURCE_STAGE}` that the patched images are built from; it must have been built.
Exit code 1 says that something is wrong with the series: a header, a file, or a patch that does not fit exactly.
"""


def run(argv: list[str], root: Path) -> int:
    """`patches [--source DIR] [--json FILE]`: exit code 0 where nothing is wrong, 1 where something is."""
    parser = argparse.ArgumentParser(
        prog="nox -s patches --",
        description="Check the series of patches of rustc, and print what it weighs.",
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    parser.add_argument("--source", metavar="DIR", type=Path, help="rustc's sources, unpacked and without our patches")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write it for machines, too")
    options = parser.parse_args(argv)
    series = read_series(root / FOLDER, smoke_tests(root))
    problems = list(series.problems)
    session = machine_session(root)
    with _sources(session, series, options.source) as (source, name):
        problems += apply_series(series, source, session.runner)
    for table in tables(series):
        console.out().print(table, "")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(as_data(series, problems, name), indent=1) + "\n", encoding="utf-8")
        console.say(f"written: {options.json}")
    for problem in problems:
        print(f"{FOLDER}/{problem}")
    print(f"{len(series.patches)} patches, {len(problems)} problems; applied in order to {name}")
    return ExitCode.FAILED if problems else ExitCode.OK


def smoke_tests(root: Path) -> frozenset[str]:
    """What headers may call the smoke tests: by their names, and by their folders below `smoke_tests/`."""
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


def source_node(session: Session) -> Node:
    """The stage with the sources; raises `UserError` where no cell has it, or where it is not built."""
    cells = [cell for cell in session.project.matrix.all_cells() if cell.status is Status.SUPPORTED]
    found = None
    for cell in cells:
        nodes = plan_cells(session, [cell]).graph.nodes.values()
        for node in nodes:
            if node.stage.name == SOURCE_STAGE:
                found = found or cell.id
                if session.engine.image(node.image) is not None:
                    return node
    raise UserError(
        f"the sources of rustc are not there: stage {SOURCE_STAGE} of {found or 'no cell'} is not built",
        fix=f"run `nox -s build-image -- {found}`, or name unpacked sources with --source DIR",
    )


def copy_sources(session: Session, node: Node, paths: Sequence[str], place: Path) -> Path:
    """Copy those of the files `paths` that the stage has into a folder below `place`, and return it.

    The stage's image holds only files, so a step of a build copies them out.
    """
    context, result = place / "context", place / "result"
    context.mkdir()
    (context / "paths").write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
    (context / "Dockerfile").write_text(
        f"""FROM {node.needs["base"].image} AS pick
COPY paths /paths
RUN --mount=type=bind,from={node.image},source={SOURCE_FOLDER},target=/source \\
    mkdir /picked; cd /source; \\
    while read -r path; do if [ -f "$path" ]; then cp --parents "$path" /picked; fi; done < /paths
FROM scratch
COPY --from=pick /picked /
""",
        encoding="utf-8",
    )
    request = BuildRequest(context=context, labels={}, secrets=(), timeout=_COPY_TIMEOUT, output=result)
    session.engine.build(request, on_line=lambda line: None, log_file=place / "copy.log")
    return result
