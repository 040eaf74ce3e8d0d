"""The digest of a proof over data: what is an input, and what is not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from holoenzyme.evidence.digest import JUDGE, ProofPart, canonical, proof_digest
from holoenzyme.evidence.judge.demand import Aborts, Compiles, Completes, Demand, IsRefused, Prints
from holoenzyme.evidence.judge.outcome import Outcome
from holoenzyme.evidence.judge.verdict import Check
from holoenzyme.matrix.annotations import Expected, Level

EXPECTED = Expected(file="a.rs", line=1, level=Level.ERROR, text="x")
CHANGES: tuple[dict[str, Any], ...] = (
    {},
    {"file": "b.rs"},
    {"line": 2},
    {"line": None},
    {"level": Level.NOTE},
    {"text": "y"},
)
SOURCE = '''"""What it is."""

import json


def twice(x: int = 1, *, name: str = "1") -> float:
    """Twice."""
    # Not three times.
    return 2.0 * x


class Empty:
    """Nothing."""


SCRIPT = """a # no comment"""
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# Not three times.", "# Never three times."),
        ('    """Twice."""', '    """Thrice."""'),
        ('    """Twice."""\n', ""),
        ('"""What it is."""\n', ""),
        ('    """Nothing."""', "    'text'"),
        ("2.0 * x", "(\n        2.0\n        * x\n    )"),
        ('"1"', "u'1'"),
        ("\n\nclass", "\n\n\n\nclass"),
        ("SCRIPT =", "'of the script'\nSCRIPT ="),
    ],
)
def test_what_python_does_not_see_is_no_input(old: str, new: str) -> None:
    assert old in SOURCE
    assert canonical(SOURCE.replace(old, new, 1)) == canonical(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2.0 * x", "2 * x"),
        ("2.0 * x", "x * 2.0"),
        ("x: int = 1", "x: int = True"),
        ("x: int = 1", "x: int"),
        ("x: int = 1", "x: float = 1"),
        ('= "1"', "= 1"),
        ('= "1"', '= b"1"'),
        ('= "1"', "= None"),
        ("return 2.0 * x", "return"),
        ("return 2.0 * x", "return None"),
        ("twice", "thrice"),
        ("a # no comment", "a # a comment"),
        ("import json", "import json as j"),
        ("import json", "from . import json"),
        ("import json", "from .. import json"),
    ],
)
def test_what_python_sees_is_an_input(old: str, new: str) -> None:
    assert old in SOURCE
    assert canonical(SOURCE.replace(old, new, 1)) != canonical(SOURCE)


def part(demand: Demand | None = None) -> ProofPart:
    check = Check(name="test", demands={"run": demand or Completes(failed=Outcome.CRASH)}, target="host")
    return ProofPart(check=check, requests=[{"argv": ["cargo", "run"], "timeout": 5}], files={})


def test_every_part_of_a_check_is_an_input() -> None:
    one = part()
    digests = [
        proof_digest(parts)
        for parts in (
            [],
            [one],
            [one, one],
            [part(Completes(failed=Outcome.HANG))],
            [part(Prints(tolerances={}, device="cpu", symbol_prefix=""))],
            [part(Prints(tolerances={"a": (1.0, 0.0)}, device="cpu", symbol_prefix=""))],
            [part(Prints(tolerances={"a": (0.0, 1.0)}, device="cpu", symbol_prefix=""))],
            [part(Prints(tolerances={}, device="cuda", symbol_prefix=""))],
            [part(Prints(tolerances={}, device="cpu", symbol_prefix="_"))],
            # What says the same demands something else.
            *([part(demand(says=("x",)))] for demand in (Aborts, Compiles)),
            # Each part of an expectation is an input.
            *([part(IsRefused(expected=(replace(EXPECTED, **change),)))] for change in CHANGES),
            [part(IsRefused(expected=(EXPECTED, EXPECTED)))],
            [part(IsRefused(expected=(EXPECTED,), never=("z",)))],
            [replace(one, check=replace(one.check, target="sm_90"))],
            [replace(one, check=replace(one.check, executes=False))],
            [replace(one, requests=[{"argv": ["cargo", "run"], "timeout": 6}])],
            [replace(one, files={"a.rs": b""})],
            [replace(one, files={"b.rs": b""})],
            [replace(one, files={"a.rs": b"// a comment moves lines"})],
        )
    ]
    assert len(set(digests)) == len(digests)


def test_what_a_check_is_called_is_no_input() -> None:
    assert proof_digest([replace(part(), check=replace(part().check, name="other"))]) == proof_digest([part()])


def test_files_of_python_count_as_python_sees_them() -> None:
    def digest(text: str) -> str:
        return proof_digest([replace(part(), files={"oracle.py": text.encode()})])

    assert digest("X = 1  # one") == digest("X=1")
    assert digest("X = 1") != digest("X = 2")
    assert digest("X = ") != digest("X =  "), "what is no Python counts as it is"


@pytest.fixture
def judge(tmp_path: Path) -> Path:
    """A copy of the package that judges."""
    return Path(shutil.copytree(JUDGE, tmp_path / "judge", ignore=shutil.ignore_patterns("__pycache__")))


def test_every_module_that_judges_is_an_input(judge: Path) -> None:
    before = proof_digest([part()], judge)
    assert before == proof_digest([part()])
    modules = sorted(judge.rglob("*.py"))
    assert {"verdict.py", "numbers.py", "contract.py", "checks.py"} <= {path.name for path in modules}
    for path in modules:
        text = path.read_text()
        path.write_text(f"{text}\nTRUE = True\n")
        assert proof_digest([part()], judge) != before, path.name
        path.write_text(f'"""Said otherwise."""\n\n# Aside.\n{text}\n\n')
        assert proof_digest([part()], judge) == before, path.name
    (judge / "more").mkdir()
    (judge / "more" / "rules.py").write_text("TRUE = True\n")
    assert proof_digest([part()], judge) != before


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("numbers.py", "ok=error <= tolerance", "ok=True"),
        ("numbers.py", "return not self.problems and", "return True or"),
        ("output.py", "done != count", "False"),
        ("messages.py", "REFUSED = (1, 101, 2)", "REFUSED = (1, 101, 2, 134)"),
        ("identity.py", "len(found) < 3", "len(found) < 1"),
        ("launches.py", "found.total() != wanted", "False"),
        ("contract.py", "LIMIT = 300.0", "LIMIT = 3000.0"),
        ("verdict.py", "outcome=wrong.outcome", "outcome=Outcome.PASS"),
        ("outcome.py", "(Outcome.PASS, Outcome.NOT_EXECUTED)", "Outcome"),
        ("step.py", "self.returncode == 0", "True"),
        ("demand.py", "return Outcome.CRASH", "return Outcome.WRONG"),
    ],
)
def test_a_milder_judge_is_another(judge: Path, module: str, old: str, new: str) -> None:
    text = (judge / module).read_text()
    assert old in text
    (judge / module).write_text(text.replace(old, new, 1))
    assert proof_digest([part()], judge) != proof_digest([part()])
