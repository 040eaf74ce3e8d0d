"""`nox -s matrix`: the cells, the axes, and the constraints with their reasons."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from holoenzyme.cli import options
from holoenzyme.console import out, say
from holoenzyme.errors import ExitCode
from holoenzyme.matrix.explain import explain
from holoenzyme.matrix.model import load_matrix
from holoenzyme.matrix.schema import SCHEMA_PATH, json_schema
from holoenzyme.matrix.select import select_points
from holoenzyme.report.matrix_table import cells_json, explanation_json, explanation_text, listing


def _parser() -> options.Parser:
    parser = options.command_parser(
        "matrix",
        "Print the cells of matrix.yaml, what is excluded, and why.",
        epilog="A cell is channel-rust-target[-base][-arch], without the base and architecture that are the defaults.",
    )
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help="only these cells: ids or patterns")
    parser.add_argument(
        "--explain", metavar="CELL", help="print every rule that decides about one cell, excluded or not"
    )
    options.add_json(parser, "print for machines: all points, or the explanation")
    parser.add_argument("--schema", action="store_true", help=f"write the JSON schema of matrix.yaml to {SCHEMA_PATH}")
    return parser


def run(argv: list[str], root: Path) -> int:
    """Do what `argv` says with the matrix of the project folder `root`; results go to stdout.

    Raises `UserError` for what is wrong in matrix.yaml, and for cells that are not there.
    """
    parser = _parser()
    asked = parser.parse_args(argv)
    if asked.schema and (asked.explain or asked.json or asked.patterns):
        parser.error("--schema goes with nothing else")
    if asked.explain and asked.patterns:
        parser.error("--explain takes one cell, and goes with no patterns")
    if asked.schema:
        _write_schema(root / SCHEMA_PATH)
        return ExitCode.OK
    matrix = load_matrix(root / "matrix.yaml")
    today = date.today()
    if asked.explain:
        explanation = explain(matrix, asked.explain)
        print(explanation_json(explanation) if asked.json else explanation_text(explanation, today))
        return ExitCode.OK
    points = select_points(matrix, asked.patterns) if asked.patterns else matrix.points()
    if asked.json:
        print(cells_json(points))
        return ExitCode.OK
    for part in listing(matrix, points, today):
        out().print(part, soft_wrap=isinstance(part, str))
    return ExitCode.OK


def _write_schema(path: Path) -> None:
    text = json_schema()
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        say(f"{SCHEMA_PATH} is up to date")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    say(f"wrote {SCHEMA_PATH}")
