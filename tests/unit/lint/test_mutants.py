"""`mutants`: what can be changed in a module, and what becomes of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fakes import Stoppable

from holoenzyme.cli import mutants as command
from holoenzyme.errors import InfrastructureError, InternalError, UserError
from holoenzyme.lint import mutants
from holoenzyme.lint.mutants import LIST, Mutant, ProjectCopy, load_mutants, project_copy
from holoenzyme.lint.mutating import change, changes
from holoenzyme.process import Command, Completed, SubprocessRunner
from holoenzyme.report.mutants_table import MutantOutcome, MutantResult, as_data, summary, table

MODULE = '''"""A module."""

from errors import InternalError, UserError

LIMIT = 60.0


class Thing:
    def check(self, size: int) -> None:
        if size < LIMIT and size:
            raise UserError(
                "too small",
            )
        log(size)

    def labels(self) -> dict[str, str]:
        return {
            "name": "thing",
            "size": "1",
        }


def log(size: int) -> None:
    print([each for each in (size, 2) if each])
'''


@pytest.mark.parametrize(
    ("was", "becomes", "within"),
    [
        ("LIMIT = 60.0", "LIMIT = 61.0", ""),
        ("LIMIT = 60.0", "LIMIT = 6000.0", ""),
        ("if size < LIMIT and size:", "if size <= LIMIT and size:", "Thing.check"),
        ("if size < LIMIT and size:", "if size < LIMIT or size:", "Thing.check"),
        ("if size < LIMIT and size:", "if not (size < LIMIT and size):", "Thing.check"),
        ("raise UserError(", "raise InternalError(", "Thing.check"),
        ('raise UserError( "too small", )', "pass", "Thing.check"),
        ("log(size)", "pass", "Thing.check"),
        ('"name": "thing",', "", "Thing.labels"),
        ('"name": "thing",', '"XXnameXX": "thing",', "Thing.labels"),
        (
            "print([each for each in (size, 2) if each])",
            "print([each for each in (size, 2) if not (each)])",
            "log",
        ),
    ],
)
def test_a_change_is_known_by_its_text(was: str, becomes: str, within: str) -> None:
    found = change(MODULE, was, becomes)
    assert (found.was, found.becomes, found.within) == (was, becomes, within)
    compile(found.text, "module", "exec")
    assert found.text != MODULE
    words, others = " ".join(found.text.split()), " ".join(MODULE.split())
    assert (becomes in words and words.replace(becomes, was, 1).split() == others.split()) or not becomes


def test_a_change_that_is_left_out_leaves_everything_else() -> None:
    assert change(MODULE, '"name": "thing",', "").text.split() == MODULE.replace('"name": "thing",', "").split()


def test_every_change_is_there_once_and_is_python() -> None:
    texts = [each.text for each in changes(MODULE)]
    assert len(texts) == len(set(texts)) > 25
    assert MODULE not in texts
    for text in texts:
        compile(text, "module", "exec")


def test_an_error_class_that_the_module_does_not_know_is_not_taken() -> None:
    assert not any("InfrastructureError" in each.text for each in changes(MODULE))


def test_a_change_that_is_not_there_names_what_is() -> None:
    with pytest.raises(UserError, match=r"'LIMIT = 60\.0' does not become 'LIMIT = 0'") as caught:
        change(MODULE, "LIMIT = 60.0", "LIMIT = 0")
    assert "'LIMIT = 61.0'" in str(caught.value.why)
    with pytest.raises(UserError) as caught:
        change(MODULE, "LIMIT = 7", "LIMIT = 8")
    assert caught.value.why == "it is not there"


def test_a_text_in_two_places_needs_its_function() -> None:
    text = "def one():\n    return 1\n\n\ndef two():\n    return 1\n"
    with pytest.raises(UserError, match="stands in 2 places: one, two"):
        change(text, "return 1", "return 2")
    assert change(text, "return 1", "return 2", "two").text == text[:-2] + "2\n"


# The list


def test_the_projects_own_list_fits_the_program(root: Path) -> None:
    known = load_mutants(root / LIST)
    assert sum(len(module.mutants) for module in known.modules) >= 40
    for module in known.modules:
        assert all((root / test.partition("::")[0]).exists() for test in module.tests)
        text = " ".join(line.strip() for line in (root / module.file).read_text().splitlines())
        for mutant in module.mutants:
            assert mutant.was in text, f"{mutant.name}: {module.file} has no {mutant.was!r}"


ENTRY = """
schema: 1
modules:
  - file: src/holoenzyme/thing.py
    tests: [tests/test_thing.py]
    mutants:
      - {name: limit, was: LIMIT = 3, becomes: LIMIT = 4}
      - {name: sign, was: return size <= LIMIT, becomes: return size < LIMIT}
