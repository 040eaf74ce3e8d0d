"""The GPUs that docs/offload.md names: what each needs, and what was done for it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from holoenzyme.matrix.model import MATRIX_NAME, Matrix, Status
from holoenzyme.matrix.recipe import Cookbook
from holoenzyme.report.page import put, table

PAGE = "docs/offload.md"


def core_processors(cookbook: Cookbook) -> Mapping[str, str | None]:
    """Rust's triples that `core` comes built for, each with the processor where it is for one alone."""
    values = (stage.values.get("core") for recipe in cookbook.recipes for stage in recipe.stages)
    return {triple: cpu for value in values if isinstance(value, dict) for triple, cpu in value.items()}


def targets_table(matrix: Matrix, core: Mapping[str, str | None]) -> str:
    """A row for each GPU: its version of PTX, whose `core`, whether images for it can be built, where kernels ran."""
    rows = []
    for name, target in matrix.targets.items():
        if target.kind == "cpu":
            continue
        ptx = matrix.ptx.processors.get(name) if matrix.ptx else None
        built = core.get(target.triple or "", "none") in (None, name)
        cells = [cell for cell in matrix.all_cells() if cell.target == name]
        supported = [f"`{cell.id}`" for cell in cells if cell.status is Status.SUPPORTED]
        rows.append(
            (
                f"`{name}`",
                target.summary,
                ptx or "",
                "in the image" if built else "compiled by `cargo offload`",
                ", ".join(supported) or "none yet",
                target.executed or "no: compiled, linked and inspected only" if supported else "no",
            )
        )
    return table(("`--device`", "GPU", "PTX", "`core`", "image", "executed"), rows)


def with_targets(page: str, matrix: Matrix, cookbook: Cookbook) -> str:
    """The page with the table as the data have it; raises `UserError` where it has no place for it."""
    return put(PAGE, page, "targets", MATRIX_NAME, targets_table(matrix, core_processors(cookbook)))
