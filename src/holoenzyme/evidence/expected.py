"""Judging by messages: a program that must end itself, one that must not compile, and what a compiler says. Pure."""

from __future__ import annotations

import re

from holoenzyme.evidence.outcome import Outcome
from holoenzyme.execute.smoke import ABORTED, REFUSED, Ended, Step

_ICE = re.compile(r"internal compiler error|rustc unexpectedly panicked|query stack during panic")
_SPAN = re.compile(r"^\s*--> \S+:\d+:\d+$", re.MULTILINE)


def judge_crash(step: Step) -> tuple[Outcome, tuple[str, ...]]:
    """`crash` where a program ended itself (SIGABRT) with the messages of its case, and printed no result."""
    status = step.result.returncode
    if step.ended is Ended.WELL:
        return Outcome.WRONG, (f"{step.name}: it ended as if all were well: {step.tail[-300:]}",)
    problems = _messages(step)
    if status != ABORTED:
        problems.append(f"{step.name}: exit status {status}, and {ABORTED} (SIGABRT) is expected: {step.tail[-300:]}")
    if step.result.stdout:
        problems.append(f"{step.name}: it printed a result before it ended: {step.result.stdout[-300:]}")
    return (Outcome.WRONG if problems else Outcome.CRASH), tuple(problems)


def judge_refusal(step: Step) -> tuple[Outcome, tuple[str, ...]]:
    """`refused` where the compiler said why, with a place in the source, as the case has it."""
    messages, status = step.result.stderr, step.result.returncode
    if step.ended is Ended.WELL:
        return Outcome.WRONG, (f"{step.name}: it compiles, and must be refused",)
    if _ICE.search(messages):
        return Outcome.CRASH, (f"{step.name}: the compiler crashed: {step.tail[-600:]}",)
    problems = _messages(step)
    if status not in REFUSED:
        wanted = " or ".join(str(code) for code in REFUSED)
        problems.append(f"{step.name}: exit status {status}, and {wanted} is expected: {step.tail[-300:]}")
    if not _SPAN.search(messages):
        problems.append(f"{step.name}: the message names no place in the source: {messages[-300:]}")
    return (Outcome.WRONG if problems else Outcome.REFUSED), tuple(problems)


def judge_build(step: Step) -> tuple[Outcome, tuple[str, ...]]:
    """`pass` where a program compiles, and the compiler says what its case has."""
    if step.ended is not Ended.WELL:
        return Outcome.NOT_COMPILED, (f"{step.name}: exit status {step.result.returncode}: {step.tail[-600:]}",)
    problems = _messages(step)
    return (Outcome.WRONG if problems else Outcome.PASS), tuple(problems)


def _messages(step: Step) -> list[str]:
    if step.case is None:
        return []
    said = step.result.stdout + step.result.stderr
    return [
        *(f"{step.name}: it does not say {text!r}: {said[-600:]}" for text in step.case.says if text not in said),
        *(f"{step.name}: it says {text!r}" for text in step.case.never if text in said),
    ]
