"""Proving an image: its libLLVM, its contract, and derivatives checked against numbers. Only then it gets its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from holoenzyme.engine.base import ImageInfo
from holoenzyme.errors import InternalError, UserError
from holoenzyme.evidence.digest import proof_digest
from holoenzyme.evidence.judge.verdict import Verdict, conclude
from holoenzyme.evidence.record import EvidenceFolder, ImageFacts, Record
from holoenzyme.matrix.model import Cell
from holoenzyme.matrix.smoke import SmokeTest, load_smoke_tests
from holoenzyme.plan.graph import Node
from holoenzyme.prove.checking import Checks, SmokeTask, Task, contract_task, identity_task, smoke_task
from holoenzyme.session import Project, Session


@dataclass(frozen=True, kw_only=True)
class Proof:
    """The tasks that prove an image of a cell; `digest` changes when, and only when, any input of theirs does."""

    cell: Cell
    tasks: tuple[Task, ...]
    digest: str

    @property
    def tests(self) -> tuple[SmokeTest, ...]:
        """The smoke tests among its tasks."""
        return tuple(task.test for task in self.tasks if isinstance(task, SmokeTask))


def proof_of(project: Project, cell: Cell) -> Proof:
    """The proof of a cell; raises `UserError` where no smoke test serves it or a tolerance is unknown."""
    tests = tuple(t for t in load_smoke_tests(project.root) if t.rule.proof and t.serves(cell.id))
    if not any(test.rule.kind.traits.has_numbers for test in tests):
        raise UserError(
            f"no smoke test proves {cell.id!r} with numbers",
            fix="mark one of `kind: cargo-run` with `proof: true` that lists the cell",
        )
    # Identity first: with a wrong libLLVM everything after it would hang.
    tasks: tuple[Task, ...] = (
        identity_task(cell),
        *(smoke_task(project, cell, test) for test in tests),
        contract_task(project, cell),
    )
    return Proof(cell=cell, tasks=tasks, digest=proof_digest([task.part() for task in tasks]))


def evidence(session: Session) -> EvidenceFolder:
    """The folder of records of this machine."""
    return EvidenceFolder(session.state / "evidence")


def is_proved(session: Session, proof: Proof, image: ImageInfo) -> Path | None:
    """The record that proves this very image with this very oracle, or none."""
    for path, record in evidence(session).proofs(proof.cell.id, image.id):
        if record.image.id == image.id and record.oracle_hash == proof.digest:
            return path if record.outcome.proves else None
    return None


def prove(session: Session, proof: Proof, node: Node) -> tuple[Path, Record]:
    """Prove the image of a node and write the record, whatever comes out.

    Raises `InternalError`, after the record is written, where the image is wrong: it must not get its name.
    """
    info = session.engine.image(node.image)
    if info is None:
        raise InternalError(f"{node.image} was to be proved, and is not there")
    facts = ImageFacts(name=node.image, id=info.id, input_hash=node.input_hash)
    checks = Checks(session=session, cell=proof.cell, image=facts)
    verdict = _run(checks, proof.tasks)
    # It is named after what has numbers: refusals may stand before it.
    name = next(test.rule.name for test in proof.tests if test.rule.kind.traits.has_numbers)
    record = checks.record("proof", name, proof.digest, verdict)
    path = evidence(session).add(record)
    if not record.outcome.proves:
        wrong = [
            f"{c.case} {c.mode} {c.quantity}: {c.got!r}, expected {c.expected!r}"
            for c in record.comparisons
            if not c.ok
        ]
        raise InternalError(
            f"{proof.cell.id} is not proved ({record.outcome}); the image gets no tag",
            why="; ".join([*record.problems, *wrong][:20]) or "see the record",
            fix=f"the record has everything that was run and compared: {path}",
        )
    return path, record


def _run(checks: Checks, tasks: Sequence[Task]) -> Verdict:
    """Run tasks until one shows that the image is wrong: the rest would only repeat that."""
    verdicts: list[Verdict] = []
    for task in tasks:
        verdicts.append(checks.run(task))
        if not verdicts[-1].holds:
            break
    return conclude([task.check for task in tasks], verdicts)
