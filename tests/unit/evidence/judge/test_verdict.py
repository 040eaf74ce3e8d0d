"""From steps to a verdict: what is demanded must be there, and the first thing that is wrong decides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holoenzyme.errors import InternalError
from holoenzyme.evidence.judge.contract import Term
from holoenzyme.evidence.judge.demand import Aborts, Compiles, Completes, Demand, IsRefused, Keeps, LoadsOneLlvm, Prints
from holoenzyme.evidence.judge.oracle import Oracle
from holoenzyme.evidence.judge.outcome import Outcome
from holoenzyme.evidence.judge.programs import Program
from holoenzyme.evidence.judge.step import Ended, Step
from holoenzyme.evidence.judge.verdict import Check, Verdict, conclude, judge
from holoenzyme.matrix.annotations import Expected, Level

COMPILE = Completes(failed=Outcome.NOT_COMPILED)
PRINTS = Prints(tolerances={"exact": (1e-6, 0.0)}, device="cpu", symbol_prefix="__")
REFUSAL = IsRefused(expected=(Expected(file="src/a.rs", line=1, level=Level.ERROR, text="no"),))
ORACLE = Oracle(values={"pi": [3.0]}, values_tolerance="exact")
KERNELS = replace(ORACLE, launches={"add": 1})
PRINTED = '{"case": "pi", "values": [3.0]}\n{"done": 1}\n'
REFUSED = "error: no\n --> src/a.rs:1:2\n"
PROGRAM = Program(name="prog", image="image 0", kernels={"add": "8 at 0"})


def check(*, executes: bool = True, **demands: Demand) -> Check:
    return Check(name="test", demands=demands, target="sm_90", executes=executes)


def step(name: str, returncode: int = 0, *, stdout: str = "", stderr: str = "", timed_out: bool = False) -> Step:
    return Step(
        name=name,
        command="docker run",
        returncode=returncode,
        stdout=stdout,
        stderr=stderr,
        duration=0.1,
        limit=5,
        timed_out=timed_out,
    )


NUMBERS = check(compile=COMPILE, run=PRINTS)


@pytest.mark.parametrize(
    ("returncode", "timed_out", "ended"),
    [(0, False, Ended.WELL), (1, False, Ended.BADLY), (139, False, Ended.BADLY), (0, True, Ended.LATE)],
)
def test_how_a_step_ended(returncode: int, timed_out: bool, ended: Ended) -> None:
    assert step("run", returncode, timed_out=timed_out).ended is ended


def test_the_end_of_what_a_step_printed_has_the_errors_last() -> None:
    tail = step("run", stdout="o" * 5000, stderr="e" * 100).tail
    assert len(tail) == 4000 and tail.endswith("oo" + "e" * 100)


def test_right_numbers_pass() -> None:
    verdict = judge(NUMBERS, [step("compile"), step("run", stdout=PRINTED)], oracle=ORACLE)
    assert (verdict.outcome, verdict.expected, verdict.problems, verdict.holds) == (
        Outcome.PASS,
        Outcome.PASS,
        (),
        True,
    )
    assert [(one.case, one.ok) for one in verdict.comparisons] == [("pi", True)]
    assert [(one.step.name, one.outcome) for one in verdict.steps] == [("compile", Outcome.PASS), ("run", Outcome.PASS)]


@pytest.mark.parametrize(
    ("demand", "bad", "outcome", "problem"),
    [
        (Completes(failed=Outcome.INFRASTRUCTURE), step("a", 1), Outcome.INFRASTRUCTURE, "a ended with exit status 1"),
        (COMPILE, step("a", 101, stderr="E0308"), Outcome.NOT_COMPILED, "a ended with exit status 101: E0308"),
        (COMPILE, step("a", timed_out=True), Outcome.HANG, "a ran past its limit of 5 s"),
        (PRINTS, step("a", 139), Outcome.CRASH, "a ended with exit status 139"),
        (PRINTS, step("a", stdout='{"done": 0}\n'), Outcome.WRONG, "pi: missing"),
        (PRINTS, step("a", stdout=PRINTED, timed_out=True), Outcome.HANG, "a ran past its limit of 5 s"),
        (LoadsOneLlvm(), step("a"), Outcome.WRONG, "libLLVM's identity is known for nothing"),
        (LoadsOneLlvm(), step("a", 127, stderr="no rustc"), Outcome.CRASH, "exit status 127: no rustc"),
        (Keeps(terms=(Term(name="t", run="x", expect="y"),)), step("a"), Outcome.WRONG, "contract 't'"),
        (Aborts(says=()), step("a"), Outcome.WRONG, "it ended as if all were well"),
        (Aborts(says=()), step("a", 134, timed_out=True), Outcome.HANG, "a ran past its limit of 5 s"),
        (REFUSAL, step("a"), Outcome.WRONG, "it compiles, and must be refused"),
        (REFUSAL, step("a", 101, stderr=REFUSED, timed_out=True), Outcome.HANG, "a ran past its limit"),
        (Compiles(says=()), step("a", 1), Outcome.NOT_COMPILED, "a: exit status 1"),
        (Compiles(says=("x",)), step("a"), Outcome.WRONG, "it does not say 'x'"),
    ],
)
def test_what_does_not_meet_its_demand(demand: Demand, bad: Step, outcome: Outcome, problem: str) -> None:
    verdict = judge(check(a=demand), [bad], oracle=ORACLE)
    assert verdict.outcome is outcome and not verdict.holds
    assert problem in verdict.problems[0]
    assert [one.outcome for one in verdict.steps] == [outcome]


def test_the_first_thing_that_is_wrong_decides() -> None:
    cases = check(a=REFUSAL, b=REFUSAL, c=REFUSAL)
    right, compiles, hangs = step("a", 101, stderr=REFUSED), step("b"), step("c", timed_out=True)
    verdict = judge(cases, [right, compiles, hangs])
    assert (verdict.outcome, verdict.expected) == (Outcome.WRONG, Outcome.REFUSED)
    assert [one.outcome for one in verdict.steps] == [Outcome.REFUSED, Outcome.WRONG, Outcome.HANG]
    assert len(verdict.problems) == 2
    assert judge(cases, [step(name, 101, stderr=REFUSED) for name in "abc"]).outcome is Outcome.REFUSED


@pytest.mark.parametrize("executes", [True, False])
def test_what_is_demanded_and_was_not_run_is_wrong(executes: bool) -> None:
    wanted = check(executes=executes, compile=COMPILE, run=PRINTS)
    verdict = judge(wanted, [step("compile")], oracle=ORACLE)
    assert (verdict.outcome, verdict.problems) == (Outcome.WRONG, ("test: not run, and it must be: run",))
    assert judge(wanted, [], oracle=ORACLE).outcome is Outcome.WRONG


def test_what_comes_after_a_step_that_failed_is_not_missed() -> None:
    verdict = judge(NUMBERS, [step("compile", 1)], oracle=ORACLE)
    assert verdict.outcome is Outcome.NOT_COMPILED and len(verdict.problems) == 1


def test_what_nobody_demanded_is_wrong() -> None:
    verdict = judge(check(compile=COMPILE), [step("compile"), step("run")])
    assert (verdict.outcome, verdict.problems) == (Outcome.WRONG, ("test: run was run, and nobody demands it",))


def test_numbers_need_an_oracle() -> None:
    with pytest.raises(InternalError, match="no oracle was given"):
        judge(NUMBERS, [step("compile"), step("run", stdout=PRINTED)])


def test_a_device_that_is_not_here() -> None:
    compiled = check(executes=False, compile=COMPILE)
    verdict = judge(compiled, [step("compile")], oracle=KERNELS, programs=[PROGRAM])
    assert (verdict.outcome, verdict.problems, verdict.holds) == (Outcome.NOT_EXECUTED, (), True)
    assert verdict.notes[0] == "prog: image 0: kernel add(8 at 0)"
    assert verdict.notes[1].startswith("test is compiled and linked for sm_90, and not executed: ")
    assert judge(compiled, [step("compile", 1)], oracle=KERNELS).outcome is Outcome.NOT_COMPILED


@pytest.mark.parametrize(
    ("programs", "problem"),
    [
        ([], "no program was found that could hold the kernels add"),
        ([replace(PROGRAM, kernels={})], "prog: image 0 has no kernel 'add'; its kernels: none"),
        ([PROGRAM, Program(name="other", problems=("damaged",))], "other: damaged"),
    ],
)
def test_kernels_must_be_in_the_program(programs: list[Program], problem: str) -> None:
    verdict = judge(check(executes=False, compile=COMPILE), [step("compile")], oracle=KERNELS, programs=programs)
    assert (verdict.outcome, verdict.problems) == (Outcome.WRONG, (problem,))


def test_right_numbers_without_a_launch_are_wrong() -> None:
    ran = [step("compile"), step("run", stdout=PRINTED)]
    verdict = judge(NUMBERS, ran, oracle=KERNELS, programs=[PROGRAM])
    assert verdict.outcome is Outcome.WRONG
    assert verdict.problems == ("the runtime launched add 0 times, and 1 are expected",)


# Of a whole proof

PASSED = Verdict()
REJECTED = Verdict(outcome=Outcome.REFUSED, expected=Outcome.REFUSED)
UNEXECUTED = Verdict(outcome=Outcome.NOT_EXECUTED)
BROKEN = Verdict(outcome=Outcome.WRONG, problems=("p",))


@pytest.mark.parametrize(
    ("verdicts", "outcome"),
    [
        ([PASSED, PASSED], Outcome.PASS),
        ([REJECTED, PASSED], Outcome.PASS),
        ([PASSED, REJECTED], Outcome.PASS),
        ([UNEXECUTED, PASSED], Outcome.NOT_EXECUTED),
        ([PASSED, UNEXECUTED], Outcome.NOT_EXECUTED),
        ([PASSED, BROKEN], Outcome.WRONG),
        ([UNEXECUTED, BROKEN], Outcome.WRONG),
        ([REJECTED, BROKEN], Outcome.WRONG),
        ([BROKEN], Outcome.WRONG),
        ([PASSED], Outcome.WRONG),
        ([UNEXECUTED], Outcome.WRONG),
        ([], Outcome.WRONG),
    ],
)
def test_a_proof_is_all_of_its_checks(verdicts: list[Verdict], outcome: Outcome) -> None:
    verdict = conclude([NUMBERS, check(contract=COMPILE)], verdicts)
    assert verdict.outcome is outcome
    assert bool(verdict.problems) is (outcome is Outcome.WRONG)


def test_a_proof_without_checks_proves_nothing() -> None:
    assert not conclude([], []).outcome.proves


def test_a_proof_says_what_was_expected_where_it_went_wrong() -> None:
    wrong = replace(REJECTED, outcome=Outcome.CRASH)
    assert conclude([NUMBERS, NUMBERS], [PASSED, wrong]).expected is Outcome.REFUSED


def test_a_proof_has_everything_that_its_checks_have() -> None:
    first = judge(NUMBERS, [step("compile"), step("run", stdout=PRINTED)], oracle=ORACLE)
    second = judge(check(executes=False, compile=COMPILE), [step("compile")], oracle=KERNELS, programs=[PROGRAM])
    whole = conclude([NUMBERS, NUMBERS], [replace(first, versions={"rustc": "1"}), second])
    assert [one.step.name for one in whole.steps] == ["compile", "run", "compile"]
    assert whole.comparisons == first.comparisons and whole.notes == second.notes
    assert whole.versions == {"rustc": "1"}
