"""Rules that reach across `matrix.yaml` and the recipes; each broken one is told with file, line and column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from holoenzyme.matrix.model import MATRIX_NAME, Matrix, Status
from holoenzyme.matrix.pattern import matches
from holoenzyme.matrix.recipe import Cookbook, Recipe
from holoenzyme.matrix.yamlfile import Loc, Problem, did_you_mean, tell


def check_together(root: Path, matrix: Matrix, cookbook: Cookbook) -> None:
    """Refuse recipes that name what the matrix does not have, and cells that do not say where their packages stand.

    Raises `UserError` with every problem.
    """
    found = {
        root / "recipes" / recipe.name / "recipe.yaml": list(_recipe(matrix, recipe)) for recipe in cookbook.recipes
    }
    found[root / MATRIX_NAME] = list(_cells(matrix, cookbook))
    tell({path: problems for path, problems in found.items() if problems})


def _recipe(matrix: Matrix, recipe: Recipe) -> Iterator[Problem]:
    for base in recipe.base.include_paths_for if recipe.base else ():
        if base not in matrix.bases:
            what, why = f"unknown base {base!r}", f"allowed: {', '.join(matrix.bases)}"
            at: Loc = ("base", "include_paths_for", base)
            yield Problem(at=at, on_key=True, what=what, why=why, fix=did_you_mean(base, matrix.bases))
    for number, stage in enumerate(recipe.stages):
        excluded = stage.values.get("exclude")
        for index, item in enumerate(excluded if isinstance(excluded, list) else ()):
            at = ("stages", number, "values", "exclude", index, "bases")
            yield from _globs(at, "base", item.get("bases"), matrix.bases)
    cells = [cell for cell in matrix.supported() if cell.channel in recipe.channels]
    for name, rules in recipe.packages_for.items():
        at = ("packages_for", name)
        for index, rule in enumerate(rules):
            yield from _globs((*at, index, "rust"), "rust", rule.rust, matrix.rust)
            yield from _globs((*at, index, "base"), "base", rule.base, matrix.bases)
            for suite in rule.suites:
                if suite not in matrix.suites:
                    yield Problem(
                        at=(*at, index, "suites", suite),
                        on_key=True,
                        what=f"unknown suite {suite!r}",
                        why=f"`suites` of {MATRIX_NAME} has: {', '.join(matrix.suites) or 'none'}",
                        fix=did_you_mean(suite, matrix.suites),
                    )
        without = [cell.id for cell in cells if recipe.package_set(name, cell) is None]
        if without:
            why = f"they can be built, and no rule here is for them: {', '.join(without)}"
            yield Problem(at=at, on_key=True, what="some cells have no packages", why=why, fix="add a rule")


def _globs(at: Loc, axis: str, patterns: Iterable[str] | None, values: Mapping[str, object]) -> Iterator[Problem]:
    for position, pattern in enumerate(patterns or ()):
        if not any(matches(value, [pattern]) for value in values):
            what, why = f"{pattern!r} matches no {axis}", f"they are: {', '.join(values)}"
            yield Problem(at=(*at, position), what=what, why=why, fix=did_you_mean(pattern, values))


def _cells(matrix: Matrix, cookbook: Cookbook) -> Iterator[Problem]:
    for index, cell in enumerate(matrix.all_cells()):
        if cell.status is not Status.SUPPORTED:
            continue
        taken = sorted({suite for item in cookbook.package_sets(cell).values() for suite in item.suites})
        if sorted(cell.suites) != taken:
            says, is_so = (", ".join(names) or "none" for names in (cell.suites, taken))
            yield Problem(
                at=("cells", index, "suites"),
                what=f"says {says}, and packages of {cell.id!r} come from {is_so}",
                why="who reads the matrix sees which cells depend on suites beside those of their base",
                fix=f"write `suites: [{', '.join(taken)}]`" if taken else "remove it",
            )
