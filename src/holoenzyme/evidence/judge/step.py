"""A step to be judged: how a container ended, and its output. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

_TAIL = 4000


class Ended(Enum):
    """How a container ended, which says nothing about numbers."""

    WELL = "with exit status 0"
    BADLY = "with another exit status, or a signal"
    LATE = "past its time limit"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One container run: its name in a check, the line that runs it again, how it ended, and all that it printed.

    `duration` and `limit` are in seconds.
    """

    name: str
    command: str
    returncode: int
    stdout: str
    stderr: str
    duration: float
    limit: float
    timed_out: bool = False

    @property
    def ended(self) -> Ended:
        """How it ended."""
        if self.timed_out:
            return Ended.LATE
        return Ended.WELL if self.returncode == 0 else Ended.BADLY

    @property
    def tail(self) -> str:
        """The end of what it printed, errors last."""
        return (self.stdout[-_TAIL:] + self.stderr[-_TAIL:])[-_TAIL:]
