"""What becomes of a test: right numbers on the right device, expected failures, and devices that are not there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.fakes import Answer, FakeEngine
from tests.small_project import CELL, OTHER, cells_of, good_session

from holoenzyme.engine.base import RunRequest
from holoenzyme.errors import UserError
from holoenzyme.evidence.judge.outcome import Outcome
from holoenzyme.evidence.record import ImageFacts, Record
from holoenzyme.matrix.annotations import parse_program
from holoenzyme.matrix.smoke import SmokeRule, SmokeTest
from holoenzyme.prove import checking
from holoenzyme.prove.checking import Checks, smoke_task
from holoenzyme.session import Project

LAUNCH = (
    "omptarget device 0 info: Entering OpenMP kernel at unknown:0:0 with 1 arguments:\n"
    '"PluginInterface" device 0 info: Launching kernel add with [1,1,1] blocks and [1,1,1] threads in Generic mode\n'
)
LINES = [{"device": 0, "uid": "x86_64-0"}, {"case": "sum", "values": [3.0]}, {"done": 2}]
OUTPUT = "".join(json.dumps(line) + "\n" for line in LINES)
ORACLE = "VALUES = {'sum': [3.0]}\nVALUES_TOLERANCE = 'equal'\nLAUNCHES = {'add': 1}\n"


@dataclass
class FakeInspection:
    """A program with one image; `names` are those of its kernels."""

    names: tuple[str, ...] = ("add",)
    problems: tuple[str, ...] = ()
    readable: bool = True

    name, format, machine = "image 0 (host)", "elf", 62

    def device_image(self, wanted: str) -> FakeInspection:
        if not self.readable:
            raise UserError(f"no images for {wanted!r}")
        return self

    @property
    def kernels(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name=name, arguments=(SimpleNamespace(size=8, offset=0),)) for name in self.names]


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine()
    engine.put("image:1", {})
    engine.answers = {"compile": compiling, "run": Answer(stdout=OUTPUT, stderr=LAUNCH)}
    return engine


def compiling(request: RunRequest) -> Answer:
    """Leaves a program where cargo does."""
    program = request.mounts[0].source / "target/release/prog"
    program.parent.mkdir(parents=True)
    program.touch(0o755)
    return Answer()


@pytest.fixture(autouse=True)
def inspected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "inspect", lambda path: FakeInspection())


def check(
    project: Project, engine: FakeEngine, state: Path, *, cell: str = CELL, source: str = "", **declared: object
) -> Record:
    """Declare a test in the project, run it, and give its record."""
    folder = project.root / "smoke_tests/kernel"
    (folder / "src").mkdir(parents=True, exist_ok=True)
    (folder / "src/lib.rs").write_text(source)
    (folder / "oracle.py").write_text(ORACLE)
    rule = {
        "schema": 1,
        "name": "kernel",
        "summary": "x",
        "kind": "cargo-run",
        "command": ("cargo", "offload", "run"),
        "cells": ("*",),
        "timeout_s": 5,
        **(declared or {"oracle": "oracle.py"}),
    }
    (found,) = cells_of(project, cell)
    checks = Checks(
        session=good_session(project, state, engine),
        cell=found,
        image=ImageFacts(name="image:1", id="sha256:1", input_hash="hash"),
    )
    programs = (parse_program(source, path="src/lib.rs", where="lib.rs"),) if source else ()
    task = smoke_task(project, found, SmokeTest(folder=folder, rule=SmokeRule.model_validate(rule), programs=programs))
    return checks.record("smoke", "kernel", "digest", checks.run(task))


def test_a_kernel_that_ran_where_it_must(small_project: Project, engine: FakeEngine, tmp_path: Path) -> None:
    record = check(small_project, engine, tmp_path)
    assert (record.outcome, record.problems, record.is_right) == (Outcome.PASS, (), True)
    assert [(one.kernel, one.uid, one.count) for one in record.launches] == [("add", "x86_64-0", 1)]
    assert record.device.startswith("x86_64-0, cpu, ")
    assert record.notes == ("prog: image 0 (host), elf machine 62: kernel add(8 at 0)",)
    compiled, ran = engine.runs
    assert ran.env == {"LIBOMPTARGET_INFO": "17", "OMP_TARGET_OFFLOAD": "MANDATORY"} and not compiled.env


def test_numbers_without_a_launch_prove_nothing(small_project: Project, engine: FakeEngine, tmp_path: Path) -> None:
    engine.answers["run"] = Answer(stdout=OUTPUT)
    record = check(small_project, engine, tmp_path)
    assert record.outcome is Outcome.WRONG
    assert record.problems == ("the runtime launched add 0 times, and 1 are expected",)
    assert all(comparison.ok for comparison in record.comparisons)


def test_a_device_that_is_not_there(small_project: Project, engine: FakeEngine, tmp_path: Path) -> None:
    record = check(small_project, engine, tmp_path, cell=OTHER)
    assert record.outcome is Outcome.NOT_EXECUTED and not record.is_right
    assert [step.name for step in record.steps] == ["compile"]
    assert record.problems == () and not record.launches
    assert "kernel add(8 at 0)" in record.notes[0]
    assert "not executed: no such device" in record.notes[1]


@pytest.mark.parametrize(
    ("inspection", "problem"),
    [
        (
            FakeInspection(names=("sub",)),
            "prog: image 0 (host), elf machine 62 has no kernel 'add'; its kernels: sub",
        ),
        (FakeInspection(readable=False), "prog: no images for 'sm_90'"),
        (FakeInspection(problems=("its content is for sm_80",)), "prog: its content is for sm_80"),
    ],
)
def test_a_program_without_its_kernel(
    small_project: Project,
    engine: FakeEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    inspection: FakeInspection,
    problem: str,
) -> None:
    monkeypatch.setattr(checking, "inspect", lambda path: inspection)
    record = check(small_project, engine, tmp_path, cell=OTHER)
    assert record.outcome is Outcome.WRONG
    assert record.problems == (problem,)


def test_kernels_that_are_in_no_program(small_project: Project, engine: FakeEngine, tmp_path: Path) -> None:
    engine.answers["compile"] = Answer()
    record = check(small_project, engine, tmp_path, cell=OTHER)
    assert record.outcome is Outcome.WRONG
    assert record.problems == ("no program was found that could hold the kernels add",)


CASES = [{"name": "a", "says": ["device 99"]}, {"name": "b", "says": ["device 99"]}]


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ((134, 134), Outcome.CRASH),
        ((134, 0), Outcome.WRONG),
        ((0, 134), Outcome.WRONG),
    ],
)
def test_every_case_must_crash(
    small_project: Project, engine: FakeEngine, tmp_path: Path, answers: tuple[int, int], outcome: Outcome
) -> None:
    left = list(answers)
    engine.answers["run"] = lambda request: Answer(returncode=left.pop(0), stderr="device 99")
    record = check(small_project, engine, tmp_path, kind="cargo-crash", cases=CASES)
    assert (record.outcome, record.expected) == (outcome, Outcome.CRASH)
    assert record.is_right is (outcome is Outcome.CRASH)
    assert len(record.steps) == 3


def test_what_must_be_refused_needs_no_device(small_project: Project, engine: FakeEngine, tmp_path: Path) -> None:
    engine.answers["compile"] = Answer(returncode=101, stderr="error: device 99\n --> src/lib.rs:1:1\n")
    programs = {"files": "src/*.rs", "args": ["{{ revision }}"]}
    source = "//@ revisions: one two\n//[one]~^ ERROR device 99\n//[two]~^^ ERROR 99\n"
    record = check(small_project, engine, tmp_path, cell=OTHER, source=source, kind="cargo-refused", programs=programs)
    assert (record.outcome, record.is_right, record.problems) == (Outcome.REFUSED, True, ())
    assert [step.name for step in record.steps] == ["compile one", "compile two"]
    assert [step.command.split()[-1] for step in record.steps] == ["one", "two"]
    assert len(engine.runs) == 1


def test_a_case_without_an_end_is_a_hang(small_project: Project, engine: FakeEngine, tmp_path: Path) -> None:
    engine.answers["run"] = Answer(timed_out=True, returncode=124)
    record = check(small_project, engine, tmp_path, kind="cargo-crash", cases=CASES)
    assert record.outcome is Outcome.HANG and not record.is_right
