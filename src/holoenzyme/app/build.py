"""`build-image`: load, pull or build a cell's image, prove it, and only then give it its name."""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from holoenzyme.app.building import PlanAgain, Report, carry_out, stage_lock
from holoenzyme.app.planner import Resolved
from holoenzyme.app.progress import Board, board
from holoenzyme.app.proving import Proof, is_proved, proof_of, prove
from holoenzyme.app.resolving import resolve_cells
from holoenzyme.engine.base import BuildFailed
from holoenzyme.errors import ExitCode
from holoenzyme.evidence.record import Record
from holoenzyme.matrix.model import Cell
from holoenzyme.plan.decide import Action, BaseSource
from holoenzyme.plan.graph import Graph
from holoenzyme.session import Session, machine_session

#: Where proved images are named: `holoenzyme/toolchain:CELL`.
NAMESPACE = "holoenzyme"
#: Bytes of disk that a build needs free, so that it does not die of it half way.
_DISK_NEEDED = 8_000_000_000
#: How many times the minutes that its whole cell is budgeted a stage may take: the machine may be slow, but a hang must
#: end.
_PATIENCE = 3
#: Minutes that a cell without a budget counts as.
_USUAL_MINUTES = 60


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


def run(argv: list[str], root: Path) -> int:
    """`build-image [CELL ...]`: exit code 0 when every cell's image is proved and has its name."""
    arguments = _parser().parse_args(argv)
    session = machine_session(root, stores=arguments.store, base_source=BaseSource(arguments.base))
    start = time.monotonic()
    try:
        built = build_cells(session, arguments.cells, rebuild=arguments.no_cache, prove_again=arguments.prove)
    except BuildFailed as error:
        if arguments.shell:
            from holoenzyme.app.shell import open_shell

            session.say(str(error))
            open_shell(session, error)
        raise
    for item in built:
        session.say(_summary(item))
        print(item.name)
    if arguments.save:
        from holoenzyme.app.saving import save

        for item in built:
            save(session, item.graph, [item.cell.id], Path(arguments.save))
    session.say(f"done in {time.monotonic() - start:.1f} s")
    return ExitCode.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="build-image", description="Load, pull or build images, and prove them.")
    parser.add_argument("cells", nargs="*", metavar="CELL", help="ids or patterns; without one the default cell")
    parser.add_argument("--store", action="append", default=[], metavar="DIR", help="load stages from this store")
    parser.add_argument("--save", metavar="DIR", help="write what the image is made of to this store")
    parser.add_argument("--base", choices=[s.value for s in BaseSource], default="auto", help="how a base is made")
    parser.add_argument("--no-cache", action="store_true", help="build every stage anew, without any cache")
    parser.add_argument("--prove", action="store_true", help="prove again, even where a record proves the image")
    parser.add_argument("--shell", action="store_true", help="when a step fails, open a shell in the state before it")
    return parser


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


def make_images(session: Session, cells: Sequence[Cell], *, rebuild: bool = False) -> tuple[Resolved, Report]:
    """Load, pull or build the images of cells, in the staging namespace; nothing is proved."""
    while True:
        resolved = resolve_cells(session, cells, rebuild=rebuild)
        try:
            return resolved, _build(session, resolved, rebuild=rebuild)
        except PlanAgain:
            session.say("a store was refused on the way: planning again without it")


def _build(session: Session, resolved: Resolved, *, rebuild: bool) -> Report:
    if all(decision.action in (Action.REUSE, Action.SKIP) for decision in resolved.plan.decisions):
        return carry_out(session, resolved, _Silent(), timeout=0)
    session.state.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(session.state).free
    if free < _DISK_NEEDED:
        session.say(f"warning: {free / 1e9:.1f} GB of disk are free, a build may need {_DISK_NEEDED / 1e9:.0f} GB")
    minutes = [
        cell.budget.build_minutes
        for cell in session.project.matrix.all_cells()
        if cell.budget and cell.id in resolved.graph.images
    ]
    session.say(f"building with {session.engine.builder}")
    with board("stages") as progress:
        return carry_out(session, resolved, progress, no_cache=rebuild, timeout=stage_limit(minutes))


def stage_limit(minutes: Iterable[float]) -> float:
    """The seconds that one stage may take, from the minutes that its cells are budgeted (`build_minutes`)."""
    return timedelta(minutes=_PATIENCE * max(minutes, default=_USUAL_MINUTES)).total_seconds()


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


def _summary(built: Built) -> str:
    lines = []
    if built.record is None:
        lines.append(f"{built.cell.id}: proved already")
    else:
        right = sum(comparison.ok for comparison in built.record.comparisons)
        lines.append(
            f"{built.cell.id}: proved in {built.record.duration:.1f} s: {right} of {len(built.record.comparisons)} "
            "numbers agree with closed forms and central differences"
        )
        worst = max(built.record.comparisons, key=lambda c: c.error / c.tolerance if c.tolerance else 0.0, default=None)
        if worst is not None:
            lines.append(
                f"  nearest to its tolerance: {worst.case} {worst.mode} {worst.quantity}: {worst.got:.12g}, expected "
                f"{worst.expected:.12g} ({worst.rule}: error {worst.error:.1e}, allowed {worst.tolerance:.1e})"
            )
    lines.append(f"  record: {built.record_path}")
    return "\n".join(lines)


class _Silent(Board):
    def start(self, stage: str, doing: str, because: str) -> None:
        """Nothing is done, so nothing is said."""

    def line(self, stage: str, text: str) -> None:
        """Nothing is done, so nothing is said."""

    def finish(self, stage: str, how: str) -> None:
        """Nothing is done, so nothing is said."""
