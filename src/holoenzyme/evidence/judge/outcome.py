"""The vocabulary of outcomes: how one test ended in one cell."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """Every run ends in one of these; nothing is skipped silently."""

    PASS = "pass"
    #: It ran, and numbers differ, or its output is not what was agreed.
    WRONG = "wrong"
    #: It ran, and ended with a signal or an exit status other than 0.
    CRASH = "crash"
    #: It ran past its time limit.
    HANG = "hang"
    #: The compiler rejected it; for what must be refused, that is the pass.
    REFUSED = "refused"
    #: It should have compiled, and did not.
    NOT_COMPILED = "not-compiled"
    #: There is no such device here; the reason is said.
    NOT_EXECUTED = "not-executed"
    #: The machine, the engine, the network or a store failed, so nothing is known about the test.
    INFRASTRUCTURE = "infrastructure"

    @property
    def proves(self) -> bool:
        """Whether an image may get its name with it.

        Where a cell's device is in no container, its kernels are compiled, linked and inspected, and the record says
        that they were not executed.
        """
        return self in (Outcome.PASS, Outcome.NOT_EXECUTED)
