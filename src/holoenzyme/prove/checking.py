"""Checks run in an image, whose steps go to the judge (`evidence.judge`); nothing is decided here."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, assert_never

from holoenzyme.engine.base import RunRequest, RunResult
from holoenzyme.engine.network import Network
from holoenzyme.errors import UserError
from holoenzyme.evidence.digest import ProofPart
from holoenzyme.evidence.judge import contract, identity
from holoenzyme.evidence.judge.checks import contract_check, contract_terms, identity_check, smoke_check
from holoenzyme.evidence.judge.launches import ENVIRONMENT
from holoenzyme.evidence.judge.programs import Program
from holoenzyme.evidence.judge.step import Step
from holoenzyme.evidence.judge.verdict import Check, Verdict, judge
from holoenzyme.evidence.oracle_file import load_oracle
from holoenzyme.evidence.record import HostFacts, ImageFacts, Record, StepRecord
from holoenzyme.execute.inspect import inspect
from holoenzyme.execute.inspect_kernels import KERNEL_PREFIX
from holoenzyme.execute.smoke import (
    Sandbox,
    built_programs,
    container_request,
    containers,
    run_steps,
    script_request,
    work_folder,
)
from holoenzyme.matrix.model import Cell
from holoenzyme.matrix.recipe import FileRule
from holoenzyme.matrix.smoke import DECLARATION, SmokeStep, SmokeTest
from holoenzyme.render.stages import File
from holoenzyme.session import Project, Session

#: Stands for the folder of a crate where nothing is run.
_NOWHERE = Path()


@dataclass(frozen=True, kw_only=True)
class ScriptTask:
    """A check that is one script: the identity of libLLVM, or the contract. `limit` is in seconds.

    Where it `writes`, it has a folder that is empty.
    """

    check: Check
    script: str
    limit: float
    writes: bool

    def part(self) -> ProofPart:
        """Its part in a proof's digest."""
        sandbox = Sandbox(image="", folder=_NOWHERE if self.writes else None)
        request = script_request(sandbox, self.script, self.limit)
        return ProofPart(check=self.check, requests=[_request_data(request)], files={})


@dataclass(frozen=True, kw_only=True)
class SmokeTask:
    """A check that is a smoke test: its steps for a cell, and the files of its crate by their path in it.

    `tolerances` are those that it names: name → (relative, absolute).
    """

    check: Check
    test: SmokeTest
    steps: tuple[SmokeStep, ...]
    files: Mapping[str, File]
    tolerances: Mapping[str, tuple[float, float]]

    def part(self) -> ProofPart:
        """Its part in a proof's digest."""
        sandbox = Sandbox(image="", folder=_NOWHERE)
        return ProofPart(
            check=self.check,
            requests=[_request_data(container_request(sandbox, steps, {})) for steps in containers(self.steps)],
            files={name: file.content for name, file in self.files.items()},
        )


Task = ScriptTask | SmokeTask


def identity_task(cell: Cell) -> ScriptTask:
    """Asks which libLLVM meet in the image of a cell."""
    return ScriptTask(check=identity_check(cell.target), script=identity.SCRIPT, limit=identity.LIMIT, writes=False)


def contract_task(project: Project, cell: Cell) -> ScriptTask:
    """Runs what must work in the image of a cell; rules for other cells are no part of it."""
    matrix = project.matrix
    names = {
        "rust": {"release": str(matrix.rust[cell.rust].release)},
        "llvm": {"major": cell.llvm, "release": str(matrix.llvm[cell.llvm].release)},
    }
    terms = contract_terms(project.cookbook.image_rule(project.image).contract_of(cell.id), names)
    check = contract_check(terms, cell.target)
    return ScriptTask(check=check, script=contract.script(terms), limit=contract.LIMIT, writes=True)


def smoke_task(project: Project, cell: Cell, test: SmokeTest) -> SmokeTask:
    """Runs a smoke test in the image of a cell; raises `UserError` for a tolerance that matrix.yaml lacks."""
    kind = project.matrix.kind(cell) if test.rule.device == "cell" else "cpu"
    # No container of this project has another device.
    steps = test.steps(cell.target, cell.channel, executes=kind == "cpu")
    tolerances = _tolerances(project, test)
    check = smoke_check(
        test.rule, steps, target=cell.target, device=kind, tolerances=tolerances, symbol_prefix=KERNEL_PREFIX
    )
    return SmokeTask(check=check, test=test, steps=steps, files=_files(project, test), tolerances=tolerances)


