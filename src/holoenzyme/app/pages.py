"""The parts of docs/autodiff.md that are made of data: `lint` says what drifted, `lint --fix docs` writes them anew."""

from __future__ import annotations

import difflib
from pathlib import Path

from holoenzyme.matrix.limits import load_conventions, load_limits
from holoenzyme.matrix.smoke import load_smoke_tests
from holoenzyme.report.limits_text import FIX, PAGE, with_tables


def made(root: Path) -> str:
    """The page as the data have it."""
    limits = load_limits(root, load_smoke_tests(root))
    return with_tables((root / PAGE).read_text(encoding="utf-8"), limits, load_conventions(root))


def write(root: Path) -> None:
    """Make the page as the data have it."""
    text = made(root)
    if (root / PAGE).read_text(encoding="utf-8") != text:
        (root / PAGE).write_text(text, encoding="utf-8")


def drifted(root: Path) -> str:
    """What the page has otherwise than the data, as a diff; empty where that is nothing."""
    old, new = (root / PAGE).read_text(encoding="utf-8"), made(root)
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), PAGE, "its data", n=0, lineterm=""))
    return "\n".join([*lines, f"`{FIX}` writes it anew"]) if lines else ""
