"""Judging by messages: of a program that must end itself, of one that must not compile, and of a compiler. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from holoenzyme.evidence.judge.demand import Aborts, Compiles, IsRefused
from holoenzyme.evidence.judge.diagnostics import missing
from holoenzyme.evidence.judge.outcome import Outcome
from holoenzyme.evidence.judge.step import Ended, Step

#: The exit status of a program that ended itself (SIGABRT), as a container gives it.
ABORTED = 128 + 6
#: The exit statuses where rustc refuses something: its own, cargo's, and that of `cargo offload` for a kernel.
REFUSED = (1, 101, 2)
_ICE = re.compile(r"internal compiler error|rustc unexpectedly panicked|query stack during panic")
_SPAN = re.compile(r"^\s*--> \S+:\d+:\d+$", re.MULTILINE)


def judge_abort(step: Step, demand: Aborts) -> tuple[Outcome, tuple[str, ...]]:
    """`crash` where a program ended itself (SIGABRT) with the messages of its case, and printed no result."""
    if step.ended is Ended.WELL:
        return Outcome.WRONG, (f"{step.name}: it ended as if all were well: {step.tail[-300:]}",)
    problems = _messages(step, demand)
    if step.returncode != ABORTED:
        problems.append(
            f"{step.name}: exit status {step.returncode}, and {ABORTED} (SIGABRT) is expected: {step.tail[-300:]}"
        )
    if step.stdout:
        problems.append(f"{step.name}: it printed a result before it ended: {step.stdout[-300:]}")
    return (Outcome.WRONG if problems else Outcome.CRASH), tuple(problems)


def judge_refusal(step: Step, demand: IsRefused) -> tuple[Outcome, tuple[str, ...]]:
    """`refused` where the compiler said why, at the lines that the program's file has it for."""
    messages = step.stderr
    if step.ended is Ended.WELL:
        return Outcome.WRONG, (f"{step.name}: it compiles, and must be refused",)
    if _ICE.search(messages):
        return Outcome.CRASH, (f"{step.name}: the compiler crashed: {step.tail[-600:]}",)
    problems = [f"{step.name}: {problem}" for problem in missing(demand.expected, messages)]
    problems += _unwanted(step, demand.never)
    if step.returncode not in REFUSED:
        wanted = " or ".join(str(code) for code in REFUSED)
        problems.append(f"{step.name}: exit status {step.returncode}, and {wanted} is expected: {step.tail[-300:]}")
    if not _SPAN.search(messages):
        problems.append(f"{step.name}: the message names no place in the source: {messages[-300:]}")
    return (Outcome.WRONG if problems else Outcome.REFUSED), tuple(problems)


def judge_build(step: Step, demand: Compiles) -> tuple[Outcome, tuple[str, ...]]:
    """`pass` where a program compiles, and the compiler says what its case has."""
    if step.ended is not Ended.WELL:
        return Outcome.NOT_COMPILED, (f"{step.name}: exit status {step.returncode}: {step.tail[-600:]}",)
    problems = _messages(step, demand)
    return (Outcome.WRONG if problems else Outcome.PASS), tuple(problems)


def _messages(step: Step, demand: Aborts | Compiles) -> list[str]:
    said = step.stdout + step.stderr
    return [
        *(f"{step.name}: it does not say {text!r}: {said[-600:]}" for text in demand.says if text not in said),
        *_unwanted(step, demand.never),
    ]


def _unwanted(step: Step, never: Sequence[str]) -> Iterator[str]:
    said = step.stdout + step.stderr
    return (f"{step.name}: it says {text!r}" for text in never if text in said)
