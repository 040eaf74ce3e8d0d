"""`smoke`: run the declared smoke tests in a cell's proved image, and keep a record of each."""

from __future__ import annotations

from pathlib import Path

from holoenzyme import console
from holoenzyme.cli import options
from holoenzyme.errors import ExitCode, InternalError, UserError
from holoenzyme.evidence.digest import proof_digest
from holoenzyme.evidence.record import ImageFacts, Record
from holoenzyme.matrix.model import Cell
from holoenzyme.matrix.pattern import matches
from holoenzyme.matrix.select import select_ready
from holoenzyme.matrix.smoke import SmokeTest, load_smoke_tests
from holoenzyme.plan.graph import Node
from holoenzyme.prove.checking import Checks, smoke_task
from holoenzyme.prove.images import build_cells
from holoenzyme.prove.proof import evidence
from holoenzyme.report.smoke_table import smoke_table
from holoenzyme.session import Session, machine_session


def run(argv: list[str], root: Path) -> int:
    """`smoke [CELL ...]`: exit code 0 when every declared test did what it must, or had no device here; 1 otherwise."""
    parser = options.command_parser("smoke", "Run the smoke tests in the images of cells.")
    options.add_cells(parser)
    parser.add_argument("--test", action="append", default=[], metavar="NAME", help="only tests of this name or glob")
    options.add_stores(parser)
    arguments = parser.parse_args(argv)
    session = machine_session(root, stores=arguments.store)
    tests = choose(load_smoke_tests(root), arguments.test)
    records = []
    for built in build_cells(session, select_ready(session.project.matrix, arguments.cells, session.say)):
        for test in tests:
            if test.serves(built.cell.id):
                session.say(f"{built.cell.id}: {test.rule.name}: {test.rule.summary}")
                records.append(smoke(session, built.cell, built.node, test))
    if not records:
        raise UserError("no smoke test serves these cells", fix="`cells:` in smoke_tests/**/smoke.yaml says which do")
    console.out().print(smoke_table(records))
    return ExitCode.OK if all(record.holds for record in records) else ExitCode.FAILED


def choose(tests: tuple[SmokeTest, ...], patterns: list[str]) -> tuple[SmokeTest, ...]:
    """The tests that patterns name, all where none is given; raises `UserError` for a pattern that names none."""
    for pattern in patterns:
        if not any(matches(test.rule.name, [pattern]) for test in tests):
            known = ", ".join(test.rule.name for test in tests)
            raise UserError(f"there is no smoke test {pattern!r}", fix=f"the tests are: {known}")
    return tuple(t for t in tests if not patterns or matches(t.rule.name, patterns))


def smoke(session: Session, cell: Cell, node: Node, test: SmokeTest) -> Record:
    """Run one test in the image of a node, and keep the record."""
    image = session.engine.image(node.image)
    if image is None:
        raise InternalError(f"{node.image} was built, and is not there")
    task = smoke_task(session.project, cell, test)
    checks = Checks(
        session=session, cell=cell, image=ImageFacts(name=node.image, id=image.id, input_hash=node.input_hash)
    )
    record = checks.record("smoke", test.rule.name, proof_digest([task.part()]), checks.run(task))
    path = evidence(session).add(record)
    session.say(f"  {record.outcome} in {record.duration:.1f} s; record: {path}")
    for line in (*record.notes, *record.problems):
        session.say(f"  {line}")
    return record
