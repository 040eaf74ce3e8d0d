"""What the digest of a cell's proof covers: all that decides what it comes to, of this cell, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.small_project import CELL, OTHER, cells_of, edit, write_project

import holoenzyme
from holoenzyme.engine.base import RunRequest
from holoenzyme.evidence import digest
from holoenzyme.execute.smoke import Sandbox, container_request
from holoenzyme.matrix.smoke import SmokeStep
from holoenzyme.prove import checking
from holoenzyme.prove.proof import proof_of
from holoenzyme.session import Project

TINY = "smoke_tests/tiny"
#: A test for each of the two cells beside the one for both, a rule of the contract for each, and a tolerance for none.
_MORE = {
    "host": "distro-*-host",
    "card": "distro-*-sm_*",
}
SOURCES = Path(str(holoenzyme.__file__)).parent


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = write_project(tmp_path / "project")
    for name, cells in _MORE.items():
        folder = root / "smoke_tests" / name
        (folder / "src").mkdir(parents=True)
        (folder / "src/main.rs").write_text(f"// {name} //~ ERROR no {name}\n")
        (folder / "smoke.yaml").write_text(
            f"schema: 1\nname: {name}\nsummary: x\nkind: cargo-refused\ncommand: [cargo, autodiff, build]\n"
            f"cells: ['{cells}']\ntimeout_s: 5\nproof: true\n"
            "programs: {files: src/main.rs, args: [--bin, a]}\nnever: [Assertion]\n"
        )
        with (root / "images/toolchain/image.yaml").open("a") as file:
            file.write(f"  - {{name: {name}, cells: ['{cells}'], run: echo {name}, expect: {name}}}\n")
    edit(root / "matrix.yaml", "constraints:", "  rough: {relative: 0.1, reason: none}\nconstraints:")
    (root / TINY / "oracle.py").write_text(
        '"""Of pi."""\n\nVALUES = {"pi": [3.14159265]}\nVALUES_TOLERANCE = "exact"\n'
    )
    return root


def digests(root: Path, *, image: str = "toolchain") -> dict[str, str]:
    """The digests of both cells' proofs, with this kind of image."""
    project = Project(root, image=image)
    return {cell.id: proof_of(project, cell).digest for cell in cells_of(project, CELL, OTHER)}


def changed(root: Path, before: dict[str, str]) -> set[str]:
    after = digests(root)
    return {cell for cell in before if before[cell] != after[cell]}


IMAGE = "images/toolchain/image.yaml"
BOTH = {CELL, OTHER}


@pytest.mark.parametrize(
    ("file", "old", "new", "cells"),
    [
        # Programs, oracles, tolerances.
        (f"{TINY}/src/main.rs", "fn main() {}", "fn main() { }", BOTH),
        ("smoke_tests/host/src/main.rs", "// host", "// guest", {CELL}),
        ("smoke_tests/card/src/main.rs", "// card", "// cards", {OTHER}),
        (f"{TINY}/oracle.py", "3.14159265", "3.1415926", BOTH),
        (f"{TINY}/oracle.py", '"""Of pi."""', '"""Of the circle."""', set()),
        (f"{TINY}/oracle.py", "\n\nVALUES", "\n\n# Eight digits.\nVALUES", set()),
        (f"{TINY}/oracle.py", '{"pi": [3.14159265]}', '{\n    "pi": [3.14159265],\n}', set()),
        # What is not executed is not compared either.
        ("matrix.yaml", "relative: 1.0e-6", "relative: 1.0e-5", {CELL}),
        ("matrix.yaml", "reason: six digits", "reason: what six digits allow", set()),
        ("matrix.yaml", "relative: 0.1", "relative: 0.2", set()),
        # Declarations: what is run, and what is demanded.
        (f"{TINY}/smoke.yaml", "autodiff, run]", "autodiff, run, --locked]", BOTH),
        (f"{TINY}/smoke.yaml", "timeout_s: 5", "timeout_s: 6", BOTH),
        (f"{TINY}/smoke.yaml", "summary: one number", "summary: a number", set()),
        (f"{TINY}/smoke.yaml", "schema: 1", "# Short.\nschema: 1", set()),
        (f"{TINY}/smoke.yaml", 'cells: ["*"]', "cells: ['distro-*']", set()),
        (f"{TINY}/smoke.yaml", "proof: true", "device: host\nproof: true", {OTHER}),
        ("smoke_tests/host/src/main.rs", "ERROR no host", "ERROR no", {CELL}),
        ("smoke_tests/host/src/main.rs", "//~ ERROR", "//~? ERROR", {CELL}),
        ("smoke_tests/host/smoke.yaml", "never: [Assertion]", "never: [Assertion, ModuleID]", {CELL}),
        ("smoke_tests/card/smoke.yaml", "args: [--bin, a]", "args: [--bin, b]", {OTHER}),
        ("smoke_tests/card/smoke.yaml", "proof: true", "proof: false", {OTHER}),
        # The contract of the cell, and what fills it in.
        (IMAGE, "rustc --version", "rustc --version --verbose", BOTH),
        (IMAGE, "rustc {{ rust.release }}", "rustc", BOTH),
        (IMAGE, "echo host", "echo -n host", {CELL}),
        (IMAGE, "echo card", "echo -n card", {OTHER}),
        (IMAGE, "expect: card", "expect: a card", {OTHER}),
        (IMAGE, "contract:", "# What must work.\ncontract:", set()),
        (IMAGE, "cells: ['distro-*-sm_*']", "cells: ['*-sm_*']", set()),
        (IMAGE, "cells: ['distro-*-sm_*']", "cells: ['*']", {CELL}),
    ],
)
def test_each_input_changes_the_digests_of_its_cells(
    root: Path, file: str, old: str, new: str, cells: set[str]
) -> None:
    before = digests(root)
    edit(root / file, old, new)
    assert changed(root, before) == cells


