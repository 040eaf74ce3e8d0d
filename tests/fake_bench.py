"""A bench that compiles nothing: functions have made-up derivatives, and fail where a test says so."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from holoenzyme.fuzz.campaign import AUTODIFF, Done, ProgramResult, Way
from holoenzyme.fuzz.model import GeneratedFunction
from holoenzyme.fuzz.oracle import expected, read_oracle

GOOD = Done(0, "")


def word(value: float) -> str:
    """A number as the programs print it."""
    return struct.pack(">d", value).hex()


def names(text: str) -> list[str]:
    """The functions in a program."""
    return re.findall(r"^mod case_(\w+)_ \{$", text, re.MULTILINE)


def line_of(text: str, name: str) -> int:
    """A line of a function in a program."""
    return text.splitlines().index(f"mod case_{name}_ {{") + 3


def truth(program: GeneratedFunction, name: str, point: int, kind: str = "exact") -> str:
    """What the oracle prints: output i is i + 1, and its derivative by input j is i + 1 + j / 8."""
    inputs = range(program.input_count)
    rows = ([i + 1.0, *(i + 1 + j / 8 for j in inputs)] for i in range(program.output_count))
    numbers = ";".join(",".join(f"{word(value)}:{word(1e-12)}" for value in row) for row in rows)
    return f"{kind} {name} {point} {numbers}"


@dataclass
class FakeBench:
    """`oracle_says` and `compiler_says` answer for a whole program, `spoil` for the numbers of one mode."""

    programs: Mapping[str, GeneratedFunction]
    oracle_says: Callable[[str], Done] = lambda text: GOOD
    compiler_says: Callable[[str], Done] = lambda text: GOOD
    spoil: Callable[[str, str, list[float]], list[float] | None] = lambda name, mode, numbers: numbers
    status: Mapping[str, int] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    seed: float = 1.0
    way: Way = AUTODIFF
    crates: list[list[str]] = field(default_factory=list)

    def oracle(self, text: str) -> ProgramResult:
        done = self.oracle_says(text)
        if not done.ok:
            return ProgramResult(done)
        return ProgramResult(done, Done(0, "\n".join(line for name in names(text) for line in self._truths(name))))

    def subject(self, text: str, functions: int) -> ProgramResult:
        found = names(text)
        assert functions == len(found)
        self.crates.append(found)
        done = self.compiler_says(text)
        printed = "\n".join(line for name in found for line in self._run(name))
        return ProgramResult(done, Done(0, printed) if done.ok else None)

    def _truths(self, name: str) -> Iterator[str]:
        program = self.programs[name]
        for point in range(len(program.points)):
            yield truth(program, name, point, self.kinds.get(name, "exact"))

    def _run(self, name: str) -> Iterator[str]:
        program = self.programs[name]
        for line in self._truths(name):
            ((_, point), known), *_ = read_oracle(line).items()
            for mode in ("primal", *program.possible_modes()):
                yield f"begin {name} {mode} {point}"
                right = [number.value for number in expected(program, known, mode, point, self.seed)]
                numbers = self.spoil(name, mode, right)
                if numbers is None:
                    yield f"end {name} {self.status[name]}"
                    return
                yield f"out {name} {mode} {point} {','.join(word(number) for number in numbers)}"
        yield f"end {name} 0"
