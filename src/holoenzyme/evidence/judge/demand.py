"""A demand on a step, as data: all that the judge needs beside the output and the oracle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from holoenzyme.evidence.judge.contract import Term
from holoenzyme.evidence.judge.outcome import Outcome
from holoenzyme.matrix.annotations import Expected


@dataclass(frozen=True, kw_only=True)
class Completes:
    """It ends with exit status 0; where it does not, the outcome is `failed`."""

    failed: Outcome


@dataclass(frozen=True, kw_only=True)
class Prints:
    """It prints the numbers of the check's oracle, within `tolerances`: name → (relative, absolute).

    Its kernels run on a device of the kind `device` (`cpu`, `cuda`, `rocm`); `symbol_prefix` is what their symbols have
    before their names.
    """

    tolerances: Mapping[str, tuple[float, float]]
    device: str
    symbol_prefix: str


@dataclass(frozen=True, kw_only=True)
class Aborts:
    """The program ends itself: every text of `says` is in its messages, and none of `never`."""

    says: tuple[str, ...]
    never: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class IsRefused:
    """The compiler refuses it, and gives each message of `expected` at its line; `never` as above."""

    expected: tuple[Expected, ...]
    never: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Compiles:
    """It compiles, and the compiler says what is expected; `says` and `never` as above."""

    says: tuple[str, ...]
    never: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LoadsOneLlvm:
    """Everything in the image that meets in one process is on one build of libLLVM."""


@dataclass(frozen=True, kw_only=True)
class Keeps:
    """The image keeps each term of its contract."""

    terms: tuple[Term, ...]


Demand = Completes | Prints | Aborts | IsRefused | Compiles | LoadsOneLlvm | Keeps


def right_of(demand: Demand) -> Outcome:
    """The outcome that meets a demand."""
    match demand:
        case Aborts():
            return Outcome.CRASH
        case IsRefused():
            return Outcome.REFUSED
        case _:
            return Outcome.PASS
