"""Programs that must not work: what counts as doing so rightly."""

from __future__ import annotations

import pytest

from holoenzyme.evidence.judge.demand import Aborts, Compiles, IsRefused
from holoenzyme.evidence.judge.messages import judge_abort, judge_build, judge_refusal
from holoenzyme.evidence.judge.outcome import Outcome
from holoenzyme.evidence.judge.step import Step
from holoenzyme.matrix.annotations import Expected, Level

SAYS, NEVER = ("error: kernel `add`", "device 99"), ("zeros",)
ABORT = Aborts(says=SAYS, never=NEVER)
EXPECTED = Expected(file="src/main.rs", line=3, level=Level.ERROR, text="kernel `add`")
REFUSAL = IsRefused(expected=(EXPECTED,), never=NEVER)
BUILD = Compiles(says=SAYS, never=NEVER)
SAID = "error: kernel `add` was not run on device 99: no such device\n"
REFUSED = "error: kernel `add` has no device 99\n  --> src/main.rs:3:5\n   |\n"


def step(returncode: int, *, stdout: str = "", stderr: str = SAID) -> Step:
    return Step(
        name="run no-device",
        command="docker run",
        returncode=returncode,
        stdout=stdout,
        stderr=stderr,
        duration=0.1,
        limit=1,
    )


def test_a_program_that_ends_itself() -> None:
    assert judge_abort(step(134), ABORT) == (Outcome.CRASH, ())


@pytest.mark.parametrize(
    ("got", "problem"),
    [
        (step(0), "run no-device: it ended as if all were well"),
        (step(101), "run no-device: exit status 101, and 134 (SIGABRT) is expected"),
        (step(139), "run no-device: exit status 139, and 134 (SIGABRT) is expected"),
        (step(134, stderr="error: kernel `add`"), "run no-device: it does not say 'device 99'"),
        (step(134, stdout="[0, 0]\n"), "run no-device: it printed a result before it ended: [0, 0]"),
        (step(134, stderr=SAID + "zeros"), "run no-device: it says 'zeros'"),
    ],
)
def test_one_that_does_not_end_as_it_must(got: Step, problem: str) -> None:
    outcome, problems = judge_abort(got, ABORT)
    assert outcome is Outcome.WRONG
    assert problems[0].startswith(problem)


def test_a_program_that_is_refused() -> None:
    assert judge_refusal(step(101, stderr=REFUSED), REFUSAL) == (Outcome.REFUSED, ())


@pytest.mark.parametrize(
    ("got", "outcome", "problem"),
    [
        (step(0, stderr=REFUSED), Outcome.WRONG, "it compiles, and must be refused"),
        (step(101), Outcome.WRONG, "src/main.rs:3: no error here says 'kernel `add`'; one stands at no place"),
        (step(101, stderr=REFUSED + "zeros"), Outcome.WRONG, "it says 'zeros'"),
        (step(101, stderr="error: other\n --> a.rs:1:1\n"), Outcome.WRONG, "there are: a.rs:1: other"),
        (step(134, stderr=REFUSED), Outcome.WRONG, "exit status 134, and 1 or 101 or 2 is expected"),
        (step(101, stderr=REFUSED + "error: internal compiler error: x"), Outcome.CRASH, "the compiler crashed"),
        (step(101, stderr="thread 'rustc' panicked\nnote: rustc unexpectedly panicked"), Outcome.CRASH, "the compiler"),
    ],
)
def test_one_that_is_not_refused_as_it_must(got: Step, outcome: Outcome, problem: str) -> None:
    found, problems = judge_refusal(got, REFUSAL)
    assert found is outcome
    assert problem in problems[0]


def test_what_a_compiler_says() -> None:
    assert judge_build(step(0, stdout="device 99", stderr="error: kernel `add`"), BUILD) == (Outcome.PASS, ())
    assert judge_build(step(0, stderr=""), BUILD)[0] is Outcome.WRONG
    assert judge_build(step(101), BUILD)[0] is Outcome.NOT_COMPILED
