"""The cells that README.md names: those that can be built. Pure."""

from __future__ import annotations

from holoenzyme.matrix.model import MATRIX_NAME, Matrix, Status, Target
from holoenzyme.report.page import put, table

PAGE = "README.md"


def cells_table(matrix: Matrix) -> str:
    """A row for each cell that can be built, with the most that it takes: MB compressed, minutes on 2 cores."""
    rows = [
        (
            f"`{cell.id}`",
            matrix.channels[cell.channel].summary,
            _runs_on(matrix.targets[cell.target]),
            f"{cell.budget.compressed_mb} MB, {cell.budget.build_minutes} min" if cell.budget else "",
        )
        for cell in matrix.all_cells()
        if cell.status is Status.SUPPORTED
    ]
    return table(("cell", "compiler", "programs run on", "at most"), rows)


def _runs_on(target: Target) -> str:
    """The devices that programs of a cell run on; of a GPU also whether any did."""
    if target.kind == "cpu":
        return "CPU"
    return target.summary if target.executed else f"{target.summary} (not executed yet)"


def with_cells(page: str, matrix: Matrix) -> str:
    """The page with the table as the matrix has it; raises `UserError` where it has no place for it."""
    return put(PAGE, page, "cells", MATRIX_NAME, cells_table(matrix))
