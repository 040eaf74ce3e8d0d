"""Cells to images that are proved: built, proved, and only then named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from holoenzyme.build.images import make_images
from holoenzyme.build.scheduler import Report, stage_lock
from holoenzyme.evidence.record import Record
from holoenzyme.matrix.model import Cell
from holoenzyme.plan.graph import PROVED, Node
from holoenzyme.prove.proof import Proof, is_proved, proof_of, prove
from holoenzyme.session import Session


@dataclass(frozen=True, kw_only=True)
class ProvedCell:
    """A cell whose image is proved: the image's node and name, the record, and what was done for it.

    `record` is none where an earlier proof holds; `report` covers all cells of the command.
    """

    cell: Cell
    node: Node
    name: str
    record_path: Path
    record: Record | None
    report: Report


def build_cells(
    session: Session, cells: Sequence[Cell], *, rebuild: bool = False, prove_again: bool = False
) -> tuple[ProvedCell, ...]:
    """Build and prove cells.

    Raises `UserError` for a cell that nothing proves, `BuildFailed` for a failing step, and `InternalError` for an
    image that is not proved; whatever is raised, no image has its name that was not proved.
    """
    proofs = [proof_of(session.project, cell) for cell in cells]
    resolved, report = make_images(session, cells, rebuild=rebuild)
    return tuple(
        _prove(session, proof, node, report, again=prove_again)
        for proof, node in zip(proofs, resolved.graph.images, strict=True)
    )


def _prove(session: Session, proof: Proof, node: Node, report: Report, *, again: bool) -> ProvedCell:
    name = f"{PROVED}/{node.stage.name}:{proof.cell.id}"
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
    return ProvedCell(cell=proof.cell, node=node, name=name, record_path=record_path, record=record, report=report)
