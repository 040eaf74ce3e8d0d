"""Smoke tests (`smoke_tests/**/smoke.yaml`): small programs with a numeric oracle, declared as data.

A crate that is tested in several ways has a file for each: `smoke.yaml`, and `NAME.smoke.yaml` beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from holoenzyme.errors import UserError
from holoenzyme.matrix.pattern import matches
from holoenzyme.matrix.yamlfile import load_model

#: How the names of declarations end.
DECLARATION = "smoke.yaml"
#: Seconds that fetching dependencies may take.
FETCH_LIMIT = 600.0


class SmokeKind(StrEnum):
    """What has to happen in a smoke test; `KINDS` has what follows from it."""

    #: It compiles, runs, and prints what the oracle expects.
    RUN = "cargo-run"
    #: It compiles, and ends with SIGABRT in each case.
    CRASH = "cargo-crash"
    #: It does not compile in any case.
    REFUSED = "cargo-refused"
    #: It compiles in each case, and the compiler says what is expected.
    BUILD = "cargo-build"

    @property
    def traits(self) -> KindTraits:
        """What follows from the kind."""
        return KINDS[self]


@dataclass(frozen=True, kw_only=True)
class KindTraits:
    """What follows from a kind of smoke test.

    One that `has_numbers` has an oracle for them; the others have cases, which are judged by their messages. One that
    `runs` needs a device; the others end with the compiler. One that `may_prove` can be part of an image's proof.
    """

    has_numbers: bool
    runs: bool
    may_prove: bool


KINDS: Mapping[SmokeKind, KindTraits] = {
    SmokeKind.RUN: KindTraits(has_numbers=True, runs=True, may_prove=True),
    SmokeKind.CRASH: KindTraits(has_numbers=False, runs=True, may_prove=False),
    SmokeKind.REFUSED: KindTraits(has_numbers=False, runs=False, may_prove=True),
    SmokeKind.BUILD: KindTraits(has_numbers=False, runs=False, may_prove=False),
}


class Phase(StrEnum):
    """What a step of a smoke test does; its name begins with it."""

    FETCH = "fetch"
    COMPILE = "compile"
    RUN = "run"


class SmokeCase(BaseModel):
    """One way in which a program must crash, be refused, or be compiled.

    `args` follow the command (for a crash, after `--`), `env` is set for it. Every text of `says` must be in its
    messages, and none of `never`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    args: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    says: Annotated[tuple[str, ...], Field(min_length=1)]
    never: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SmokeStep:
    """One command of a smoke test, in the folder of its crate. `limit` is in seconds.

    Steps with a `case` do not depend on each other; every other must end well before the next one. Only fetching has
    network.
    """

    phase: Phase
    argv: tuple[str, ...]
    limit: float
    env: Mapping[str, str] = field(default_factory=dict)
    case: SmokeCase | None = None

    @property
    def name(self) -> str:
        """How records call it."""
        return self.phase.value if self.case is None else f"{self.phase} {self.case.name}"


