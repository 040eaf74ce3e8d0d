"""Running checks in an image and collecting what came of them, for proofs and smoke tests alike."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from holoenzyme.app.project import Project, Tools
from holoenzyme.engine.base import ImageInfo
from holoenzyme.engine.secrets import PROXIES, ca_bundle
from holoenzyme.evidence import oracle as judging
from holoenzyme.evidence.identity import compare_identity
from holoenzyme.evidence.outcome import Outcome
from holoenzyme.evidence.record import HostFacts, ImageFacts, Record, StepRecord
from holoenzyme.execute.smoke import Ended, Step, read_identity, run_contract, run_smoke, work_folder
from holoenzyme.matrix.model import Cell
from holoenzyme.matrix.recipe import FileRule
from holoenzyme.matrix.smoke import SmokeTest
from holoenzyme.render.stages import File

#: Seconds for the whole contract of an image.
_CONTRACT_TIMEOUT = 300.0
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
        self.outcome = Outcome.PASS

    def identity(self) -> None:
        """The libLLVM of rustc and libEnzyme is one build."""
        if self.outcome is not Outcome.PASS:
            return
        step, found, self.versions = read_identity(self._tools.engine, self._image)
        self.versions |= {f"libLLVM of {item.who}": f"{item.soname} {item.build_id}" for item in found}
        problems = compare_identity(found)
        self._add(step, Outcome.CRASH, judged=Outcome.WRONG if problems else Outcome.PASS)
        self.problems += problems

    def contract(self) -> None:
        """Everything works that the image promises."""
        if self.outcome is not Outcome.PASS:
            return
        names = {"rust": str(self._project.matrix.rust[self._cell.rust].release), "llvm": self._cell.llvm}
        rules = self._project.cookbook.image("toolchain").contract
        step, problems = run_contract(self._tools.engine, self._image, rules, names, _CONTRACT_TIMEOUT)
        self._add(step, Outcome.CRASH, judged=Outcome.WRONG if problems else Outcome.PASS)
        self.problems += problems

    def smoke(self, test: SmokeTest) -> None:
        """A program compiles, runs, and prints numbers that its oracle finds right."""
        if self.outcome is not Outcome.PASS:
            return
        environ = self._tools.environ
        with work_folder(test_files(self._project, test)) as folder:
            steps = run_smoke(
                self._tools.engine,
                self._image,
                test,
                folder,
                ca=ca_bundle(environ),
                env={name: environ[name] for name in PROXIES if environ.get(name)},
            )
        for step in steps:
            if step.name != "run" or step.ended is not Ended.WELL:
                self._add(step, _FAILED.get(step.name, Outcome.CRASH))
                continue
            oracle = judging.load(test.folder / test.rule.oracle)
            verdict = judging.judge(step.result.stdout, oracle, self._tolerances)
            self._add(step, Outcome.CRASH, judged=verdict.outcome)
            self.comparisons += verdict.comparisons
            self.problems += verdict.problems

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
            device=f"cpu, {os.cpu_count()} cores",
            versions=self.versions,
            steps=tuple(self.steps),
            comparisons=tuple(self.comparisons),
            tolerances=dict(self._tolerances),
            problems=tuple(self.problems),
            outcome=self.outcome,
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
        if self.outcome is Outcome.PASS:
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