class Checks:
    """Checks of one image; what it takes is counted from when this is made."""

    def __init__(self, *, session: Session, cell: Cell, image: ImageFacts) -> None:
        self._session, self._cell, self._image = session, cell, image
        self._start, self._started = time.monotonic(), datetime.now(UTC)
        self._tolerances: dict[str, tuple[float, float]] = {}

    def run(self, task: Task) -> Verdict:
        """Run a task to its end, or to where nothing more can come of it, and have it judged."""
        match task:
            case ScriptTask():
                return self._run_script(task)
            case SmokeTask():
                return self._run_smoke(task)
            case _:
                assert_never(task)

    def record(self, kind: Literal["proof", "smoke"], test: str, digest: str, verdict: Verdict) -> Record:
        """The record of everything that was checked; `test` names it, and `digest` is that of what checked it."""
        devices = dict.fromkeys(launch.uid for launch in verdict.launches)
        return Record(
            kind=kind,
            test=test,
            cell=self._cell.id,
            image=self._image,
            oracle_hash=digest,
            started=self._started.isoformat(timespec="milliseconds"),
            duration=time.monotonic() - self._start,
            host=HostFacts(system=platform.platform(), machine=platform.machine(), engine=self._session.engine.name),
            device=", ".join([*devices, f"cpu, {os.cpu_count()} cores"]),
            versions=dict(verdict.versions),
            steps=tuple(
                StepRecord(
                    name=judged.step.name,
                    command=judged.step.command,
                    outcome=judged.outcome,
                    returncode=judged.step.returncode,
                    duration=judged.step.duration,
                    output=judged.step.tail,
                )
                for judged in verdict.steps
            ),
            comparisons=verdict.comparisons,
            tolerances=self._tolerances,
            problems=verdict.problems,
            launches=verdict.launches,
            notes=verdict.notes,
            outcome=verdict.outcome,
            expected=verdict.expected,
        )

    def _run_script(self, task: ScriptTask) -> Verdict:
        with ExitStack() as stack:
            folder = stack.enter_context(work_folder({})) if task.writes else None
            sandbox = Sandbox(image=self._image.name, folder=folder)
            result = self._session.engine.run(script_request(sandbox, task.script, task.limit))
        return judge(task.check, [_step(task.check.name, result)])

    def _run_smoke(self, task: SmokeTask) -> Verdict:
        rule = task.test.rule
        self._tolerances |= task.tolerances
        oracle = load_oracle(task.test.folder / rule.oracle) if rule.oracle else None
        launches = bool(oracle and oracle.launches)
        with work_folder(task.files) as folder:
            sandbox = Sandbox(
                image=self._image.name,
                folder=folder,
                network=Network.of(self._session.environ),
            )
            ran = run_steps(self._session.engine, sandbox, task.steps, ENVIRONMENT if launches else {})
            steps = [_step(step.name, result) for step, result in ran]
            programs = [_read_program(path, self._cell.target) for path in built_programs(folder)] if launches else []
        return judge(task.check, steps, oracle=oracle, programs=programs)


def _step(name: str, result: RunResult) -> Step:
    """A container's end as a step for the judge."""
    return Step(
        name=name,
        command=result.request.replay(),
        returncode=result.returncode,
        stdout=result.stdout,
        stderr=result.stderr,
        duration=result.duration,
        limit=result.request.timeout,
        timed_out=result.timed_out,
    )


def _read_program(path: Path, target: str) -> Program:
    """The content of the image for a target in a program."""
    try:
        inspection = inspect(path)
        image = inspection.device_image(target)
    except UserError as error:
        return Program(name=path.name, problems=(str(error),))
    kernels = {
        kernel.name: ", ".join(f"{argument.size} at {argument.offset}" for argument in kernel.arguments or ())
        for kernel in image.kernels
    }
    name = f"{image.name}, {image.format} machine {image.machine}"
    return Program(name=path.name, image=name, kernels=kernels, problems=inspection.problems)


def _request_data(request: RunRequest) -> Mapping[str, object]:
    """A container without what differs between machines: the image, the folders of the host, and who runs it."""
    return {
        "argv": request.argv,
        "timeout": request.timeout,
        "mounts": [[mount.target, mount.read_only] for mount in request.mounts],
        "workdir": request.workdir,
        "network": request.network,
        "read_only": request.read_only,
        "env": dict(request.env),
    }


def _tolerances(project: Project, test: SmokeTest) -> dict[str, tuple[float, float]]:
    """The tolerances (relative, absolute) that a test names; raises `UserError` for one that matrix.yaml lacks."""
    known = project.matrix.tolerances
    unknown = [name for name in test.rule.tolerances if name not in known]
    if unknown:
        raise UserError(f"tolerances {', '.join(unknown)} are not in matrix.yaml", fix="add them, with a reason")
    return {name: (known[name].relative, known[name].absolute) for name in test.rule.tolerances}


def _files(project: Project, test: SmokeTest) -> Mapping[str, File]:
    """The files of a smoke test's crate, by their path in it; declarations are for us, and no part of it."""
    rule = FileRule(**{"from": str(test.folder.relative_to(project.root)), "to": "."})
    files = {name.removeprefix("./"): file for name, file in project.files.tree(rule).items()}
    return {name: file for name, file in files.items() if not name.endswith(DECLARATION)}
