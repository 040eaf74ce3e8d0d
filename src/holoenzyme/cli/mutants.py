"""`mutants`: change the program in places that matter, one at a time, and see whether the tests find it."""

from __future__ import annotations

import json
from pathlib import Path

from holoenzyme import console
from holoenzyme.cli import options
from holoenzyme.errors import ExitCode, UserError
from holoenzyme.lint.mutants import LIST, chosen, examine, load_mutants, project_copy
from holoenzyme.process import SubprocessRunner
from holoenzyme.report.mutants_table import MutantOutcome, as_data, summary, table

OUTPUT = Path("build/mutants.json")


def run(argv: list[str], root: Path) -> int:
    """`mutants [NAME ...]`: exit code 1 where a mutant survives."""
    arguments = _parser().parse_args(argv)
    if arguments.changes:
        return _print_changes(root / arguments.changes)
    modules = chosen(load_mutants(root / LIST), arguments.names)
    with project_copy(root, SubprocessRunner()) as copy:
        results = list(examine(copy, modules, all_tests=arguments.all_tests))
    output = arguments.json or root / OUTPUT
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(as_data(results, all_tests=arguments.all_tests), indent=1) + "\n", encoding="utf-8")
    console.out().print(table(results))
    print(summary(results))
    console.say(f"everything: {output}")
    return ExitCode.FAILED if any(result.outcome is MutantOutcome.SURVIVED for result in results) else ExitCode.OK


def _parser() -> options.Parser:
    parser = options.command_parser("mutants", f"Change the program as {LIST} says, and see whether tests find it.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="some of them, by name or glob")
    parser.add_argument("--all-tests", action="store_true", help="run every test that needs no engine, for each")
    parser.add_argument("--json", type=Path, metavar="FILE", help=f"where the outcomes go ({OUTPUT})")
    parser.add_argument("--changes", type=Path, metavar="FILE", help="only print what can be changed in a module")
    return parser


def _print_changes(path: Path) -> int:
    from holoenzyme.lint.mutating import changes

    if not path.is_file():
        raise UserError(f"{path}: there is no such file")
    for each in changes(path.read_text("utf-8")):
        # JSON is YAML, and quotes whatever needs it.
        print(f"- {json.dumps({'was': each.was, 'becomes': each.becomes, 'within': each.within}, ensure_ascii=False)}")
    return ExitCode.OK