def test_a_test_for_another_cell_is_no_input(root: Path) -> None:
    before = digests(root)
    shutil.copytree(root / "smoke_tests/card", root / "smoke_tests/cards")
    edit(root / "smoke_tests/cards/smoke.yaml", "name: card", "name: cards")
    assert changed(root, before) == {OTHER}


def test_the_contract_is_that_of_the_image(root: Path) -> None:
    shutil.copytree(root / "images/toolchain", root / "images/runner")
    edit(root / "images/runner/image.yaml", "name: toolchain", "name: runner")
    before = digests(root)
    assert digests(root, image="runner") == before
    edit(root / "images/runner/image.yaml", "echo host", "echo -n host")
    assert digests(root) == before and digests(root, image="runner") != before


def test_another_declaration_beside_a_test_is_no_input(root: Path) -> None:
    before = digests(root)
    shutil.copy(root / TINY / "smoke.yaml", root / TINY / "dev.smoke.yaml")
    edit(root / TINY / "dev.smoke.yaml", "name: tiny", "name: tiny-dev")
    edit(root / TINY / "dev.smoke.yaml", "proof: true", "proof: false")
    assert changed(root, before) == set()


def test_a_changed_judge_proves_again(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digests(root)
    judge = tmp_path / "judge"
    shutil.copytree(digest.JUDGE, judge)
    monkeypatch.setattr(digest, "JUDGE", judge)
    assert changed(root, before) == set()
    edit(judge / "verdict.py", "outcome=wrong.outcome", "outcome=Outcome.PASS")
    assert changed(root, before) == BOTH


@pytest.mark.parametrize("change", [{"network": True}, {"read_only": False}, {"env": {"A": "1"}}, {"mounts": ()}])
def test_how_programs_are_run_is_an_input(
    root: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, object]
) -> None:
    def request(sandbox: Sandbox, steps: Sequence[SmokeStep], env: dict[str, str]) -> RunRequest:
        return replace(container_request(sandbox, steps, env), **change)  # type: ignore[arg-type]

    before = digests(root)
    monkeypatch.setattr(checking, "container_request", request)
    assert changed(root, before) == BOTH


def test_who_proves_is_no_input(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digests(root)
    monkeypatch.setattr(os, "getuid", lambda: 4321)
    assert changed(root, before) == set()


def test_the_same_project_elsewhere_has_the_same_proofs(root: Path, tmp_path: Path) -> None:
    before = digests(root)
    assert digests(root.rename(tmp_path / "elsewhere")) == before


def digests_by(sources: Path, root: Path) -> str:
    """The digests as another copy of the program computes them."""
    script = (
        "import sys; from pathlib import Path; import holoenzyme\n"
        "assert Path(holoenzyme.__file__).is_relative_to(sys.argv[1])\n"
        "from holoenzyme.session import Project; from holoenzyme.prove.proof import proof_of\n"
        "project = Project(Path(sys.argv[2]))\n"
        "print(*(proof_of(project, cell).digest for cell in map(project.matrix.cell, sys.argv[3:])))"
    )
    words = [sys.executable, "-c", script, str(sources), str(root), CELL, OTHER]
    environ = {**os.environ, "PYTHONPATH": str(sources)}
    return subprocess.run(words, env=environ, capture_output=True, text=True, check=True).stdout


def test_a_comment_anywhere_in_the_program_proves_nothing_anew(root: Path, tmp_path: Path) -> None:
    shutil.copytree(SOURCES, tmp_path / "src/holoenzyme", ignore=shutil.ignore_patterns("__pycache__"))
    modules = sorted((tmp_path / "src").rglob("*.py"))
    assert len(modules) > 80
    for path in modules:
        path.write_text(f"{path.read_text()}\n# An aside.\n")
    assert digests_by(tmp_path / "src", root).split() == list(digests(root).values())


@pytest.mark.parametrize("module", ["prove/checking.py", "prove/proof.py", "cli/smoke.py", "execute/smoke.py"])
def test_what_runs_checks_decides_nothing(module: str) -> None:
    """The judge is the one that names outcomes, so that none is named where the digest does not look."""
    assert "Outcome" not in (SOURCES / module).read_text()
