"""Carrying out a plan: stages side by side, each once however many builds ask for it."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import assert_never

from holoenzyme.build import times
from holoenzyme.build.contexts import write_context
from holoenzyme.build.locks import held
from holoenzyme.build.planner import Resolved
from holoenzyme.build.progress import Board
from holoenzyme.build.stored import load_stage
from holoenzyme.engine.base import BuildFailed, BuildRequest, Secret
from holoenzyme.engine.secrets import for_base
from holoenzyme.errors import InternalError
from holoenzyme.plan.decide import Action, Decision
from holoenzyme.plan.graph import CREATED_LABEL, DRIFT_LABEL, HASH_LABEL, TAG_LENGTH, Node
from holoenzyme.render.stages import StageKind
from holoenzyme.session import Session


class PlanAgain(Exception):
    """A store that the plan counted on was refused: what it was to give has to be built, from a new plan."""


@dataclass(kw_only=True)
class Report:
    """A report of a build: the names of stages by their action."""

    built: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)


def carry_out(session: Session, resolved: Resolved, board: Board, *, no_cache: bool = False, timeout: float) -> Report:
    """Load and build what a plan asks for, independent stages at the same time.

    Raises the first error of a stage after every other running stage was ended; nothing that was not finished has a
    name then. Raises `PlanAgain` where a store was refused on the way.
    """
    report = Report()
    todo = {
        decision.node.stage.key: decision
        for decision in resolved.plan.decisions
        if decision.action in (Action.LOAD, Action.BUILD, Action.PULL)
    }
    report.reused += [d.node.stage.name for d in resolved.plan.decisions if d.action is Action.REUSE]
    if not todo:
        return report
    with session.secrets() as secrets:
        worker = _Worker(
            session=session,
            board=board,
            secrets=secrets,
            no_cache=no_cache,
            timeout=timeout,
            report=report,
            drift=tuple(str(change) for change in resolved.changes),
        )
        _schedule(session, todo, worker)
    return report


def _schedule(session: Session, todo: Mapping[str, Decision], worker: _Worker) -> None:
    order = TopologicalSorter({key: _waits_for(decision) & set(todo) for key, decision in todo.items()})
    try:
        order.prepare()
    except CycleError as error:
        raise InternalError(f"stages wait for each other: {', '.join(error.args[1])}") from error
    running: dict[Future[None], str] = {}
    # BuildKit and the compilers share the cores; a few more stages than cores keep downloads going beside them.
    with _resuming(session), ThreadPoolExecutor(max_workers=(os.cpu_count() or 2) + 1) as pool:
        try:
            while order.is_active():
                for key in order.get_ready():
                    running[pool.submit(worker.run, todo[key])] = key
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    key = running.pop(future)
                    future.result()
                    order.done(key)
        except PlanAgain:
            # What still runs goes on to its end: the new plan needs it too.
            raise
        except BaseException:
            # What still runs would go on for minutes: end it, so that the error or Ctrl-C is answered at once.
            session.runner.stop()
            for future in running:
                future.cancel()
            raise


@contextmanager
def _resuming(session: Session) -> Iterator[None]:
    """Let the runner run commands again afterwards: a shell after a failure, or another plan, needs it."""
    try:
        yield
    finally:
        session.runner.resume()


def _waits_for(decision: Decision) -> set[str]:
    """The stages that must be there before it; a stage that is loaded waits for none."""
    if decision.action not in (Action.BUILD, Action.PULL):
        return set()
    return {need.stage.key for need in decision.node.needs.values()}


@dataclass(kw_only=True)
class _Worker:
    session: Session
    board: Board
    secrets: tuple[Secret, ...]
    no_cache: bool
    timeout: float
    report: Report
    drift: tuple[str, ...] = ()
    guard: threading.Lock = field(default_factory=threading.Lock)

    def run(self, decision: Decision) -> None:
        node = decision.node
        name = node.stage.name
        self.board.start(name, decision.action.value, decision.because)
        how = "failed"
        try:
            with stage_lock(
                self.session, node, waiting=lambda: self.board.line(name, "another build makes it; waiting")
            ):
                how = self._do(decision)
        except KeyboardInterrupt:
            how = "interrupted"
            raise
        finally:
            self.board.finish(name, how)

    def _do(self, decision: Decision) -> str:
        node = decision.node
        there = self.session.engine.image(node.image)
        if there is not None and there.labels.get(HASH_LABEL) == node.input_hash and not self.no_cache:
            with self.guard:
                self.report.reused.append(node.stage.name)
            return "reused"
        match decision.action:
            case Action.LOAD:
                if not load_stage(self.session, node):
                    raise PlanAgain
                with self.guard:
                    self.report.loaded.append(node.stage.name)
            case Action.BUILD | Action.PULL:
                self._build(node)
                with self.guard:
                    self.report.built.append(node.stage.name)
            case Action.REUSE | Action.SKIP:
                raise InternalError(f"{node.stage.name} was to be {decision.action}d, and is not there")
            case _:
                assert_never(decision.action)
        return "done"

    def _build(self, node: Node) -> None:
        context = context_folder(self.session, node)
        write_context(context, node)
        log_file = context.with_suffix(".log")
        log_file.unlink(missing_ok=True)
        labels = node.build_labels() | {CREATED_LABEL: datetime.now(UTC).isoformat(timespec="milliseconds")}
        if node.stage.kind is StageKind.IMAGE and self.drift:
            labels[DRIFT_LABEL] = "; ".join(self.drift)
        request = BuildRequest(
            context=context,
            labels=labels,
            secrets=for_base(self.secrets, node.stage.base),
            timeout=self.timeout,
            no_cache=self.no_cache,
            args=node.stage.fresh_args if self.no_cache else {},
        )
        start = time.monotonic()
        try:
            image = self.session.engine.build(
                request, on_line=lambda line: self.board.line(node.stage.name, line), log_file=log_file
            )
        except BuildFailed as error:
            error.what = f"{node.stage.name}: {error.what}"
            raise
        self.session.engine.tag(image, node.image)
        times.note(self.session.state, node, time.monotonic() - start, log_file)
        shutil.rmtree(context)


def context_folder(session: Session, node: Node) -> Path:
    """Where a stage's build context is written; it stays there when the build fails, with the log beside it."""
    return session.state / "builds" / f"{node.stage.name}-{node.input_hash[:TAG_LENGTH]}"


def stage_lock(session: Session, node: Node, *, waiting: Callable[[], None]) -> AbstractContextManager[None]:
    """Hold the lock of a stage's content: of two builds of the same stage, one builds and the other waits."""
    return held(session, f"{node.stage.name}-{node.input_hash[:TAG_LENGTH]}", waiting=waiting)
