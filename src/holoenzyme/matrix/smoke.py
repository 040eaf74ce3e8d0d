"""Smoke tests (`smoke_tests/**/smoke.yaml`): small programs with a numeric oracle, declared as data.

A crate that is tested in several ways has a file for each: `smoke.yaml`, and `NAME.smoke.yaml` beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from holoenzyme.errors import UserError
from holoenzyme.matrix.annotations import AnnotatedProgram, Expected, parse_program
from holoenzyme.matrix.pattern import matches
from holoenzyme.matrix.placeholders import fill, wrong_placeholders
from holoenzyme.matrix.yamlfile import load_model, refuse

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
        """The traits of the kind."""
        return KINDS[self]


@dataclass(frozen=True, kw_only=True)
class KindTraits:
    """The traits of a kind of smoke test.

    One that `has_numbers` has an oracle for them; the others have cases, which are judged by their messages: those of
    one that `has_programs` stand in the files of its programs. One that `runs` needs a device; the others end with the
    compiler. One that `may_prove` can be part of an image's proof.
    """

    has_numbers: bool
    has_programs: bool
    runs: bool
    may_prove: bool


KINDS: Mapping[SmokeKind, KindTraits] = {
    SmokeKind.RUN: KindTraits(has_numbers=True, has_programs=False, runs=True, may_prove=True),
    SmokeKind.CRASH: KindTraits(has_numbers=False, has_programs=False, runs=True, may_prove=False),
    SmokeKind.REFUSED: KindTraits(has_numbers=False, has_programs=True, runs=False, may_prove=True),
    SmokeKind.BUILD: KindTraits(has_numbers=False, has_programs=False, runs=False, may_prove=False),
}


class Phase(StrEnum):
    """What a step of a smoke test does; its name begins with it."""

    FETCH = "fetch"
    COMPILE = "compile"
    RUN = "run"


class SmokeCase(BaseModel):
    """One way in which a program must crash, or be compiled.

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
class ProgramCase:
    """One way in which programs must be refused: further words of the command, and what their files expect."""

    name: str
    args: tuple[str, ...]
    expected: tuple[Expected, ...]
    never: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


Case = SmokeCase | ProgramCase


