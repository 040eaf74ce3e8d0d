"""Cells to images that are proved: built, proved, and only then named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from holoenzyme.build.images import make_images
from holoenzyme.build.scheduler import Report, stage_lock
from holoenzyme.evidence.record import Record
from holoenzyme.matrix.model import Cell
from holoenzyme.plan.graph import Graph
from holoenzyme.prove.proof import Proof, is_proved, proof_of, prove
from holoenzyme.session import Session

#: Where proved images are named: `holoenzyme/toolchain:CELL`.
NAMESPACE = "holoenzyme"


@dataclass(frozen=True, kw_only=True)
class Built:
    """A cell whose image is proved: its name, the record, and what was done for it.

    `record` is none where an earlier proof holds; `report` covers all cells of the command.
    """

    cell: Cell
    graph: Graph
    name: str
    record_path: Path
    record: Record | None
    report: Report


def build_cells(
    session: Session, patterns: list[str], *, rebuild: bool = False, prove_again: bool = False
) -> tuple[Built, ...]:
    """Build and prove cells.

    Raises `UserError` for a cell that cannot be built, `BuildFailed` for a failing step, and `InternalError` for an
    image that is not proved; whatever is raised, no image has its name that was not proved.
    """
    cells = session.project.cells(patterns)
    proofs = {cell.id: proof_of(session.project, cell) for cell in cells}
    resolved, report = make_images(session, cells, rebuild=rebuild)
    return tuple(_prove(session, proofs[cell.id], resolved.graph, report, again=prove_again) for cell in cells)


def _prove(session: Session, proof: Proof, graph: Graph, report: Report, *, again: bool) -> Built:
    node = graph.image(proof.cell.id)
    name = f"{NAMESPACE}/{node.stage.name}:{proof.cell.id}"
    image = session.engine.image(node.image)
    fresh = again or node.stage.name in report.loaded
    record_path = is_proved(session, proof, image) if image is not None and not fresh else None
    record: Record | None = None
    if record_path is None:
        with stage_lock(
            session, node, waiting=lambda: session.say(f"{proof.cell.id}: another build proves it; waiting")
        ):
            record_path = is_proved(session, proof, image) if image is not None and not fresh else None
            if record_path is None:
                session.say(f"{proof.cell.id}: proving it with {', '.join(test.rule.name for test in proof.tests)}")
                record_path, record = prove(session, proof, node)
                image = session.engine.image(node.image)
    named = session.engine.image(name)
    if named is None or image is None or named.id != image.id:
        session.engine.tag(node.image, name)
    return Built(cell=proof.cell, graph=graph, name=name, record_path=record_path, record=record, report=report)
