"""Several steps in one container: the script that runs them one after the other, and its output taken apart. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_MARK = "==holoenzyme-step"
#: Seconds between the request to end and the kill of a step that is past its limit.
GRACE = 5.0
#: Exit statuses of `timeout` for such a step: it ended when it was asked, or it was killed.
_LATE = (124, 137)
#: The exit status of what was killed, as a container gives it.
KILLED = 128 + 9
# The shell tells on its stderr which signal ended a step; it is no output of that step, so it goes nowhere. Only in a
# subshell is a redirection that of the step alone: dash redirects itself, and waits.
_HEAD = f"""exec 3>&2 2>/dev/null
temporary=${{TMPDIR:-/tmp}}
mark() {{ echo "{_MARK} $*"; echo "{_MARK} $*" >&3; }}
step() {{
    number=$1 limit=$2
    shift 2
    TMPDIR=$(mktemp -d -p "$temporary")
    export TMPDIR
    mark "$number"
    begun=$(date +%s.%N)
    (exec timeout -k {GRACE:g} "$limit" "$@" < /dev/null 2>&3 3>&-)
    set -- $? $begun $(date +%s.%N)
    echo; echo >&3
    mark "$number ended $*"
    rm -rf "$TMPDIR"
}}
"""
_ENDED = re.compile(rf"\n{_MARK} (\d+) ended (\d+) ([\d.]+) ([\d.]+)\n")


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """The words of a step, what is set in its environment, and its limit in seconds."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    limit: float


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a step, or a container, ended, and what it printed. `duration` is in seconds."""

    returncode: int
    stdout: str
    stderr: str
    duration: float
    timed_out: bool


def script(steps: Sequence[Invocation]) -> str:
    """Shell that runs each step with a folder of its own for temporary files, and ends it past its limit."""
    lines = []
    for number, step in enumerate(steps):
        settings = [f"{name}={value}" for name, value in sorted(step.env.items())]
        words = ["step", str(number), f"{step.limit:g}", *(("env", *settings) if settings else ()), *step.argv]
        lines.append(shlex.join(words) + "\n")
    return _HEAD + "".join(lines) + "exit 0\n"


def time_limit(steps: Sequence[Invocation]) -> float:
    """Seconds for a container that runs these steps: each has its limit, and time to be ended and cleaned up after."""
    return sum(step.limit + 2 * GRACE for step in steps)


def endings(steps: Sequence[Invocation], whole: Ending) -> tuple[Ending, ...]:
    """The endings of the steps in their order, by the output of their script's container (`whole`).

    There may be fewer than steps: where one took the container along, it is the last, and ended as the container did;
    nothing is known of those after it. None means that the script did not begin.
    """
    found: list[Ending] = []
    for number, step in enumerate(steps):
        out, err = _part(whole.stdout, number), _part(whole.stderr, number)
        if out is None and err is None:
            break
        printed, end = out or ("", None)
        said, _ = err or ("", None)
        if end is None:
            spent = sum(ending.duration for ending in found)
            found.append(
                Ending(
                    # The script ends with 0 after its last step alone, so this step ended it.
                    returncode=whole.returncode or KILLED,
                    stdout=printed,
                    stderr=said,
                    duration=max(0.0, whole.duration - spent),
                    timed_out=whole.timed_out,
                )
            )
            break
        status, duration = int(end[2]), max(0.0, float(end[4]) - float(end[3]))
        late = status in _LATE and duration >= step.limit
        found.append(Ending(returncode=status, stdout=printed, stderr=said, duration=duration, timed_out=late))
    return tuple(found)


def _part(text: str, number: int) -> tuple[str, re.Match[str] | None] | None:
    """The output of a step in a stream, and the mark at its end where there is one; none where it did not begin."""
    begin = re.search(rf"^{_MARK} {number}\n", text, re.MULTILINE)
    if begin is None:
        return None
    for end in _ENDED.finditer(text, begin.end() - 1):
        if int(end[1]) == number:
            return text[begin.end() : max(begin.end(), end.start())], end
    return text[begin.end() :], None
