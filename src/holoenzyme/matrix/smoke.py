"""Smoke tests (`smoke_tests/**/smoke.yaml`): small programs with a numeric oracle, declared as data.

A crate that is tested in several ways has a file for each: `smoke.yaml`, and `NAME.smoke.yaml` beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from holoenzyme.errors import UserError
from holoenzyme.matrix.yamlfile import load_model


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


class SmokeRule(BaseModel):
    """`smoke.yaml`: which cells a test needs, how it is run, and which oracle judges what it prints.

    `command` runs in the test's folder, after the same words with `build` in place of `run`, so that compiling and
    running are told apart; `timeout_s` (seconds) is the limit of each, for what hangs: a slow or busy machine keeps
    it. `{target}` in it is the cell's target. `proof` marks what an image is proved with before it gets its name.
    `fetch` gets dependencies first, with network; everything after it runs without.

    `kind` says what has to happen: `cargo-run` compiles, runs, and prints what the oracle expects; `cargo-crash`
    compiles, and ends with SIGABRT in each of `cases`; `cargo-refused` does not compile in any of `cases`;
    `cargo-build` compiles in each of them, and the compiler says what is expected.

    `device` is where it runs: on that of the cell's target, or on the host whatever the target is. GPUs are in no
    container of this project: there a program is compiled, linked and inspected, and reported as not executed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = Field(alias="schema")
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    summary: str
    kind: Literal["cargo-run", "cargo-crash", "cargo-refused", "cargo-build"]
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
        runs = self.kind == "cargo-run"
        if runs != (self.oracle is not None):
            raise ValueError("`oracle:` belongs to `kind: cargo-run`, and to no other")
        if runs == bool(self.cases):
            raise ValueError("`cases:` belongs to every kind but `cargo-run`, and is not empty there")
        if self.proof and self.kind not in ("cargo-run", "cargo-refused"):
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


@dataclass(frozen=True, kw_only=True)
class SmokeTest:
    """A declared test and the folder that holds it."""

    folder: Path
    rule: SmokeRule

    def serves(self, cell: str) -> bool:
        """Whether the test is declared for a cell."""
        return any(fnmatchcase(cell, pattern) for pattern in self.rule.cells)


def load_smoke_tests(root: Path) -> tuple[SmokeTest, ...]:
    """Every declared test below `smoke_tests/`, by path; raises `UserError` for a wrong file or a name used twice."""
    files = [path for path in sorted((root / "smoke_tests").glob("**/*smoke.yaml")) if "target" not in path.parts]
    tests = tuple(SmokeTest(folder=path.parent, rule=load_model(path, SmokeRule)) for path in files)
    seen: dict[str, Path] = {}
    for path, test in zip(files, tests, strict=True):
        other = seen.setdefault(test.rule.name, path)
        if other != path:
            raise UserError(f"two smoke tests are called {test.rule.name!r}: {other} and {path}", fix="rename one")
    return tests
