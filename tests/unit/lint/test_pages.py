"""Documentation that is made of data: the tables, their places in the page, and what drifted."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from holoenzyme.errors import UserError
from holoenzyme.lint import linters, pages
from holoenzyme.matrix.limits import (
    CONVENTIONS_PATH,
    LIMITS_PATH,
    Conventions,
    Limits,
    load_conventions,
    load_limits,
)
from holoenzyme.matrix.model import MATRIX_NAME, Matrix, Status, load_matrix
from holoenzyme.matrix.smoke import ProgramCase, load_smoke_tests
from holoenzyme.matrix.yamlfile import parse_model
from holoenzyme.report import codes_text, targets_text
from holoenzyme.report.cells_text import cells_table, with_cells
from holoenzyme.report.limits_text import PAGE, conventions_table, limits_table, with_tables
from holoenzyme.report.page import FIX
from holoenzyme.report.targets_text import targets_table

PLACES = "".join(
    f"# {name}\n<!-- {name}: made of {path} by `{FIX}`; change that file -->\nold\n<!-- end of {name} -->\n"
    for name, path in (("limits", LIMITS_PATH), ("conventions", CONVENTIONS_PATH))
)
CELLS = f"<!-- cells: made of matrix.yaml by `{FIX}`; change that file -->\nolder\n<!-- end of cells -->\n"
CODES = (
    f"<!-- exit codes: made of {codes_text.SOURCE} by `{FIX}`; change that file -->\n"
    "oldest\n<!-- end of exit codes -->\n"
)
TARGETS = f"<!-- targets: made of matrix.yaml by `{FIX}`; change that file -->\noldish\n<!-- end of targets -->\n"
LIMITS = Limits.model_validate(
    {"schema": 1, "limits": [{"kind": "maps", "what": "a | b", "instead": "x\n y", "test": "t", "case": "c"}]}
)
CONVENTIONS = Conventions.model_validate(
    {
        "schema": 1,
        "conventions": [
            {"name": "a", "function": "f(x)", "at": "x = 0", "value": -math.inf, "forward": [1, 0], "why": "w"},
            {
                "name": "b",
                "function": "g(x)",
                "at": "x = 0",
                "value": 0.5,
                "forward": [math.nan],
                "reverse": [math.inf],
                "why": "w",
            },
        ],
    }
)


def test_a_row_for_each_limit() -> None:
    assert limits_table(LIMITS).splitlines()[2] == "| maps | a \\| b | x y | `t`, c |"


def test_a_row_for_each_convention() -> None:
    first, second = conventions_table(CONVENTIONS).splitlines()[2:]
    assert first == "| `f(x)` | x = 0 | -∞ | 1, 0 | w |"
    assert second == "| `g(x)` | x = 0 | 0.5 | NaN forward, ∞ reverse | w |"


def test_tables_take_their_places_and_nothing_else_changes() -> None:
    page = with_tables(f"before\n{PLACES}after\n", LIMITS, CONVENTIONS)
    assert page.startswith("before\n# limits\n<!-- limits") and page.endswith("<!-- end of conventions -->\nafter\n")
    assert "old" not in page and "| maps |" in page and "| `f(x)` |" in page
    assert with_tables(page, LIMITS, CONVENTIONS) == page


@pytest.mark.parametrize("page", ["", PLACES * 2, PLACES.replace("<!-- end of limits -->\n", "")])
def test_a_page_without_the_places_is_refused(page: str) -> None:
    with pytest.raises(UserError, match="no place for the table of limits"):
        with_tables(page, LIMITS, CONVENTIONS)


def test_a_row_for_each_cell_that_can_be_built(root: Path) -> None:
    real = load_matrix(root / MATRIX_NAME)
    built = [cell.id for cell in real.all_cells() if cell.status is Status.SUPPORTED]
    assert [row.split("`")[1] for row in cells_table(real).splitlines()[2:]] == built
    assert with_cells(CELLS, real).splitlines()[1] == "| cell | compiler | programs run on | at most |"


def test_a_row_for_each_gpu_says_what_it_needs_and_whether_it_ran() -> None:
    text = (Path(__file__).parents[1] / "matrix/small.yaml").read_text()
    core = {"nvptx64-nvidia-cuda": None}

    def matrix(*changes: tuple[str, str]) -> Matrix:
        changed = text
        for old, new in changes:
            assert changed.count(old) == 1
            changed = changed.replace(old, new)
        return parse_model(changed, MATRIX_NAME, Matrix)

    row = "| `sm_90` | a card | 7.8 | in the image | none yet | no |"
    assert targets_table(matrix(), core).splitlines()[2:] == [row]
    for other in ({}, {"nvptx64-nvidia-cuda": "sm_80"}):
        assert "| compiled by `cargo offload` |" in targets_table(matrix(), other)
    supported = "supported, budget: {compressed_mb: 1, build_minutes: 1}}"
    proved = [
        ("status: planned, reason: not written yet", "status: supported"),
        ("target: sm_90, status: planned, reason: no recipe}", f"target: sm_90, status: {supported}"),
    ]
    built = matrix(*proved)
    assert "| `b-1.96-sm_90` | no: compiled, linked and inspected only |" in targets_table(built, core)
    assert "| a card (not executed yet) |" in cells_table(built)
    ran = matrix(*proved, ("summary: a card", "summary: a card, executed: on one"))
    assert "| `b-1.96-sm_90` | on one |" in targets_table(ran, core)
    assert "| a card |" in cells_table(ran)


def test_what_drifted_is_said_and_written_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, root: Path) -> None:
    monkeypatch.setattr(pages, "load_limits", lambda root, tests: LIMITS)
    monkeypatch.setattr(pages, "load_conventions", lambda root: CONVENTIONS)
    (tmp_path / "docs").mkdir()
    (tmp_path / PAGE).write_text(PLACES)
    (tmp_path / "README.md").write_text(CELLS)
    (tmp_path / codes_text.PAGE).write_text(CODES)
    (tmp_path / targets_text.PAGE).write_text(TARGETS)
    (tmp_path / MATRIX_NAME).write_text((root / MATRIX_NAME).read_text())
    for folder in ("recipes", "images"):
        (tmp_path / folder).symlink_to(root / folder)
    drift = pages.drifted(tmp_path)
    assert "-old" in drift and "+| maps |" in drift and FIX in drift
    assert "-older" in drift and "+| cell |" in drift
    assert "-oldish" in drift and "+| `--device` | GPU |" in drift
    assert "-oldest" in drift and "+| 2 | the input is at fault | `UserError` |" in drift
    pages.write(tmp_path)
    assert pages.drifted(tmp_path) == ""
    assert "docs" in [linter.name for linter in linters.LINTERS]


def test_a_limit_without_its_test_is_refused(root: Path, tmp_path: Path) -> None:
    path = tmp_path / LIMITS_PATH
    path.parent.mkdir(parents=True)
    text = (root / LIMITS_PATH).read_text()
    path.write_text(text.replace("case: mapped", "case: nowhere"))
    with pytest.raises(UserError, match="names the case 'nowhere'"):
        load_limits(tmp_path, load_smoke_tests(root))


def test_the_page_is_as_its_data_have_it(root: Path) -> None:
    assert pages.drifted(root) == ""


def test_every_convention_and_every_limit_is_tested(root: Path) -> None:
    source = (root / "smoke_tests/autodiff/singular/src/main.rs").read_text()
    for one in load_conventions(root).conventions:
        assert f"!({one.name.replace('-', '_')}," in source
    tests = load_smoke_tests(root)
    refused = next(test for test in tests if test.rule.name == "autodiff-refused")
    cases = refused.case_names
    assert cases == {path.stem for path in (refused.folder / "src/bin").glob("*.rs")}
    assert cases == {limit.case for limit in load_limits(root, tests).limits if limit.test == "autodiff-refused"}


def test_the_proof_asks_for_every_program_that_is_refused(root: Path) -> None:
    tests = {test.rule.name: test for test in load_smoke_tests(root)}
    together, apart = tests["autodiff-refused-together"], tests["autodiff-refused"]
    assert together.rule.proof and together.programs == apart.programs
    (step,) = together.steps("host", "patched")
    assert isinstance(step.case, ProgramCase)
    assert [one.file for one in step.case.expected] == [program.path for program in apart.programs]
