"""Limits of differentiation, and conventions at singular points, as data: docs/autodiff.md is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from holoenzyme.errors import UserError
from holoenzyme.matrix.smoke import SmokeTest
from holoenzyme.matrix.yamlfile import load_model

LIMITS_PATH = "smoke_tests/autodiff/limits.yaml"
CONVENTIONS_PATH = "smoke_tests/autodiff/singular/conventions.yaml"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
Text = Annotated[str, StringConstraints(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limit(_Strict):
    """One kind of code that is refused: what to write instead, and the smoke test (and its case) that it is."""

    kind: Text
    what: Text
    instead: Text
    test: Name
    case: Name


class Limits(_Strict):
    """`limits.yaml`."""

    schema_version: Literal[1] = Field(alias="schema")
    limits: Annotated[tuple[Limit, ...], Field(min_length=1)]


class Convention(_Strict):
    """A function at a singular point: its value there, and its derivative by each argument in both modes.

    `reverse` is there where it is not what `forward` is. `.inf`, `-.inf` and `.nan` are what they say.
    """

    name: Name
    function: Text
    at: Text
    value: float
    forward: Annotated[tuple[float, ...], Field(min_length=1)]
    reverse: tuple[float, ...] | None = None
    why: Text


class Conventions(_Strict):
    """`conventions.yaml`."""

    schema_version: Literal[1] = Field(alias="schema")
    conventions: Annotated[tuple[Convention, ...], Field(min_length=1)]


def load_limits(root: Path, tests: Sequence[SmokeTest]) -> Limits:
    """The limits; raises `UserError` where one names a test or a case that there is not."""
    limits = load_model(root / LIMITS_PATH, Limits)
    cases = {test.rule.name: test.case_names for test in tests}
    for limit in limits.limits:
        if limit.case not in cases.get(limit.test, ()):
            raise UserError(
                f"{LIMITS_PATH}: {limit.kind!r} names the case {limit.case!r} of {limit.test!r}, which is not there",
                fix="add the case to the smoke test, or name another",
            )
    return limits


def load_conventions(root: Path) -> Conventions:
    """The conventions; raises `UserError` where the file is wrong."""
    return load_model(root / CONVENTIONS_PATH, Conventions)
