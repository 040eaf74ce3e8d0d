"""From steps to a verdict: a fold over the steps of an image, and over the verdicts of a whole proof. Pure.

This package is all that judges. What it is given are data (steps, what is demanded of them, oracles); what it gives
says whether an image may have its name, and why not. The digest of a proof covers every module of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import assert_never

from holoenzyme.errors import InternalError
from holoenzyme.evidence.judge.contract import broken_terms
from holoenzyme.evidence.judge.demand import (
    Aborts,
    Compiles,
    Completes,
    Demand,
    IsRefused,
    Keeps,
    LoadsOneLlvm,
    Prints,
    right_of,
)
from holoenzyme.evidence.judge.identity import compare_identity, read_identity
from holoenzyme.evidence.judge.launches import Launch, judge_launches, read_launches
from holoenzyme.evidence.judge.messages import judge_abort, judge_build, judge_refusal
from holoenzyme.evidence.judge.numbers import Comparison, compare
from holoenzyme.evidence.judge.oracle import Oracle
from holoenzyme.evidence.judge.outcome import Outcome
from holoenzyme.evidence.judge.programs import Program, kernel_notes, missing_kernels
from holoenzyme.evidence.judge.step import Ended, Step


@dataclass(frozen=True, kw_only=True)
class Check:
    """A check of a cell's image: the steps by name, in their order, and the demands on each.

    Where `executes` is false, the programs are compiled and linked for `target`, and no device of it is here.
    """

    name: str
    demands: Mapping[str, Demand]
    target: str
    executes: bool = True

    @property
    def expected(self) -> Outcome:
        """The outcome that is right: that of the last step."""
        return right_of(list(self.demands.values())[-1])


@dataclass(frozen=True, kw_only=True)
class JudgedStep:
    """A step, and what it is worth by itself."""

    step: Step
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The verdict on checks: `outcome` is that of the first fault, else the `expected` one."""

    outcome: Outcome = Outcome.PASS
    expected: Outcome = Outcome.PASS
    steps: tuple[JudgedStep, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    problems: tuple[str, ...] = ()
    launches: tuple[Launch, ...] = ()
    notes: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong, though there may be no device to know more with."""
        return self.outcome in (self.expected, Outcome.NOT_EXECUTED)


def judge(
    check: Check, steps: Sequence[Step], *, oracle: Oracle | None = None, programs: Sequence[Program] = ()
) -> Verdict:
    """The verdict on a check, from the steps that were run for it and the programs that it made.

    `oracle` is needed where a step must print numbers. A step that is demanded and was not run, though those before it
    ended as they must, is wrong, and so is one that nobody demanded. Raises `InternalError` where the oracle is
    missing, and `UserError` where a tolerance is.
    """
    verdict = reduce(
        lambda so_far, step: _then(so_far, _judge_step(step, check, oracle)),
        steps,
        Verdict(outcome=check.expected, expected=check.expected),
    )
    missing = [name for name in check.demands if name not in {step.name for step in steps}]
    if verdict.holds and missing:
        verdict = _wrong(verdict, (f"{check.name}: not run, and it must be: {', '.join(missing)}",))
    if oracle is not None and oracle.launches:
        verdict = replace(verdict, notes=(*verdict.notes, *kernel_notes(programs, oracle.launches)))
        if verdict.holds:
            verdict = _wrong(verdict, missing_kernels(programs, oracle.launches))
    if verdict.holds and not check.executes:
        note = (
            f"{check.name} is compiled and linked for {check.target}, and not executed: no such device is in a "
            f"container of this project"
        )
        verdict = replace(verdict, outcome=Outcome.NOT_EXECUTED, notes=(*verdict.notes, note))
    return verdict


def conclude(checks: Sequence[Check], verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict of a whole proof, from those of its checks in their order.

    It is that of the first check with something wrong, and else `pass`, or `not-executed` where a device is missing for
    any. A check without a verdict is wrong, unless one before it was.
    """
    whole = reduce(_join, verdicts, Verdict())
    wrong = next((verdict for verdict in verdicts if not verdict.holds), None)
    if wrong is not None:
        return replace(whole, outcome=wrong.outcome, expected=wrong.expected)
    if not checks or len(verdicts) < len(checks):
        names = ", ".join(check.name for check in checks[len(verdicts) :]) or "anything"
        return _wrong(whole, (f"not checked, and it must be: {names}",))
    unexecuted = any(verdict.outcome is Outcome.NOT_EXECUTED for verdict in verdicts)
    return replace(whole, outcome=Outcome.NOT_EXECUTED if unexecuted else Outcome.PASS)


def _then(so_far: Verdict, finding: Verdict) -> Verdict:
    """The verdict on a check with one more step; the first fault decides."""
    outcome = so_far.outcome if finding.holds or not so_far.holds else finding.outcome
    return replace(_join(so_far, finding), outcome=outcome, expected=so_far.expected)


def _join(left: Verdict, right: Verdict) -> Verdict:
    """Everything of two verdicts but what they say of it all."""
    return Verdict(
        steps=left.steps + right.steps,
        comparisons=left.comparisons + right.comparisons,
        problems=left.problems + right.problems,
        launches=left.launches + right.launches,
        notes=left.notes + right.notes,
        versions={**left.versions, **right.versions},
    )


def _wrong(verdict: Verdict, problems: tuple[str, ...]) -> Verdict:
    """The verdict with these problems; the same where there are none."""
    if not problems:
        return verdict
    return replace(verdict, outcome=Outcome.WRONG, problems=(*verdict.problems, *problems))


def _judge_step(step: Step, check: Check, oracle: Oracle | None) -> Verdict:
    demand = check.demands.get(step.name)
    if demand is None:
        problem = f"{check.name}: {step.name} was run, and nobody demands it"
        return _verdict(step, Completes(failed=Outcome.CRASH), Outcome.WRONG, (problem,))
    match demand:
        case Completes():
            return _verdict(step, demand, Outcome.PASS)
        case Prints():
            return _judge_numbers(step, check, demand, oracle)
        case LoadsOneLlvm():
            found, versions = read_identity(step.stdout)
            problems = compare_identity(found)
            stated = {f"libLLVM of {item.who}": f"{item.soname} {item.build_id}" for item in found}
            judged = _verdict(step, demand, Outcome.WRONG if problems else Outcome.PASS, problems)
            return replace(judged, versions={**versions, **stated})
        case Keeps():
            problems = broken_terms(step, demand.terms)
            return _verdict(step, demand, Outcome.WRONG if problems else Outcome.PASS, problems)
        case Aborts():
            return _verdict(step, demand, *judge_abort(step, demand))
        case IsRefused():
            return _verdict(step, demand, *judge_refusal(step, demand))
        case Compiles():
            return _verdict(step, demand, *judge_build(step, demand))
        case _:
            assert_never(demand)


def _judge_numbers(step: Step, check: Check, demand: Prints, oracle: Oracle | None) -> Verdict:
    if oracle is None:
        raise InternalError(f"{check.name} prints numbers, and no oracle was given to compare them with")
    if step.ended is not Ended.WELL:
        return _verdict(step, demand, Outcome.CRASH)
    agreement = compare(step.stdout, oracle, demand.tolerances)
    launches = read_launches(step.stderr, agreement.devices, demand.symbol_prefix)
    problems = judge_launches(launches, oracle.launches, demand.device) if oracle.launches else ()
    right = agreement.is_whole and not problems
    judged = _verdict(step, demand, Outcome.PASS if right else Outcome.WRONG, (*agreement.problems, *problems))
    return replace(judged, comparisons=agreement.comparisons, launches=launches)


def _verdict(step: Step, demand: Demand, outcome: Outcome, problems: tuple[str, ...] = ()) -> Verdict:
    """The verdict of one step: `outcome` and `problems` are what its output is worth, where it came to an end.

    Past its limit it is a hang, whatever it printed; what messages are demanded of may end badly.
    """
    by_messages = isinstance(demand, Aborts | IsRefused | Compiles)
    if step.ended is Ended.LATE:
        outcome = Outcome.HANG
        said = (f"{step.name} ran past its limit of {step.limit:.0f} s",)
        problems = said if by_messages else (*said, *problems)
    elif step.ended is Ended.BADLY and not by_messages:
        outcome = demand.failed if isinstance(demand, Completes) else Outcome.CRASH
        problems = (f"{step.name} ended with exit status {step.returncode}: {step.tail[-1500:]}", *problems)
    return Verdict(
        outcome=outcome,
        expected=right_of(demand),
        steps=(JudgedStep(step=step, outcome=outcome),),
        problems=problems,
    )
