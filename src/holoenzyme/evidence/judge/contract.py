"""An image's contract: the script that runs all of it in one container, and the terms that are broken. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from holoenzyme.evidence.judge.step import Ended, Step

#: Seconds for the whole contract of an image.
LIMIT = 300.0
_MARK = "==holoenzyme-contract"


@dataclass(frozen=True, kw_only=True)
class Term:
    """A command that must end with exit status 0, and the text that must be in what it prints."""

    name: str
    run: str
    expect: str


def script(terms: Sequence[Term]) -> str:
    """Shell that runs each command in an empty folder of its own, below the current one."""
    return "".join(
        # The group's status is kept in a variable: the `echo` that ends its last line has one of its own.
        f"mkdir {number}; echo {_MARK} {number}; "
        f"(cd {number} && {term.run}) 2>&1; status=$?; echo; echo {_MARK} status $status\n"
        for number, term in enumerate(terms)
    )


def broken_terms(step: Step, terms: Sequence[Term]) -> tuple[str, ...]:
    """Which terms did not hold in a run of the script, in words."""
    problems = [] if step.ended is not Ended.LATE else [f"the contract took more than {step.limit:.0f} s"]
    parts = step.stdout.split(f"{_MARK} ")
    answers: dict[int, tuple[str, int]] = {}
    for begin, end in zip(parts[1::2], parts[2::2], strict=False):
        index, _, printed = begin.partition("\n")
        answers[int(index)] = (printed, int(end.split()[1]))
    for number, term in enumerate(terms):
        output, status = answers.get(number, ("", -1))
        if status != 0 or term.expect not in output:
            problems.append(
                f"contract {term.name!r}: exit status {status}, {term.expect!r} expected in: {output.strip()[-300:]}"
            )
    return tuple(problems)
