"""Demands on a cell, from its declarations: its identity, its contract, and smoke tests of each kind. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from holoenzyme.errors import InternalError
from holoenzyme.evidence.judge.contract import Term
from holoenzyme.evidence.judge.demand import Aborts, Compiles, Completes, Demand, IsRefused, Keeps, LoadsOneLlvm, Prints
from holoenzyme.evidence.judge.outcome import Outcome
from holoenzyme.evidence.judge.verdict import Check
from holoenzyme.matrix.placeholders import Names, fill
from holoenzyme.matrix.recipe import ContractRule
from holoenzyme.matrix.smoke import Phase, ProgramCase, SmokeCase, SmokeKind, SmokeRule, SmokeStep

IDENTITY = "identity"
CONTRACT = "contract"


def identity_check(target: str) -> Check:
    """rustc and libEnzyme are on one build of libLLVM."""
    return Check(name=IDENTITY, demands={IDENTITY: LoadsOneLlvm()}, target=target)


def contract_terms(rules: Sequence[ContractRule], names: Names) -> tuple[Term, ...]:
    """The terms of a contract; `names` is in place of placeholders."""
    return tuple(Term(name=rule.name, run=fill(rule.run, names), expect=fill(rule.expect, names)) for rule in rules)


def contract_check(terms: tuple[Term, ...], target: str) -> Check:
    """A cell's contract."""
    return Check(name=CONTRACT, demands={CONTRACT: Keeps(terms=terms)}, target=target)


def smoke_check(
    rule: SmokeRule,
    steps: Sequence[SmokeStep],
    *,
    target: str,
    device: str,
    tolerances: Mapping[str, tuple[float, float]],
    symbol_prefix: str,
) -> Check:
    """The demands of a smoke test on its steps. `device` is the kind of its device (`cpu`, `cuda`, `rocm`).

    A program that would have to be run, and has no step for it, has no device here.
    """
    executes = not rule.kind.traits.runs or any(step.phase is Phase.RUN for step in steps)
    numbers = Prints(tolerances=dict(tolerances), device=device, symbol_prefix=symbol_prefix)
    demands = {step.name: _demand(rule.kind, step, numbers) for step in steps}
    return Check(name=rule.name, demands=demands, target=target, executes=executes)


def _demand(kind: SmokeKind, step: SmokeStep, numbers: Prints) -> Demand:
    if step.case is None:
        match step.phase:
            case Phase.FETCH:
                # Nothing is known about a test whose dependencies could not be had.
                return Completes(failed=Outcome.INFRASTRUCTURE)
            case Phase.COMPILE:
                return Completes(failed=Outcome.NOT_COMPILED)
            case Phase.RUN:
                return numbers
            case _:
                assert_never(step.phase)
    match kind, step.case:
        case SmokeKind.REFUSED, ProgramCase():
            return IsRefused(expected=step.case.expected, never=step.case.never)
        case SmokeKind.CRASH, SmokeCase():
            return Aborts(says=step.case.says, never=step.case.never)
        case SmokeKind.BUILD, SmokeCase():
            return Compiles(says=step.case.says, never=step.case.never)
        case _:
            raise InternalError(f"a test of kind {kind} has no such cases, and {step.name} was judged")