"""


def test_a_name_is_there_once(tmp_path: Path) -> None:
    path = tmp_path / "mutants.yaml"
    path.write_text(ENTRY.replace("name: sign", "name: limit"))
    with pytest.raises(UserError, match="two mutants are called 'limit'"):
        load_mutants(path)


# Running


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one module, one test, and a list of two mutants: one that the test finds, one that it does not."""
    root = tmp_path / "project"
    for name, text in {
        "matrix.yaml": "",
        LIST: ENTRY,
        "src/holoenzyme/__init__.py": "",
        "src/holoenzyme/thing.py": "LIMIT = 3\n\n\ndef fits(size):\n    return size <= LIMIT\n",
        "tests/test_thing.py": "from holoenzyme.thing import fits\n\n\ndef test_it():\n    assert fits(2)\n"
        "    assert not fits(4)\n",
        ".venv/huge": "left out",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_survivors_are_told_and_the_project_is_not_touched(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    monkeypatch.setenv("COLUMNS", "200")
    assert command.run([], project) == 1
    shown = capsys.readouterr().out
    assert "1 of 2 mutants killed\n" in shown
    assert "src/holoenzyme/thing.py: return size <= LIMIT -> return size < LIMIT" in shown
    data = json.loads((project / "build/mutants.json").read_text())
    assert data["outcomes"] == {"killed": 1, "survived": 1, "timed out": 0}
    assert [(each["name"], each["outcome"], each["by"]) for each in data["mutants"]] == [
        ("limit", "killed", "tests/test_thing.py::test_it"),
        ("sign", "survived", ""),
    ]
    assert {path: path.read_bytes() for path in before} == before


def test_some_are_chosen_by_name_or_glob(project: Path) -> None:
    known = load_mutants(project / LIST)
    for names, chosen in (((), ["limit", "sign"]), (("lim*",), ["limit"]), (("sign", "lim*"), ["limit", "sign"])):
        assert [mutant.name for module in mutants.chosen(known, names) for mutant in module.mutants] == chosen
    with pytest.raises(UserError, match="no mutant is called 'lmit'"):
        command.run(["lmit"], project)


def test_what_can_be_changed_is_printed_as_the_list_has_it(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["--changes", "src/holoenzyme/thing.py"], project) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"was": "LIMIT = 3", "becomes": "LIMIT = 300", "within": ""} in [json.loads(line[2:]) for line in lines]
    with pytest.raises(UserError, match=r"absent\.py: there is no such file"):
        command.run(["--changes", "absent.py"], project)


def test_the_copy_goes_whatever_happens(project: Path) -> None:
    with pytest.raises(KeyboardInterrupt), project_copy(project, SubprocessRunner()) as copy:
        assert (copy.root / LIST).is_file() and not (copy.root / ".venv").exists()
        raise KeyboardInterrupt
    assert not copy.root.exists()


def test_python_that_imports_another_holoenzyme_is_the_projects_fault(project: Path) -> None:
    class Elsewhere(Stoppable):
        def run(self, command: Command, **_options: object) -> Completed:
            return Completed(command=command, returncode=0, output="/elsewhere/x.py\n", stderr="", duration=0.0)

    with pytest.raises(InternalError, match="would not see the mutants"), project_copy(project, Elsewhere()):
        pass


class FakePytest(Stoppable):
    """A `Runner` in which tests without a change take 2 s and pass; with one they end as is said."""

    def __init__(
        self,
        file: Path,
        returncode: int,
        output: str = "",
        *,
        timed_out: bool = False,
        on_change: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__()
        self.file, self.before, self.on_change = file, file.read_text(), on_change
        self.end: Callable[[Command], Completed] = lambda command: Completed(
            command=command, returncode=returncode, output=output, stderr="", duration=9.0, timed_out=timed_out
        )
        self.commands: list[Command] = []

    def run(self, command: Command, **_options: object) -> Completed:
        self.commands.append(command)
        if self.file.read_text() != self.before:
            self.on_change()
            return self.end(command)
        return Completed(command=command, returncode=0, output="1 passed", stderr="", duration=2.0)


MUTANT = Mutant(name="limit", was="LIMIT = 3", becomes="LIMIT = 4")
FILE = "src/holoenzyme/thing.py"


@pytest.mark.parametrize(
    ("returncode", "timed_out", "outcome"),
    [
        (0, False, MutantOutcome.SURVIVED),
        (1, False, MutantOutcome.KILLED),
        (2, False, MutantOutcome.KILLED),
        (-15, True, MutantOutcome.TIMED_OUT),
    ],
)
def test_what_the_tests_say(project: Path, returncode: int, timed_out: bool, outcome: MutantOutcome) -> None:
    runner = FakePytest(project / FILE, returncode, "FAILED tests/a.py::test_x[1] - assert\n", timed_out=timed_out)
    copy = ProjectCopy(root=project, runner=runner)
    result = copy.try_mutant(FILE, MUTANT, ("tests",))
    assert (result.outcome, result.by) == (outcome, "tests/a.py::test_x[1]")
    assert (project / FILE).read_text() == runner.before
    plain, changed = runner.commands
    assert plain.argv == changed.argv
    assert changed.argv[:4] == (sys.executable, "-m", "pytest", "-x") and changed.argv[-1] == "tests"
    assert changed.env["PYTHONPATH"] == str(project / "src")
    assert changed.timeout == 10 * 2.0 + 60, "a limit goes by how long the tests take without a change"


def test_python_compiles_every_change_anew(project: Path) -> None:
    path, times = project / FILE, []
    copy = ProjectCopy(root=project, runner=FakePytest(path, 1))
    for _ in range(2):
        times.append(int(path.stat().st_mtime))
        copy.runner = FakePytest(path, 1, on_change=lambda: times.append(int(path.stat().st_mtime)))
        copy.try_mutant(FILE, MUTANT, ("tests",))
    times.append(int(path.stat().st_mtime))
    assert len(set(times)) == len(times) == 5, "two within a second count as one for what was compiled"


@pytest.mark.parametrize("returncode", [3, 4, 5])
def test_tests_that_were_not_run_are_no_verdict(project: Path, returncode: int) -> None:
    copy = ProjectCopy(root=project, runner=FakePytest(project / FILE, returncode))
    with pytest.raises(InfrastructureError, match="pytest failed"):
        copy.try_mutant(FILE, MUTANT, ("tests",))
    assert "LIMIT = 3" in (project / FILE).read_text()


def test_tests_that_fail_by_themselves_say_nothing(project: Path) -> None:
    runner = FakePytest(project / FILE, 1, "FAILED it")
    runner.before = "other"
    with pytest.raises(UserError, match="tests: fails without a change") as caught:
        ProjectCopy(root=project, runner=runner).try_mutant(FILE, MUTANT, ("tests",))
    assert caught.value.why == "FAILED it"


def test_a_mutant_that_fits_nothing_is_named(project: Path) -> None:
    copy = ProjectCopy(root=project, runner=FakePytest(project / FILE, 1))
    with pytest.raises(UserError, match=rf"{LIST}: limit: 'LIMIT = 3' does not become 'LIMIT = 5'"):
        copy.try_mutant(FILE, MUTANT.model_copy(update={"becomes": "LIMIT = 5"}), ("tests",))


def test_all_tests_are_run_where_that_is_asked_for(project: Path) -> None:
    (module,) = load_mutants(project / LIST).modules
    for all_tests, words in ((False, ("tests/test_thing.py",)), (True, ("tests", "--ignore=tests/integration"))):
        runner = FakePytest(project / FILE, 1)
        list(mutants.examine(ProjectCopy(root=project, runner=runner), [module], all_tests=all_tests))
        # Once without a change, and once for each of two mutants.
        assert [command.argv[-len(words) :] for command in runner.commands] == [words] * 3


# What is told


def result(outcome: MutantOutcome, name: str = "m") -> MutantResult:
    return MutantResult(name=name, file="f.py", was="a", becomes="", outcome=outcome, seconds=1.0)


def test_a_mutant_without_an_end_is_killed_and_told_apart() -> None:
    results = [result(MutantOutcome.KILLED), result(MutantOutcome.TIMED_OUT), result(MutantOutcome.SURVIVED)]
    assert summary(results) == "2 of 3 mutants killed (1 of them by the time limit)"
    data = as_data(results, all_tests=True)
    assert data["all_tests"] is True
    assert data["outcomes"] == {"killed": 1, "survived": 1, "timed out": 1}
    assert [str(cell) for cell in table(results).columns[3].cells] == ["", "", "f.py: a -> (nothing)"]
