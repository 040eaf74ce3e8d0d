"""Proving an image: its libLLVM, its contract, and derivatives checked against numbers. Only then it gets its name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from holoenzyme.app.checking import Checks, test_files
from holoenzyme.app.project import Project, Tools
from holoenzyme.engine.base import ImageInfo
from holoenzyme.errors import InternalError, UserError
from holoenzyme.evidence import expected, identity, launches
from holoenzyme.evidence import oracle as judging
from holoenzyme.evidence.outcome import Outcome
from holoenzyme.evidence.record import EvidenceFolder, Record
from holoenzyme.execute import smoke as running
from holoenzyme.matrix.model import Cell
from holoenzyme.matrix.smoke import SmokeTest, load_smoke_tests
from holoenzyme.plan.graph import Node

#: What proves an image. Where a cell's device is in no container, its kernels are compiled, linked and inspected, and
#: the record says that they were not executed.
_PROVED = (Outcome.PASS, Outcome.NOT_EXECUTED)


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What an image of a cell is proved with; `digest` changes when, and only when, any of it does."""

    cell: Cell
    tests: tuple[SmokeTest, ...]
    tolerances: Mapping[str, tuple[float, float]]
    digest: str


def proof_of(project: Project, cell: Cell) -> Proof:
    """The proof of a cell; raises `UserError` where no smoke test serves it or a tolerance is unknown."""
    tests = tuple(t for t in load_smoke_tests(project.root) if t.rule.proof and t.serves(cell.id))
    if all(test.rule.kind != "cargo-run" for test in tests):
        raise UserError(
            f"no smoke test proves {cell.id!r} with numbers",
            fix="mark one of `kind: cargo-run` with `proof: true` that lists the cell",
        )
    tolerances = tolerances_of(project, tests)
    contract = [rule.model_dump() for rule in project.cookbook.image("toolchain").contract]
    digest = tests_digest(project, tests, tolerances, json.dumps(contract, sort_keys=True))
    return Proof(cell=cell, tests=tests, tolerances=tolerances, digest=digest)


def tolerances_of(project: Project, tests: Sequence[SmokeTest]) -> dict[str, tuple[float, float]]:
    """The tolerances (relative, absolute) that tests name; raises `UserError` for one that matrix.yaml lacks."""
    names = dict.fromkeys(name for test in tests for name in test.rule.tolerances)
    unknown = [name for name in names if name not in project.matrix.tolerances]
    if unknown:
        raise UserError(f"tolerances {', '.join(unknown)} are not in matrix.yaml", fix="add them, with a reason")
    known = project.matrix.tolerances
    return {name: (known[name].relative, known[name].absolute) for name in names}


def tests_digest(
    project: Project, tests: Sequence[SmokeTest], tolerances: Mapping[str, tuple[float, float]], contract: str = ""
) -> str:
    """A hash over programs, oracles, tolerances and judge: it changes when, and only when, one of them does."""
    digest = hashlib.sha256(contract.encode())
    digest.update(json.dumps(tolerances, sort_keys=True).encode())
    # What runs and what judges are part of the oracle: with others, an old proof says nothing.
    for module in (judging, expected, identity, launches, running):
        digest.update(Path(str(module.__file__)).read_bytes())
    for test in tests:
        for name, file in sorted(test_files(project, test).items()):
            digest.update(f"{test.rule.name}/{name}\0".encode() + hashlib.sha256(file.content).digest())
    return digest.hexdigest()


def evidence(tools: Tools) -> EvidenceFolder:
    """The folder of records of this machine."""
    return EvidenceFolder(tools.state / "evidence")


def is_proved(tools: Tools, proof: Proof, image: ImageInfo) -> Path | None:
    """The record that proves this very image with this very oracle, or none."""
    for path, record in evidence(tools).proofs(proof.cell.id, image.id):
        if record.image.id == image.id and record.oracle_hash == proof.digest:
            return path if record.outcome in _PROVED else None
    return None


def prove(project: Project, tools: Tools, proof: Proof, node: Node) -> tuple[Path, Record]:
    """Prove the image of a node and write the record, whatever comes out.

    Raises `InternalError`, after the record is written, where the image is wrong: it must not get its name.
    """
    info = tools.engine.image(node.image)
    if info is None:
        raise InternalError(f"{node.image} was to be proved, and is not there")
    checks = Checks(project=project, tools=tools, cell=proof.cell, image=node.image, tolerances=proof.tolerances)
    # Identity first: with a wrong libLLVM everything after it would hang.
    checks.identity()
    for test in proof.tests:
        checks.smoke(test)
        checks.settle()
    checks.contract()
    # It is named after what has numbers: refusals may stand before it.
    name = next(test.rule.name for test in proof.tests if test.rule.kind == "cargo-run")
    record = checks.record("proof", name, info, node.input_hash, proof.digest)
    path = evidence(tools).add(record)
    if record.outcome not in _PROVED:
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
