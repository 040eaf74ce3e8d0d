"""The part of a Dockerfile before a failing step, so that its last good state can be looked at. Pure."""

from __future__ import annotations

import re

_STEP = re.compile(r"^\[(?:(?P<stage>[^\s\]]+) )?(?P<number>\d+)/\d+\]")
_FROM = re.compile(r"^FROM\s+\S+(?:\s+AS\s+(?P<name>\S+))?", re.IGNORECASE)
#: Instructions that BuildKit numbers as steps; others only change the configuration.
_NUMBERED = ("FROM", "RUN", "COPY", "ADD", "WORKDIR")


def instructions(text: str) -> list[str]:
    """A Dockerfile's instructions, each with its continuation lines; comments are left out."""
    found: list[str] = []
    current: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith("#") or (not current and not line.strip()):
            continue
        current.append(line)
        if not line.rstrip().endswith("\\"):
            found.append("\n".join(current))
            current = []
    return found


def before_step(text: str, step: str) -> str | None:
    """The Dockerfile up to the step before `step` (in BuildKit's words: `[stage 3/4] RUN ...`).

    None where the step is not one of this Dockerfile's, or the first of its stage.
    """
    wanted = _STEP.match(step)
    if wanted is None:
        return None
    kept: list[str] = []
    stage, index, number = "", -1, 0
    for instruction in instructions(text):
        word = instruction.split(maxsplit=1)[0].upper()
        if word == "FROM":
            found = _FROM.match(instruction)
            index += 1
            stage = (found and found["name"]) or f"stage-{index}"
            number = 0
        if word in _NUMBERED:
            number += 1
        if stage == (wanted["stage"] or "stage-0") and number == int(wanted["number"]):
            return "\n".join(kept) + "\n" if number > 1 else None
        kept.append(instruction)
    return None
