"""Changes of the program that the tests have to find, tried one at a time.

The changes are made in a copy of the project, so that nothing needs to be put back, whatever happens.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from holoenzyme import console
from holoenzyme.errors import InternalError, UserError
from holoenzyme.lint.files import project_files
from holoenzyme.matrix.yamlfile import load_model
from holoenzyme.process import Command, Completed, Runner
from holoenzyme.report.mutants_table import MutantOutcome, MutantResult

#: Where the mutants are declared.
LIST = "tests/mutants.yaml"
#: All tests but those that need an engine.
ALL_TESTS = ("tests", "--ignore=tests/integration")
#: Seconds for tests of what is not changed.
_TIMEOUT = 1800.0
#: A mutant's tests have no end where they take as many times as long as without it, and these seconds more.
_TIMES, _MORE = 10, 60.0
#: pytest up to the first failure, without what it keeps from run to run, with the one plugin that tests use.
_OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", "-p", "syrupy")
#: pytest's exit status where tests failed, and where a module could not even be imported.
_FAILED = (1, 2)

Text = Annotated[str, StringConstraints(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Mutant(_Strict):
    """One change: the text that is replaced, and by what; `within` says in which function it stands, where two have it.

    Both are as `mutants --changes FILE` prints them.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    was: Text
    becomes: str
    within: Text | None = None


class Module(_Strict):
    """A module with the mutants in it, and the tests that have to find them: files, folders or ids of pytest."""

    file: Text
    tests: Annotated[tuple[Text, ...], Field(min_length=1)]
    mutants: Annotated[tuple[Mutant, ...], Field(min_length=1)]


class MutantList(_Strict):
    """`tests/mutants.yaml`."""

    schema_version: Literal[1] = Field(alias="schema")
    modules: Annotated[tuple[Module, ...], Field(min_length=1)]


def load_mutants(path: Path) -> MutantList:
    """Read the list; raises `UserError` for a wrong file and for a name that is used twice."""
    read = load_model(path, MutantList)
    names = [mutant.name for module in read.modules for mutant in module.mutants]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"two mutants are called {name!r}", fix=f"rename one in {path.name}")
    return read


def chosen(known: MutantList, names: Sequence[str]) -> list[Module]:
    """The modules with the mutants that are asked for; raises `UserError` for a name that fits none."""
    every = [mutant.name for module in known.modules for mutant in module.mutants]
    for name in names:
        if not any(fnmatchcase(each, name) for each in every):
            raise UserError(f"no mutant is called {name!r}", fix=f"the mutants stand in {LIST}")
    some = []
    for module in known.modules:
        mutants = tuple(m for m in module.mutants if not names or any(fnmatchcase(m.name, name) for name in names))
        if mutants:
            some.append(module.model_copy(update={"mutants": mutants}))
    return some


@dataclass(kw_only=True)
class ProjectCopy:
    """A copy of the project whose tests can be run, and how long those took that were run without a change."""

    root: Path
    runner: Runner
    durations: dict[tuple[str, ...], float] = field(default_factory=dict)
    writes: int = 0

    def python(self, *words: str, timeout: float) -> Completed:
        """Run Python so that it imports the copy's modules."""
        # With CI, property tests have the same examples for every mutant. Loading every plugin that is installed takes
        # longer than most tests.
        env = {"PYTHONPATH": str(self.root / "src"), "CI": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        return self.runner.run(
            Command(argv=(sys.executable, *words), cwd=self.root, env=env, timeout=timeout), merge=True
        )

    def tests(self, words: Sequence[str], *, timeout: float) -> Completed:
        """Run tests up to the first that fails."""
        return self.python("-m", "pytest", *_OPTIONS, *words, timeout=timeout)

    def time_limit(self, words: tuple[str, ...]) -> float:
        """How long these tests may take with a change, in seconds; they are run without one first.

        Raises `UserError` where they fail by themselves.
        """
        if words not in self.durations:
            done = self.tests(words, timeout=_TIMEOUT)
            if not done.ok:
                tail = "\n".join(done.output.rstrip().splitlines()[-15:])
                raise UserError(f"{' '.join(words)}: fails without a change", why=tail, fix="mend the tests first")
            self.durations[words] = done.duration
        return _TIMES * self.durations[words] + _MORE

    def _write(self, path: Path, text: str) -> None:
        """Write a module with a time of its own.

        Python takes what it compiled before where size and time, in seconds, are the same.
        """
        path.write_text(text, "utf-8")
        self.writes += 1
        os.utime(path, (path.stat().st_mtime + self.writes,) * 2)

    def try_mutant(self, file: str, mutant: Mutant, words: tuple[str, ...]) -> MutantResult:
        """Change the module, run the tests, and put the module back."""
        from holoenzyme.lint.mutating import change

        limit = self.time_limit(words)
        path = self.root / file
        text = path.read_text("utf-8")
        try:
            self._write(path, change(text, mutant.was, mutant.becomes, mutant.within).text)
            done = self.tests(words, timeout=limit)
        except UserError as error:
            raise UserError(f"{LIST}: {mutant.name}: {error.what}", why=error.why, fix=error.fix) from error
        finally:
            self._write(path, text)
        return MutantResult(
            name=mutant.name,
            file=file,
            was=mutant.was,
            becomes=mutant.becomes,
            outcome=_outcome(done),
            seconds=round(done.duration, 1),
            by=_first_failure(done.output),
        )


@contextmanager
def project_copy(root: Path, runner: Runner) -> Iterator[ProjectCopy]:
    """A copy of the project's own files in a folder that goes away, whatever happens.

    Raises `InternalError` where Python would import other modules than the copy's.
    """
    with tempfile.TemporaryDirectory(prefix="holoenzyme-mutants-") as name:
        copy = ProjectCopy(root=Path(name).resolve(), runner=runner)
        for path in project_files(root):
            target = copy.root / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
        done = copy.python("-c", "import holoenzyme; print(holoenzyme.__file__)", timeout=60)
        if not done.ok or not Path(done.output.strip()).is_relative_to(copy.root):
            raise InternalError("the tests would not see the mutants", why=f"Python imports {done.output.strip()}")
        yield copy


def examine(copy: ProjectCopy, modules: Sequence[Module], *, all_tests: bool) -> Iterator[MutantResult]:
    """Try every mutant with the tests of its module, or with all; says each as it is known."""
    for module in modules:
        for mutant in module.mutants:
            result = copy.try_mutant(module.file, mutant, ALL_TESTS if all_tests else module.tests)
            console.say(f"{result.outcome.value:<9}  {result.seconds:6.1f} s  {result.name}")
            yield result


def _outcome(done: Completed) -> MutantOutcome:
    if done.timed_out:
        return MutantOutcome.TIMED_OUT
    if done.returncode in _FAILED:
        return MutantOutcome.KILLED
    # Tests that were not found, and errors of pytest, say nothing of the mutant.
    done.check("pytest")
    return MutantOutcome.SURVIVED


def _first_failure(output: str) -> str:
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", output, flags=re.MULTILINE)
    return found[1] if found else ""