class ProgramRule(BaseModel):
    """`programs:`, the annotated files (`matrix.annotations`) that must be refused, by a glob in the test's folder.

    Each is a case, or each of its revisions; with `revisions: channel` the revision that has the name of the cell's
    channel. `args` follow the command, after the words that a file has for the compiler: `{{ path }}` is the file in
    the crate, `{{ name }}` the file's name, and `{{ revision }}` the revision's. With `together` they are one case, of
    that name, whose command is run once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: str
    args: tuple[str, ...]
    revisions: Literal["each", "channel"] = "each"
    together: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")] | None = None

    @model_validator(mode="after")
    def _placeholders(self) -> ProgramRule:
        names = dict.fromkeys(() if self.together else ("path", "name", "revision"), "")
        refuse(wrong_placeholders(("args",), self.args, names))
        return self


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
    case: Case | None = None

    @property
    def name(self) -> str:
        """How records call it."""
        return self.phase.value if self.case is None else f"{self.phase} {self.case.name}"


class SmokeRule(BaseModel):
    """`smoke.yaml`: which cells a test needs, how it is run, and which oracle judges what it prints.

    `command` runs in the test's folder, after the same words with `build` in place of `run`, so that compiling and
    running are told apart; `timeout_s` (seconds) is the limit of each, for what hangs: a slow or busy machine keeps
    it. `{{ target }}` in it is the cell's target. `proof` marks what an image is proved with before it gets its name.
    `fetch` gets dependencies first, with network; everything after it runs without.

    `kind` says what has to happen (`SmokeKind`), in each of `cases` where there are any; what must be refused has
    `programs` instead, and `never` for texts that must be in no message.

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
    programs: ProgramRule | None = None
    never: tuple[str, ...] = ()
    timeout_s: Annotated[int, Field(gt=0)]
    needs_network: bool = False
    fetch: tuple[str, ...] = ()
    proof: bool = False

    @model_validator(mode="after")
    def _placeholders(self) -> SmokeRule:
        refuse(wrong_placeholders(("command",), self.command, {"target": "host"}))
        return self

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
        if (traits.has_numbers or traits.has_programs) == bool(self.cases):
            raise ValueError("`cases:` belongs to `kind: cargo-crash` and `kind: cargo-build`, and is not empty there")
        if traits.has_programs != (self.programs is not None):
            raise ValueError("`programs:` belongs to `kind: cargo-refused`, and to no other")
        if self.never and not traits.has_programs:
            raise ValueError("`never:` of the whole test belongs to `programs:`; elsewhere each case has its own")
        if self.proof and not traits.may_prove:
            raise ValueError("a proof has numbers, or refusals: `proof: true` belongs to no other kind")
        return self

    def run_command(self, target: str, args: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The command that compiles and runs for a target, with further arguments for the program."""
        words = tuple(fill(word, {"target": target}) for word in self.command)
        return words if not args else (*words, *(() if "--" in words else ("--",)), *args)

    def compile_command(self, target: str, args: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The command that only compiles: `build` in place of `run`, without what the program itself is told."""
        command = self.run_command(target)
        words = command[: command.index("--")] if "--" in command else command
        return (*("build" if word == "run" else word for word in words), *args)

    def steps(
        self, target: str, *, executes: bool = True, cases: Sequence[Case] | None = None
    ) -> tuple[SmokeStep, ...]:
        """The commands for a target, in their order; without a device for what is run (`executes`) it is compiled only.

        What needs no device is the same either way. `cases` are those of programs, else the declared ones.
        """
        cases = self.cases if cases is None else cases
        limit, found = float(self.timeout_s), list[SmokeStep]()
        if self.fetch:
            found.append(SmokeStep(phase=Phase.FETCH, argv=self.fetch, limit=FETCH_LIMIT))
        if not self.kind.traits.runs:
            return (*found, *(self._case_step(Phase.COMPILE, target, case) for case in cases))
        found.append(SmokeStep(phase=Phase.COMPILE, argv=self.compile_command(target), limit=limit))
        if executes and self.kind.traits.has_numbers:
            found.append(SmokeStep(phase=Phase.RUN, argv=self.run_command(target), limit=limit))
        if executes:
            found += (self._case_step(Phase.RUN, target, case) for case in cases)
        return tuple(found)

    def _case_step(self, phase: Phase, target: str, case: Case) -> SmokeStep:
        command = self.run_command if phase is Phase.RUN else self.compile_command
        return SmokeStep(
            phase=phase, argv=command(target, case.args), limit=float(self.timeout_s), env=case.env, case=case
        )


@dataclass(frozen=True, kw_only=True)
class SmokeTest:
    """A declared test, the folder that holds it, and the programs in it that must be refused."""

    folder: Path
    rule: SmokeRule
    programs: tuple[AnnotatedProgram, ...] = ()

    def serves(self, cell: str) -> bool:
        """Whether the test is declared for a cell."""
        return matches(cell, self.rule.cells)

    @property
    def case_names(self) -> frozenset[str]:
        """The names of its cases in any cell."""
        rule = self.rule.programs
        if rule is None:
            return frozenset(case.name for case in self.rule.cases)
        if rule.together is not None:
            return frozenset({rule.together})
        each = rule.revisions == "each"
        return frozenset(
            self._case_name(program, revision)
            for program in self.programs
            for revision in ((each and program.revisions) or (None,))
        )

    def steps(self, target: str, channel: str, *, executes: bool = True) -> tuple[SmokeStep, ...]:
        """The commands for a cell with this target and channel, in their order; see `SmokeRule.steps`.

        Raises `UserError` where a program has no revision for the channel.
        """
        cases = self._program_cases(self.rule.programs, channel) if self.rule.programs else None
        return self.rule.steps(target, executes=executes, cases=cases)

    def _program_cases(self, rule: ProgramRule, channel: str) -> tuple[ProgramCase, ...]:
        cases = tuple(
            ProgramCase(
                name=self._case_name(program, revision if rule.revisions == "each" else None),
                args=(*program.flags(revision), *_fill(rule.args, program, revision)),
                expected=program.expected(revision),
                never=(*self.rule.never, *program.never(revision)),
            )
            for program in self.programs
            for revision in self._revisions_of(rule, program, channel)
        )
        if rule.together is None:
            return cases
        expected = tuple(expected for case in cases for expected in case.expected)
        never = tuple(dict.fromkeys(text for case in cases for text in case.never))
        return (ProgramCase(name=rule.together, args=rule.args, expected=expected, never=never),)

    def _revisions_of(self, rule: ProgramRule, program: AnnotatedProgram, channel: str) -> tuple[str | None, ...]:
        if not program.revisions:
            return (None,)
        if rule.revisions == "each":
            return program.revisions
        if channel not in program.revisions:
            raise UserError(
                f"{self.folder.name}/{program.path}: there is no revision {channel!r} for a cell of that channel",
                why=f"the revisions are {', '.join(program.revisions)}",
                fix="add it to `//@ revisions:`, or leave its cells out of `cells:` in smoke.yaml",
            )
        return (channel,)

    def _case_name(self, program: AnnotatedProgram, revision: str | None) -> str:
        if revision is None:
            return program.name
        # The name of the file is left out where every revision has a name of its own.
        each = [name for one in self.programs for name in one.revisions or (one.name, one.name)]
        return revision if len(set(each)) == len(each) else f"{program.name}-{revision}"


def _fill(words: Sequence[str], program: AnnotatedProgram, revision: str | None) -> tuple[str, ...]:
    names = {"path": program.path, "name": program.name, "revision": revision or ""}
    return tuple(fill(word, names) for word in words)


def _load_programs(root: Path, declaration: Path, rule: SmokeRule) -> tuple[AnnotatedProgram, ...]:
    """The programs that a declaration names; raises `UserError` where there are none, or one is wrong."""
    if rule.programs is None:
        return ()
    folder = declaration.parent
    paths = [path for path in sorted(folder.glob(rule.programs.files)) if path.is_file()]
    if not paths:
        raise UserError(
            f"{declaration.relative_to(root)}: programs.files: no file is called {rule.programs.files!r}",
            fix="it is a glob in the folder of the test, such as src/bin/*.rs",
        )
    return tuple(
        parse_program(
            path.read_text(encoding="utf-8"),
            path=path.relative_to(folder).as_posix(),
            where=path.relative_to(root).as_posix(),
        )
        for path in paths
    )


def load_smoke_tests(root: Path) -> tuple[SmokeTest, ...]:
    """Every declared test below `smoke_tests/`, by path; raises `UserError` for a wrong file or a name used twice."""
    files = [path for path in sorted((root / "smoke_tests").glob(f"**/*{DECLARATION}")) if "target" not in path.parts]
    rules = [(path, load_model(path, SmokeRule)) for path in files]
    tests = tuple(
        SmokeTest(folder=path.parent, rule=rule, programs=_load_programs(root, path, rule)) for path, rule in rules
    )
    seen: dict[str, Path] = {}
    for path, test in zip(files, tests, strict=True):
        other = seen.setdefault(test.rule.name, path)
        if other != path:
            raise UserError(f"two smoke tests are called {test.rule.name!r}: {other} and {path}", fix="rename one")
    return tests
