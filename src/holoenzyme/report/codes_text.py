"""The table of exit codes in the documentation for developers. Pure."""

from __future__ import annotations

from holoenzyme.errors import ExitCode, InfrastructureError, InternalError, UserError
from holoenzyme.report.page import put, table

PAGE = "docs/developing.md"
SOURCE = "src/holoenzyme/errors.py"


def codes_table() -> str:
    """A row for each exit code: what it says, and the class of errors that ends with it."""
    classes = {error.exit_code: f"`{error.__name__}`" for error in (UserError, InfrastructureError, InternalError)}
    classes[ExitCode.INTERNAL] += ", and every exception that nobody expected"
    rows = [(str(code.value), code.meaning, classes.get(code, "")) for code in ExitCode]
    return table(("code", "meaning", "error class"), rows)


def with_codes(page: str) -> str:
    """The page with the table as the program has it; raises `UserError` where it has no place for it."""
    return put(PAGE, page, "exit codes", SOURCE, codes_table())
