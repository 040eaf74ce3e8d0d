"""Running checks in an image and collecting what came of them, for proofs and smoke tests alike."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from holoenzyme.app.project import Project, Tools
from holoenzyme.engine.base import ImageInfo
from holoenzyme.engine.secrets import PROXIES, ca_bundle
from holoenzyme.errors import UserError
from holoenzyme.evidence import oracle as judging
from holoenzyme.evidence.expected import judge_build, judge_crash, judge_refusal
from holoenzyme.evidence.identity import compare_identity
from holoenzyme.evidence.launches import ENVIRONMENT, Launch, judge_launches, read_launches
from holoenzyme.evidence.outcome import Outcome
from holoenzyme.evidence.record import HostFacts, ImageFacts, Record, StepRecord
from holoenzyme.execute.inspect import inspect
from holoenzyme.execute.smoke import (
    Ended,
    Step,
    built_programs,
    read_identity,
    run_contract,
    run_smoke,
    work_folder,
)
from holoenzyme.matrix.model import Cell
from holoenzyme.matrix.recipe import FileRule
from holoenzyme.matrix.smoke import SmokeTest
from holoenzyme.render.stages import File

#: Seconds for the whole contract of an image.
_CONTRACT_TIMEOUT = 300.0
#: How the cases of a kind of test are judged, and the outcome that is right.
_BY_KIND = {
    "cargo-crash": (judge_crash, Outcome.CRASH),
    "cargo-refused": (judge_refusal, Outcome.REFUSED),
    "cargo-build": (judge_build, Outcome.PASS),
}
_FAILED = {"fetch": Outcome.INFRASTRUCTURE, "compile": Outcome.NOT_COMPILED}


class Checks:
    """Checks of one image, one after the other, until one shows that it is wrong: the rest would only repeat that."""

    def __init__(
        self, *, project: Project, tools: Tools, cell: Cell, image: str, tolerances: Mapping[str, tuple[float, float]]
    ) -> None:
        self._project, self._tools, self._cell, self._image = project, tools, cell, image
        self._tolerances = tolerances
        self._start, self._started = time.monotonic(), datetime.now(UTC)
        self.steps: list[StepRecord] = []
        self.comparisons: list[judging.Comparison] = []
        self.problems: list[str] = []
        self.versions: dict[str, str] = {}
        self.launches: list[Launch] = []
        self.notes: list[str] = []
        self.expected = Outcome.PASS
        self.outcome = Outcome.PASS

    def _goes_on(self) -> bool:
        return self.outcome in (Outcome.PASS, Outcome.NOT_EXECUTED)

    def identity(self) -> None:
        """The libLLVM of rustc and libEnzyme is one build."""
        if not self._goes_on():
            return
        step, found, self.versions = read_identity(self._tools.engine, self._image)
        self.versions |= {f"libLLVM of {item.who}": f"{item.soname} {item.build_id}" for item in found}
        problems = compare_identity(found)
        self._add(step, Outcome.CRASH, judged=Outcome.WRONG if problems else Outcome.PASS)
        self.problems += problems

    def contract(self) -> None:
        """Everything works that the image promises."""
        if not self._goes_on():
            return
        names = {"rust": str(self._project.matrix.rust[self._cell.rust].release), "llvm": self._cell.llvm}
        rules = self._project.cookbook.image("toolchain").contract_of(self._cell.id)
        step, problems = run_contract(self._tools.engine, self._image, rules, names, _CONTRACT_TIMEOUT)
        self._add(step, Outcome.CRASH, judged=Outcome.WRONG if problems else Outcome.PASS)
        self.problems += problems

    def smoke(self, test: SmokeTest) -> None:
        """A program does what its declaration says: print right numbers, end itself, or be refused by the compiler."""
        if not self._goes_on():
            return
        environ = self._tools.environ
        oracle = judging.load(test.folder / test.rule.oracle) if test.rule.oracle else None
        kernels = tuple(oracle.launches) if oracle is not None else ()
        kind = self._project.matrix.targets[self._cell.target].kind if test.rule.device == "cell" else "cpu"
        executes = kind == "cpu" or test.rule.kind in ("cargo-refused", "cargo-build")
        with work_folder(test_files(self._project, test)) as folder:
            steps = run_smoke(
                self._tools.engine,
                self._image,
                test,
                folder,
                target=self._cell.target,
                executes=executes,
                ca=ca_bundle(environ),
                proxies={name: environ[name] for name in PROXIES if environ.get(name)},
                env=ENVIRONMENT if kernels else {},
            )
            for step in steps:
                self._judge(step, test, oracle, kind)
            if kernels and self._goes_on():
                self._inspect(folder, kernels)
        if not executes and self._goes_on():
            self.outcome = Outcome.NOT_EXECUTED
            self.notes.append(
                f"{test.rule.name} is compiled and linked for {self._cell.target}, and not executed: no such device is "
                f"in a container of this project"
            )

    def settle(self) -> None:
        """What was expected to be refused, and was, is right: what is checked next begins anew."""
        if self.outcome is self.expected:
            self.outcome = self.expected = Outcome.PASS

    def _judge(self, step: Step, test: SmokeTest, oracle: judging.Oracle | None, kind: str) -> None:
        """Add a step with what it is worth."""
        if step.case is not None and step.ended is not Ended.LATE:
            judge, self.expected = _BY_KIND[test.rule.kind]
            outcome, problems = judge(step)
            self._keep(step, outcome)
            self.problems += problems
        elif oracle is None or step.name != "run" or step.ended is not Ended.WELL:
            self._add(step, _FAILED.get(step.name, Outcome.CRASH))
        else:
            verdict = judging.judge(step.result.stdout, oracle, self._tolerances)
            launches = read_launches(step.result.stderr, verdict.devices)
            problems = judge_launches(launches, oracle.launches, kind) if oracle.launches else ()
            self._add(step, Outcome.CRASH, judged=Outcome.WRONG if problems else verdict.outcome)
            self.comparisons += verdict.comparisons
            self.problems += (*verdict.problems, *problems)
            self.launches += launches

    def _inspect(self, folder: Path, names: Sequence[str]) -> None:
        """The program has an image for the target, with every kernel in it."""
        for program in built_programs(folder):
            try:
                inspection = inspect(program)
                image = inspection.image(self._cell.target)
                kernels = [image.kernel(name) for name in names]
            except UserError as error:
                self.outcome = Outcome.WRONG
                self.problems.append(f"{program.name}: {error}")
                continue
            self.notes += [
                f"{program.name}: {image.name}, {image.format} machine {image.machine}: kernel {kernel.name}"
                f"({', '.join(f'{argument.size} at {argument.offset}' for argument in kernel.arguments or ())})"
                for kernel in kernels
            ]
            if inspection.problems:
                self.outcome = Outcome.WRONG
                self.problems += inspection.problems

    def record(
        self, kind: Literal["proof", "smoke"], test: str, image: ImageInfo, input_hash: str, oracle_hash: str
    ) -> Record:
        """The record of everything that was checked."""
        return Record(
            kind=kind,
            test=test,
            cell=self._cell.id,
            image=ImageFacts(name=self._image, id=image.id, input_hash=input_hash),
            oracle_hash=oracle_hash,
            started=self._started.isoformat(timespec="milliseconds"),
            duration=time.monotonic() - self._start,
            host=HostFacts(system=platform.platform(), machine=platform.machine(), engine=self._tools.engine.name),
            device=", ".join([*dict.fromkeys(launch.uid for launch in self.launches), f"cpu, {os.cpu_count()} cores"]),
            versions=self.versions,
            steps=tuple(self.steps),
            comparisons=tuple(self.comparisons),
            tolerances=dict(self._tolerances),
            problems=tuple(self.problems),
            launches=tuple(self.launches),
            notes=tuple(self.notes),
            outcome=self.outcome,
            expected=self.expected,
        )

    def _add(self, step: Step, failed: Outcome, *, judged: Outcome = Outcome.PASS) -> None:
        match step.ended:
            case Ended.LATE:
                outcome = Outcome.HANG
                self.problems.append(f"{step.name} ran past its limit of {step.result.request.timeout:.0f} s")
            case Ended.BADLY:
                outcome = failed
                self.problems.append(
                    f"{step.name} ended with exit status {step.result.returncode}: {step.tail[-1500:]}"
                )
            case Ended.WELL:
                outcome = judged
        self._keep(step, outcome)

    def _keep(self, step: Step, outcome: Outcome) -> None:
        if self.outcome in (Outcome.PASS, self.expected):
            self.outcome = outcome
        self.steps.append(
            StepRecord(
                name=step.name,
                command=step.result.request.replay(),
                outcome=outcome,
                returncode=step.result.returncode,
                duration=step.result.duration,
                output=step.tail,
            )
        )


def test_files(project: Project, test: SmokeTest) -> Mapping[str, File]:
    """The files of a smoke test's crate, by their path in it."""
    relative = str(test.folder.relative_to(project.root))
    return {
        name.removeprefix("./"): file
        for name, file in project.files.tree(FileRule(**{"from": relative, "to": "."})).items()
    }
