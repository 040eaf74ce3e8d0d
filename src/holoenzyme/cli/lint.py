"""`lint`: every linter, one line each with its time; all run, even when one fails."""

from __future__ import annotations

from pathlib import Path

from holoenzyme.cli import options
from holoenzyme.errors import UserError
from holoenzyme.lint.linters import LINTERS, Linter, lint, mend
from holoenzyme.process import SubprocessRunner


def run(argv: list[str], root: Path) -> int:
    """The command `lint [--fix] [LINTER ...]`."""
    listing = "\n".join(f"  {linter.name:<10}  {linter.summary}" for linter in LINTERS)
    parser = options.command_parser(
        "lint",
        "Run the linters; all of them, or those named.",
        epilog=f"linters:\n{listing}",
        as_written=True,
    )
    parser.add_argument("linters", metavar="LINTER", nargs="*", help="one of those below")
    parser.add_argument(
        "--fix", action="store_true", help="first let ruff mend what it can, layout too, and write docs anew"
    )
    asked = parser.parse_args(argv)
    linters = _chosen(asked.linters)
    runner = SubprocessRunner()
    if asked.fix:
        mend(root, runner)
        if any(linter.name == "docs" for linter in linters):
            from holoenzyme.lint.pages import write

            write(root)
    return lint(root, runner, linters)


def _chosen(names: list[str]) -> tuple[Linter, ...]:
    known = {linter.name: linter for linter in LINTERS}
    for name in names:
        if name not in known:
            raise UserError(f"unknown linter '{name}'", fix=f"the linters are {', '.join(known)}")
    return tuple(linter for linter in LINTERS if not names or linter.name in names)
