"""The parts of pages that are made of data: `lint` says which drifted, `lint --fix docs` writes them anew."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path

from holoenzyme.matrix.limits import load_conventions, load_limits
from holoenzyme.matrix.model import MATRIX_NAME, load_matrix
from holoenzyme.matrix.recipe import load_cookbook
from holoenzyme.matrix.smoke import load_smoke_tests
from holoenzyme.report import cells_text, codes_text, limits_text, targets_text
from holoenzyme.report.page import FIX


def _limits(root: Path, page: str) -> str:
    limits = load_limits(root, load_smoke_tests(root))
    return limits_text.with_tables(page, limits, load_conventions(root))


def _cells(root: Path, page: str) -> str:
    return cells_text.with_cells(page, load_matrix(root / MATRIX_NAME))


def _targets(root: Path, page: str) -> str:
    return targets_text.with_targets(page, load_matrix(root / MATRIX_NAME), load_cookbook(root))


def _codes(root: Path, page: str) -> str:
    return codes_text.with_codes(page)


#: Pages, and what makes each as its data have it.
PAGES: Mapping[str, Callable[[Path, str], str]] = {
    limits_text.PAGE: _limits,
    cells_text.PAGE: _cells,
    codes_text.PAGE: _codes,
    targets_text.PAGE: _targets,
}


def write(root: Path) -> None:
    """Make the pages as the data have them."""
    for name, make in PAGES.items():
        old = (root / name).read_text(encoding="utf-8")
        new = make(root, old)
        if old != new:
            (root / name).write_text(new, encoding="utf-8")


def drifted(root: Path) -> str:
    """The difference between the pages and the data, as a diff; empty where they agree."""
    lines: list[str] = []
    for name, make in PAGES.items():
        old = (root / name).read_text(encoding="utf-8")
        new = make(root, old)
        lines += difflib.unified_diff(old.splitlines(), new.splitlines(), name, "its data", n=0, lineterm="")
    return "\n".join([*lines, f"`{FIX}` writes it anew"]) if lines else ""
