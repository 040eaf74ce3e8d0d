"""Reading the oracle of a smoke test, which is a Python file of its own: the one place that runs it."""

from __future__ import annotations

import runpy
from pathlib import Path

from holoenzyme.errors import UserError
from holoenzyme.evidence.judge.oracle import Oracle, oracle_of


def load_oracle(path: Path) -> Oracle:
    """The oracle in a file; raises `UserError` where the file cannot be run, or what it states does not fit."""
    try:
        names = runpy.run_path(str(path))
    except Exception as error:
        raise UserError(
            f"{path}: the oracle cannot be read", why=f"{type(error).__name__}: {error}", fix="mend the file"
        ) from error
    return oracle_of(str(path), names)