class SmokeRule(BaseModel):
    """`smoke.yaml`: which cells a test needs, how it is run, and which oracle judges what it prints.

    `command` runs in the test's folder, after the same words with `build` in place of `run`, so that compiling and
    running are told apart; `timeout_s` (seconds) is the limit of each, for what hangs: a slow or busy machine keeps
    it. `{target}` in it is the cell's target. `proof` marks what an image is proved with before it gets its name.
    `fetch` gets dependencies first, with network; everything after it runs without.

    `kind` says what has to happen (`SmokeKind`), in each of `cases` where there are any.

    `device` is where it runs: on that of the cell's target, or on the host whatever the target is. GPUs are in no
    container of this project: there a program is compiled, linked and inspected, and reported as not executed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = Field(alias="schema")
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    summary: str
    kind: SmokeKind
    command: Annotated[tuple[str, ...], Field(min_length=3)]
    cells: tuple[str, ...]
    device: Literal["cell", "host"] = "cell"
    oracle: str | None = None
    tolerances: tuple[str, ...] = ()
    cases: tuple[SmokeCase, ...] = ()
    timeout_s: Annotated[int, Field(gt=0)]
    needs_network: bool = False
    fetch: tuple[str, ...] = ()
    proof: bool = False

    @model_validator(mode="after")
    def _network(self) -> SmokeRule:
        if self.needs_network != bool(self.fetch):
            raise ValueError("`needs_network: true` and `fetch:` belong together")
        if self.proof and self.fetch:
            raise ValueError("a proof must run without network: `proof: true` and `fetch:` exclude each other")
        return self

    @model_validator(mode="after")
    def _expectation(self) -> SmokeRule:
        traits = self.kind.traits
        if traits.has_numbers != (self.oracle is not None):
            raise ValueError("`oracle:` belongs to `kind: cargo-run`, and to no other")
        if traits.has_numbers == bool(self.cases):
            raise ValueError("`cases:` belongs to every kind but `cargo-run`, and is not empty there")
        if self.proof and not traits.may_prove:
            raise ValueError("a proof has numbers, or refusals: `proof: true` belongs to no other kind")
        return self

    def run_command(self, target: str, args: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The command that compiles and runs for a target, with further arguments for the program."""
        words = tuple(word.replace("{target}", target) for word in self.command)
        return words if not args else (*words, *(() if "--" in words else ("--",)), *args)

    def compile_command(self, target: str, args: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The command that only compiles: `build` in place of `run`, without what the program itself is told."""
        command = self.run_command(target)
        words = command[: command.index("--")] if "--" in command else command
        return (*("build" if word == "run" else word for word in words), *args)

    def steps(self, target: str, *, executes: bool = True) -> tuple[SmokeStep, ...]:
        """The commands for a target, in their order; without a device for what is run (`executes`) it is compiled only.

        What needs no device is the same either way.
        """
        limit, found = float(self.timeout_s), list[SmokeStep]()
        if self.fetch:
            found.append(SmokeStep(phase=Phase.FETCH, argv=self.fetch, limit=FETCH_LIMIT))
        if not self.kind.traits.runs:
            return (*found, *(self._case_step(Phase.COMPILE, target, case) for case in self.cases))
        found.append(SmokeStep(phase=Phase.COMPILE, argv=self.compile_command(target), limit=limit))
        if executes and self.kind.traits.has_numbers:
            found.append(SmokeStep(phase=Phase.RUN, argv=self.run_command(target), limit=limit))
        if executes:
            found += (self._case_step(Phase.RUN, target, case) for case in self.cases)
        return tuple(found)

    def _case_step(self, phase: Phase, target: str, case: SmokeCase) -> SmokeStep:
        command = self.run_command if phase is Phase.RUN else self.compile_command
        return SmokeStep(
            phase=phase, argv=command(target, case.args), limit=float(self.timeout_s), env=case.env, case=case
        )


@dataclass(frozen=True, kw_only=True)
class SmokeTest:
    """A declared test and the folder that holds it."""

    folder: Path
    rule: SmokeRule

    def serves(self, cell: str) -> bool:
        """Whether the test is declared for a cell."""
        return matches(cell, self.rule.cells)


def load_smoke_tests(root: Path) -> tuple[SmokeTest, ...]:
    """Every declared test below `smoke_tests/`, by path; raises `UserError` for a wrong file or a name used twice."""
    files = [path for path in sorted((root / "smoke_tests").glob(f"**/*{DECLARATION}")) if "target" not in path.parts]
    tests = tuple(SmokeTest(folder=path.parent, rule=load_model(path, SmokeRule)) for path in files)
    seen: dict[str, Path] = {}
    for path, test in zip(files, tests, strict=True):
        other = seen.setdefault(test.rule.name, path)
        if other != path:
            raise UserError(f"two smoke tests are called {test.rule.name!r}: {other} and {path}", fix="rename one")
    return tests
