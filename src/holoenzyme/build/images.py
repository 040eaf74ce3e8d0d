"""The images of cells in the staging namespace: resolved, planned, and carried out; nothing is proved here."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from datetime import timedelta

from holoenzyme.build.planner import Planner, Resolved
from holoenzyme.build.progress import Board, board
from holoenzyme.build.resolver import resolve
from holoenzyme.build.scheduler import PlanAgain, Report, carry_out
from holoenzyme.matrix.model import Cell
from holoenzyme.plan.decide import Action
from holoenzyme.session import Session

#: Bytes of disk that a build needs free, so that it does not die of it half way.
_DISK_NEEDED = 8_000_000_000
#: How many times the minutes that its whole cell is budgeted a stage may take: the machine may be slow, but a hang must
#: end.
_PATIENCE = 3
#: Minutes that a cell without a budget counts as.
_USUAL_MINUTES = 60


def make_images(session: Session, cells: Sequence[Cell], *, rebuild: bool = False) -> tuple[Resolved, Report]:
    """Load, pull or build the images of cells, in the staging namespace; nothing is proved."""
    planner = Planner(session=session, cells=cells, rebuild=rebuild)
    limit = stage_limit(cell.budget.build_minutes for cell in cells if cell.budget)
    while True:
        resolved = resolve(planner)
        try:
            return resolved, _build(session, resolved, rebuild=rebuild, timeout=limit)
        except PlanAgain:
            session.say("a store was refused on the way: planning again without it")


def _build(session: Session, resolved: Resolved, *, rebuild: bool, timeout: float) -> Report:
    if all(decision.action in (Action.REUSE, Action.SKIP) for decision in resolved.plan.decisions):
        return carry_out(session, resolved, _Silent(), timeout=timeout)
    session.state.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(session.state).free
    if free < _DISK_NEEDED:
        session.say(f"warning: {free / 1e9:.1f} GB of disk are free, a build may need {_DISK_NEEDED / 1e9:.0f} GB")
    session.say(f"building with {session.engine.builder}")
    with board("stages") as progress:
        return carry_out(session, resolved, progress, no_cache=rebuild, timeout=timeout)


def stage_limit(minutes: Iterable[float]) -> float:
    """The seconds that one stage may take, from the minutes that its cells are budgeted (`build_minutes`)."""
    return timedelta(minutes=_PATIENCE * max(minutes, default=_USUAL_MINUTES)).total_seconds()


class _Silent(Board):
    def start(self, stage: str, doing: str, because: str) -> None:
        """Nothing is done, so nothing is said."""

    def line(self, stage: str, text: str) -> None:
        """Nothing is done, so nothing is said."""

    def finish(self, stage: str, how: str) -> None:
        """Nothing is done, so nothing is said."""
