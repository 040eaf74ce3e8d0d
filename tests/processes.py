"""Processes that tests start: how long they are waited for, and whether they are gone."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

#: Seconds after which a test takes something for hanging. Never a measure of speed: a loaded machine is slow, and what
#: does not hang ends long before. What has to be ended from outside sleeps for longer.
PATIENCE = 120.0


def is_gone(pid: int) -> bool:
    """Whether a process is gone, or will be: a killed one stays until its parent has looked.

    What nobody kills has to live for longer than `PATIENCE`, or it ends by itself and counts as gone.
    """
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        state = ""
        with contextlib.suppress(OSError):
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state in ("", "Z"):
            return True
        time.sleep(0.01)
    return False
