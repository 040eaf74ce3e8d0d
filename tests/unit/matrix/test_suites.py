"""Packages from suites beside the base's own: what recipes say of them, and what cells say of recipes."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console
from tests.small_project import CELL, NEWER, cells_of, edit, write_suites

from holoenzyme.errors import UserError
from holoenzyme.matrix.explain import explain
from holoenzyme.matrix.recipe import PackageSet
from holoenzyme.report.matrix_table import explanation_text, listing
from holoenzyme.session import Project

RECIPE, MATRIX = "recipes/rustc/recipe.yaml", "matrix.yaml"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_suites(tmp_path)


def test_the_packages_of_a_cell_follow_its_version_of_rust(root: Path) -> None:
    project = Project(root)
    old, new = cells_of(project, CELL, NEWER)
    assert project.cookbook.package_set("rustc", old) == PackageSet(
        key="rustc/1.96", roots=("rustc-web",), by_rust=True
    )
    wanted = project.cookbook.package_set("rustc", new)
    assert wanted == PackageSet(key="rustc/1.98", roots=("rustc",), suites={"later": ("rustc", "libstd")}, by_rust=True)
    assert [wanted.suite_of(name) for name in ("rustc", "libstd", "libllvm22")] == ["later", "later", None]
    assert set(project.cookbook.package_sets(new)) == {"rustc/1.98", "llvm"}
    assert set(project.cookbook.package_sets(old)) == {"rustc/1.96", "llvm"}


def test_the_first_rule_that_is_for_a_cell_counts(root: Path) -> None:
    edit(root / RECIPE, '{rust: ["1.96"], packages', '{base: [book*], rust: ["1.9?"], packages')
    edit(root / MATRIX, "suites: [later], ", "")
    edit(root / MATRIX, "moves: it moves}", "moves: it moves}")
    with pytest.raises(UserError, match="no cell has packages of it"):
        _ = Project(root).cookbook
    edit(root / MATRIX, "suites:\n  later: {codename: late, moves: it moves}\n", "")
    edit(root / RECIPE, ", suites: {later: [rustc, libstd]}", "")
    project = Project(root)
    assert {project.cookbook.package_set("rustc", cell).roots for cell in cells_of(project, CELL, NEWER)} == {
        ("rustc-web",)
    }


def test_a_set_that_depends_on_the_base_alone_has_one_name(root: Path) -> None:
    edit(root / RECIPE, 'rust: ["1.96"], ', "base: [bookworm], ")
    edit(root / RECIPE, 'rust: ["1.98"], ', "")
    edit(root / MATRIX, "suites: [later], ", "")
    edit(root / MATRIX, "suites:\n  later: {codename: late, moves: it moves}\n", "")
    edit(root / RECIPE, ", suites: {later: [rustc, libstd]}", "")
    project = Project(root)
    (cell,) = cells_of(project, CELL)
    assert project.cookbook.package_set("rustc", cell) == PackageSet(key="rustc", roots=("rustc-web",))


def test_a_set_that_nobody_declares(root: Path) -> None:
    project = Project(root)
    (cell,) = cells_of(project, NEWER)
    with pytest.raises(UserError) as caught:
        project.cookbook.package_set("tools", cell)
    assert caught.value.what == (
        "no recipe says which packages are in the set 'tools' for distro with Rust 1.98 on bookworm"
    )


RULE = '    - {rust: ["1.98"], packages: [rustc], suites: {later: [rustc, libstd]}}\n'


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            RECIPE,
            "{later: [rustc",
            "{latre: [rustc",
            "2 problems\n"
            "recipes/rustc/recipe.yaml:9:52: packages_for.rustc[1].suites.latre: unknown suite 'latre'\n"
            "  why: `suites` of matrix.yaml has: later\n"
            "  fix: did you mean 'later'?\n"
            "matrix.yaml:40:81: cells[2].suites: says later, and packages of 'distro-1.98-host' come from latre\n"
            "  why: who reads the matrix sees which cells depend on suites beside those of their base\n"
            "  fix: write `suites: [latre]`",
        ),
        (
            RECIPE,
            RULE,
            "",
            "2 problems\n"
            "recipes/rustc/recipe.yaml:7:3: packages_for.rustc: some cells have no packages\n"
            "  why: they can be built, and no rule here is for them: distro-1.98-host\n"
            "  fix: add a rule\n"
            "matrix.yaml:40:81: cells[2].suites: says later, and packages of 'distro-1.98-host' come from none\n"
            "  why: who reads the matrix sees which cells depend on suites beside those of their base\n"
            "  fix: remove it",
        ),
        (
            RECIPE,
            '{rust: ["1.96"], packages',
            '{rust: ["1.96", "1.97"], packages',
            "recipes/rustc/recipe.yaml:8:23: packages_for.rustc[0].rust[1]: '1.97' matches no rust\n"
            "  why: they are: 1.96, 1.98\n"
            "  fix: did you mean '1.98' or '1.96'?",
        ),
        (
            RECIPE,
            '{rust: ["1.96"], packages',
            '{rust: ["1.96"], base: [bukworm], packages',
            "2 problems\n"
            "recipes/rustc/recipe.yaml:7:3: packages_for.rustc: some cells have no packages\n"
            "  why: they can be built, and no rule here is for them: distro-1.96-host, distro-1.96-sm_90\n"
            "  fix: add a rule\n"
            "recipes/rustc/recipe.yaml:8:31: packages_for.rustc[0].base[0]: 'bukworm' matches no base\n"
            "  why: they are: bookworm\n"
            "  fix: did you mean 'bookworm'?",
        ),
        (
            RECIPE,
            "[rustc, libstd]",
            "[rustc, libstd, rustc]",
            "recipes/rustc/recipe.yaml:9:75: packages_for.rustc[1].suites.later[2]: 'rustc' is here twice\n"
            "  why: it is at recipes/rustc/recipe.yaml:9:60 (packages_for.rustc[1].suites.later[0]) too; a package "
            "comes from one suite\n"
            "  fix: remove one",
        ),
        (
            RECIPE,
            "[rustc, libstd]",
            "['rustc *']",
            "recipes/rustc/recipe.yaml: 2 problems\n"
            "recipes/rustc/recipe.yaml:9:59: packages_for.rustc[1].suites.later: too few entries: 0, at least 1\n"
            "recipes/rustc/recipe.yaml:9:60: packages_for.rustc[1].suites.later[0]: 'rustc *' is not allowed\n"
            "  why: allowed: small letters, digits, '.', '+' and '-'",
        ),
        (
            RECIPE,
            "packages: [rustc], suites",
            "packages: [], suites",
            "recipes/rustc/recipe.yaml:9:34: packages_for.rustc[1].packages: too few entries: 0, at least 1",
        ),
        (
            RECIPE,
            "packages_for:\n",
            "packages:\n  rustc: [rustc-web]\npackages_for:\n",
            "recipes/rustc/recipe.yaml:9:3: packages_for.rustc: is a set of `packages` too\n"
            "  why: it is at recipes/rustc/recipe.yaml:7:10 (packages.rustc); a set has one place\n"
            "  fix: remove one",
        ),
        (
            RECIPE,
            "reason: not used}",
            "bases: [trixie], reason: not used}",
            "recipes/rustc/recipe.yaml:16:47: stages[0].values.exclude[0].bases[0]: 'trixie' matches no base\n"
            "  why: they are: bookworm",
        ),
        (
            "recipes/base/recipe.yaml",
            "  include_paths:",
            "  include_paths_for: {trixie: [/etc/x]}\n  include_paths:",
            "recipes/base/recipe.yaml:10:23: base.include_paths_for.trixie: unknown base 'trixie'\n"
            "  why: allowed: bookworm",
        ),
        (
            MATRIX,
            "target: host, suites: [later], status",
            "target: host, status",
            "matrix.yaml:8:3: suites.later: no cell has packages of it\n"
            "  fix: remove it, or name it in `suites:` of a cell",
        ),
        (
            MATRIX,
            "suites: [later], status",
            "suites: [latre], status",
            "matrix.yaml: 2 problems\n"
            "matrix.yaml:8:3: suites.later: no cell has packages of it\n"
            "  fix: remove it, or name it in `suites:` of a cell\n"
            "matrix.yaml:40:82: cells[2].suites[0]: unknown suite 'latre'\n"
            "  why: allowed: later\n"
            "  fix: did you mean 'later'?",
        ),
        (
            MATRIX,
            "codename: late,",
            "codename: bookworm,",
            "matrix.yaml:8:3: suites.later: is the suite of a base\n"
            "  why: matrix.yaml:6:43 (bases.bookworm.suite): what it has comes without being named",
        ),
        (
            MATRIX,
            "codename: late,",
            "codename: 'late; x',",
            "matrix.yaml:8:21: suites.later.codename: 'late; x' is not allowed\n"
            "  why: allowed: small letters, digits, and '-' between",
        ),
        (
            MATRIX,
            "{release: 1.98.0, llvm",
            "{release: 1.98.0, base: trixie, llvm",
            "matrix.yaml:11:35: rust[\"1.98\"].base: unknown base 'trixie'\n  why: allowed: bookworm",
        ),
    ],
)
def test_what_is_refused(root: Path, file: str, old: str, new: str, message: str) -> None:
    edit(root / file, old, new)
    with pytest.raises(UserError) as caught:
        _ = Project(root).cookbook
    assert str(caught.value) == message


def test_a_cell_that_does_not_say_where_its_packages_stand(root: Path) -> None:
    edit(root / MATRIX, "target: host, suites: [later], status", "target: host, status")
    edit(root / MATRIX, "target: sm_90, status: planned", "target: sm_90, suites: [later], status: planned")
    with pytest.raises(UserError) as caught:
        _ = Project(root).cookbook
    assert str(caught.value) == (
        "matrix.yaml:40:5: cells[2].suites: says none, and packages of 'distro-1.98-host' come from later\n"
        "  why: who reads the matrix sees which cells depend on suites beside those of their base\n"
        "  fix: write `suites: [later]`"
    )


def test_the_matrix_says_which_cells_depend_on_a_suite_that_moves(root: Path) -> None:
    matrix = Project(root).matrix
    console = Console(width=200, record=True, file=io.StringIO())
    for part in listing(matrix, matrix.all_cells(), date(2026, 11, 30)):
        console.print(part)
    (line,) = [line for line in console.export_text().splitlines() if line.startswith(NEWER)]
    assert line.rstrip().endswith("10 minutes to build; packages of later, which moves")
    text = explanation_text(explain(matrix, NEWER), date(2026, 11, 30))
    assert (
        "  packages of later: it moves\n"
        "    where they are gone, a store gives them, or a snapshot of later as of the day in matrix.lock\n"
    ) in text
    assert "packages of" not in explanation_text(explain(matrix, CELL), date(2026, 11, 30))


def test_a_suite_that_keeps_what_it_has_is_not_said_to_move(root: Path) -> None:
    edit(root / MATRIX, ", moves: it moves", "")
    matrix = Project(root).matrix
    assert matrix.moving(matrix.cell(NEWER)) == {} and matrix.cell(NEWER).suites == ("later",)


def test_ids_leave_out_the_base_that_a_version_of_rust_usually_has(root: Path) -> None:
    edit(root / MATRIX, "rust:\n", 'rust:\n  "1.99": {llvm: "22", base: new}\n')
    edit(
        root / MATRIX,
        "status: supported}\nsuites",
        "status: supported}\n  new: {distribution: debian, suite: new, "
        'release: "13", image: "debian:new", status: planned, reason: later}\nsuites',
    )
    edit(root / MATRIX, 'from source, rust: ["1.96"]', 'from source, rust: ["1.99"]')
    edit(
        root / MATRIX,
        "constraints: []",
        (
            "constraints:\n"
            '  - {id: x, excludes: {rust: ["1.96", "1.98"], base: [new]}, reason: r, link: "https://x", '
            "review_after: 2030-01-01}"
        ),
    )
    for target in ("host", "sm_90"):
        edit(
            root / MATRIX,
            f'{{id: patched-1.96-{target}, channel: patched, rust: "1.96", target: {target},',
            f'{{id: patched-1.99-{target}, channel: patched, rust: "1.99", target: {target},',
        )
        edit(
            root / MATRIX,
            f"  - {{id: patched-1.99-{target},",
            (
                f'  - {{id: patched-1.99-{target}-bookworm, channel: patched, rust: "1.99", base: bookworm, '
                f"target: {target}, status: planned, reason: r}}\n  - {{id: patched-1.99-{target},"
            ),
        )
    matrix = Project(root).matrix
    assert matrix.cell("patched-1.99-host").base == "new"
    assert matrix.cell("patched-1.99-host-bookworm").base == "bookworm"
    origins = {rule.axis: rule.origin for rule in explain(matrix, "patched-1.99-host").axes}
    assert origins["base"] == "default"
    assert {rule.axis: rule.origin for rule in explain(matrix, "patched-1.99-host-bookworm").axes}["base"] == "stated"
