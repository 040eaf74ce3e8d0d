"""Smoke tests (`smoke_tests/**/smoke.yaml`): small programs with a numeric oracle, declared as data."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from holoenzyme.errors import UserError
from holoenzyme.matrix.yamlfile import load_model


class SmokeRule(BaseModel):
    """`smoke.yaml`: which cells a test needs, how it is run, and which oracle judges what it prints.

    `command` runs in the test's folder, after the same words with `build` in place of `run`, so that compiling and
    running are told apart; `timeout_s` (seconds) is the limit of each. `proof` marks what an image is proved with
    before it gets its name. `fetch` gets dependencies first, with network; everything after it runs without.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = Field(alias="schema")
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    summary: str
    kind: Literal["cargo-run"]
    command: Annotated[tuple[str, ...], Field(min_length=3)]
    cells: tuple[str, ...]
    oracle: str
    tolerances: tuple[str, ...]
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

    @property
    def compile_command(self) -> tuple[str, ...]:
        """The command that only compiles: `build` in place of `run`, without what the program itself is told."""
        words = self.command[: self.command.index("--")] if "--" in self.command else self.command
        return tuple("build" if word == "run" else word for word in words)


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
    tests = tuple(
        SmokeTest(folder=path.parent, rule=load_model(path, SmokeRule))
        for path in sorted((root / "smoke_tests").glob("**/smoke.yaml"))
        if "target" not in path.parts
    )
    seen: dict[str, Path] = {}
    for test in tests:
        other = seen.setdefault(test.rule.name, test.folder)
        if other != test.folder:
            raise UserError(
                f"two smoke tests are called {test.rule.name!r}: {other} and {test.folder}", fix="rename one"
            )
    return tests
