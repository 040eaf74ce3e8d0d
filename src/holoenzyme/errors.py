"""The three classes of errors, and their exit codes.

| class | exit code | who can mend it |
|---|---|---|
| `UserError` | 2 | the user: input, arguments, a lock that does not fit |
| `InfrastructureError` | 3 | whoever runs the machine: engine down, no network, disk full |
| `InternalError` | 4 | the project: what it built is wrong, or a bug |
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """Exit codes of every command; `FAILED` is for a test, a linter or a check."""

    OK = 0
    FAILED = 1
    USER = 2
    INFRASTRUCTURE = 3
    INTERNAL = 4
    INTERRUPTED = 130


class HoloenzymeError(Exception):
    """What failed, why, and what to do about it; the base of the three classes."""

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
    """The input is at fault."""

    exit_code = ExitCode.USER
    label = "error"


class InfrastructureError(HoloenzymeError):
    """The machine, the engine, the network or a store is at fault."""

    exit_code = ExitCode.INFRASTRUCTURE
    label = "infrastructure error"


class InternalError(HoloenzymeError):
    """The project is at fault: a bug, or an image that does not do what it must."""

    exit_code = ExitCode.INTERNAL
    label = "internal error"
