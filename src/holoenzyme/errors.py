"""The exit codes of commands, and the three classes of errors, which say whose turn it is."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar, Self


class ExitCode(IntEnum):
    """The exit codes of every command, each with what it says; the documentation's table is made of this one."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> Self:
        """A code that is a number, and knows its meaning."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    OK = 0, "done"
    FAILED = 1, "a test, a linter or a check failed"
    USER = 2, "the input is at fault"
    INFRASTRUCTURE = 3, "the machine, the engine, the network or a store is at fault"
    INTERNAL = 4, "the project is at fault: a wrong image, or a bug"
    INTERRUPTED = 130, "interrupted (Ctrl-C, or the request to end)"
    #: 128 + SIGPIPE, as the shell counts it.
    READER_GONE = 141, "the reader of the output went away"


class HoloenzymeError(Exception):
    """An error with its reason and its mend; the base of the three classes."""

    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL
    label: ClassVar[str] = "internal error"

    def __init__(self, what: str, *, why: str | None = None, fix: str | None = None) -> None:
        self.what = what
        self.why = why
        self.fix = fix
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what]
        if self.why:
            lines.append(f"  why: {self.why}")
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        return "\n".join(lines)


class UserError(HoloenzymeError):
    """The input is at fault: arguments, files, a lock that does not fit. The user can mend it."""

    exit_code = ExitCode.USER
    label = "error"


class InfrastructureError(HoloenzymeError):
    """The machine, the engine, the network or a store is at fault. Whoever runs the machine can mend it."""

    exit_code = ExitCode.INFRASTRUCTURE
    label = "infrastructure error"


class InternalError(HoloenzymeError):
    """The project is at fault: a bug, or an image that does not do what it must."""

    exit_code = ExitCode.INTERNAL
    label = "internal error"
