"""The oracle's numbers for functions, and the judgement of their derivatives."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from holoenzyme.fuzz.model import GeneratedFunction, Passing
from holoenzyme.fuzz.render import LANES, directions, preset

#: How many times the spread of the noisy runs, which err far more than rounding does, a number may be off.
_SLACK = 16.0
#: What is off by less than this, of itself or of 1, is right; f32 has its own.
_RELATIVE = {False: 1e-11, True: 1e-4}
_ABSOLUTE = {False: 1e-12, True: 1e-5}
#: A spread of more than this, of the number itself, means that the point says nothing.
_USELESS = {False: 1e-5, True: 1e-1}
_LARGEST = 1e12


class FunctionOutcome(StrEnum):
    """The outcome of a function."""

    RIGHT = "right"
    WRONG = "wrong"
    HANG = "hang"
    CRASH = "crash"
    COMPILER_CRASH = "compiler-crash"
    COMPILER_HANG = "compiler-hang"
    REFUSED = "refused"
    UNPLACED = "refused-without-a-place"
    UNSUITED = "unsuited"
    INVALID = "invalid"

    @property
    def is_failure(self) -> bool:
        """Whether it is the compiler's fault."""
        return self not in (
            FunctionOutcome.RIGHT,
            FunctionOutcome.REFUSED,
            FunctionOutcome.UNSUITED,
            FunctionOutcome.INVALID,
        )


@dataclass(frozen=True, slots=True)
class Number:
    """A number and its spread in the noisy runs."""

    value: float
    spread: float

    def is_useful(self, *, single: bool) -> bool:
        """Whether something can be compared with it."""
        if not math.isfinite(self.value) or not math.isfinite(self.spread) or abs(self.value) > _LARGEST:
            return False
        return self.spread <= _USELESS[single] * max(1.0, abs(self.value))


@dataclass(frozen=True, slots=True)
class Truth:
    """A function at one point: its outputs, each with its derivatives by all inputs. None where it panicked."""

    rows: tuple[tuple[Number, ...], ...] = ()
    kink: bool = False
    panicked: bool = False

    def is_useful(self, *, single: bool) -> bool:
        """Whether values and derivatives can be compared."""
        numbers = [number for row in self.rows for number in row]
        return not self.panicked and not self.kink and all(number.is_useful(single=single) for number in numbers)


def read_oracle(text: str) -> dict[tuple[str, int], Truth]:
    """The oracle's output, by name and point."""
    found = {}
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        if kind not in ("exact", "kink", "panic"):
            continue
        name, point, *numbers = rest.split(" ")
        rows = tuple(
            tuple(Number(*map(_float, pair.split(":"))) for pair in row.split(","))
            for row in (numbers[0].split(";") if numbers and numbers[0] else ())
        )
        found[name, int(point)] = Truth(rows=rows, kink=kind == "kink", panicked=kind == "panic")
    return found


def _float(word: str) -> float:
    value: float = struct.unpack(">d", bytes.fromhex(word))[0]
    return value


@dataclass(slots=True)
class Run:
    """A differentiated function's output: numbers by mode and point, the last mode, and the end of its process."""

    numbers: dict[tuple[str, int], tuple[float, ...]] = field(default_factory=dict)
    last: tuple[str, int] = ("primal", 0)
    status: int | None = None
    panic: str = ""


def read_subject(text: str) -> dict[str, Run]:
    """The subject's output, by name of the function."""
    found: dict[str, Run] = {}
    current = ""
    for line in text.splitlines():
        match line.split(" "):
            case ["begin", name, mode, point]:
                current = name
                found.setdefault(name, Run()).last = (mode, int(point))
            case ["out", name, mode, point, words]:
                values = tuple(_float(word) for word in words.split(",") if word)
                found.setdefault(name, Run()).numbers[mode, int(point)] = values
            case ["end", name, status]:
                found.setdefault(name, Run()).status = int(status)
            case ["panic", *_] if current:
                found[current].panic = line
            case _:
                pass
    return found


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome of a function, its mode, and a message."""

    outcome: FunctionOutcome
    mode: str = ""
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class FunctionResult:
    """One function: its seed, its constructs, what became of it, and the file with it where it was shrunk."""

    seed: int
    outcome: FunctionOutcome
    mode: str
    detail: str
    kinds: tuple[str, ...]
    file: str | None = None


#: SIGALRM and SIGXCPU: time was up.
_LATE = (14, 24)


def judge(program: GeneratedFunction, truths: Mapping[int, Truth], run: Run | None, seed: float = 1.0) -> Judgement:
    """Compare what a function gave with what the oracle says."""
    if any(truth.panicked for truth in truths.values()) or len(truths) != len(program.points):
        return Judgement(FunctionOutcome.UNSUITED, detail="it panics")
    useful = [point for point, truth in sorted(truths.items()) if truth.is_useful(single=program.single)]
    if not useful:
        return Judgement(FunctionOutcome.UNSUITED, detail="no point says anything")
    if run is None:
        return Judgement(FunctionOutcome.CRASH, detail="nothing was printed")
    for mode in ("primal", *program.possible_modes()):
        for point in useful:
            got = run.numbers.get((mode, point))
            if got is None:
                continue
            problem = _compare(got, list(expected(program, truths[point], mode, point, seed)), program.single)
            if problem:
                outcome = FunctionOutcome.INVALID if mode == "primal" else FunctionOutcome.WRONG
                return Judgement(outcome, mode, f"{mode} at point {point}: {problem}")
    if run.status != 0:
        mode, point = run.last
        where = f"{mode} at point {point}"
        if mode == "primal":
            return Judgement(FunctionOutcome.INVALID, mode, f"{where}: wait status {run.status} {run.panic}")
        if run.status is not None and run.status & 127 in _LATE:
            return Judgement(FunctionOutcome.HANG, mode, f"{where}: runs without an end")
        return Judgement(FunctionOutcome.CRASH, mode, f"{where}: wait status {run.status} {run.panic}".rstrip())
    return Judgement(FunctionOutcome.RIGHT)


def expected(program: GeneratedFunction, truth: Truth, mode: str, point: int, seed: float) -> Iterator[Number]:
    """All numbers that a mode must give, in the order in which the subject prints them."""
    yield from (row[0] for row in truth.rows)
    if mode == "primal":
        return
    for lane in range(LANES if mode.endswith("4") else 1):
        if mode.startswith("forward"):
            direction = directions(program, point, lane)
            yield from (_sum(zip(direction, row[1:], strict=True)) for row in truth.rows)
        else:
            yield from _gradient(program, truth, preset(program, point, lane), seed)


def _gradient(program: GeneratedFunction, truth: Truth, before: Sequence[float], seed: float) -> Iterator[Number]:
    sizes, weights, number = program.size_map(), [seed] if program.returns else [], 0
    starts: list[float] = []
    for argument in program.arguments:
        if argument.shape is None or not argument.active:
            continue
        part = before[number : number + argument.shape.count(sizes)]
        number += len(part)
        written = argument.passing is Passing.MUTABLE
        weights += part if written else []
        starts += [0.0] * len(part) if written else part
    for index, start in enumerate(starts):
        column = [row[index + 1] for row in truth.rows]
        yield _sum([(1.0, Number(start, 0.0)), *zip(weights, column, strict=True)])


def _sum(terms: Iterable[tuple[float, Number]]) -> Number:
    value = spread = size = 0.0
    for weight, number in terms:
        value += weight * number.value
        spread += abs(weight) * number.spread
        size += abs(weight * number.value)
    # Sums are rounded too.
    return Number(value, spread + size * 1e-13)


def _compare(got: Sequence[float], expected: Sequence[Number], single: bool) -> str:
    if len(got) != len(expected):
        return f"{len(got)} numbers, {len(expected)} expected"
    for index, (value, number) in enumerate(zip(got, expected, strict=True)):
        allowed = _SLACK * number.spread + _RELATIVE[single] * abs(number.value) + _ABSOLUTE[single]
        if not abs(value - number.value) <= allowed:
            return f"number {index} is {value!r}, {number.value!r} expected; off by more than {allowed:.1e}"
    return ""


def wanted(program: GeneratedFunction, truths: Mapping[int, Truth], seed: float) -> list[tuple[str, int, list[float]]]:
    """The right numbers of each mode at each point."""
    return [
        (mode, point, [number.value for number in expected(program, truth, mode, point, seed)])
        for mode in program.possible_modes()
        for point, truth in sorted(truths.items())
    ]


#: How far a point is moved for a central difference, and by how much that may be off.
_STEP = 2.0**-16
_DIFFERENCE = 1e-4


def moved(program: GeneratedFunction) -> GeneratedFunction:
    """The function without derivatives, at its first point and at two beside it, for central differences."""
    point = program.points[0]
    direction = iter(directions(program, 0, 0))
    there, back = [], []
    for argument, values in zip(program.arguments, point, strict=True):
        active = argument.shape is not None and argument.active
        steps = [_STEP * next(direction) if active else 0.0 for _ in values]
        there.append(tuple(value + step for value, step in zip(values, steps, strict=True)))
        back.append(tuple(value - step for value, step in zip(values, steps, strict=True)))
    return replace(program, modes=(), points=(point, tuple(there), tuple(back)))


def judge_oracle(program: GeneratedFunction, truths: Mapping[int, Truth]) -> Judgement:
    """Compare the derivatives that the oracle gives with central differences of its values; `program` is `moved`."""
    if len(truths) != len(program.points) or not all(t.is_useful(single=program.single) for t in truths.values()):
        return Judgement(FunctionOutcome.UNSUITED, detail="no point says anything")
    if program.single or program.narrows():
        # Differences of f32 say too little.
        return Judgement(FunctionOutcome.RIGHT)
    direction = directions(program, 0, 0)
    jumps = False
    for index, row in enumerate(truths[0].rows):
        along = _sum(zip(direction, row[1:], strict=True))
        here, there, back = (truths[point].rows[index][0].value for point in range(3))
        difference = (there - back) / (2 * _STEP)
        allowed = _DIFFERENCE * (1.0 + sum(abs(u * number.value) for u, number in zip(direction, row[1:], strict=True)))
        if abs(difference - along.value) <= allowed:
            continue
        # Two that are sorted and equal, or a condition that holds by a hair: another way is taken on one side alone.
        if not any(abs(step / _STEP - along.value) <= allowed for step in (there - here, here - back)):
            return Judgement(
                FunctionOutcome.INVALID,
                "oracle",
                f"output {index}: difference {difference!r}, derivative {along.value!r}",
            )
        jumps = True
    return (
        Judgement(FunctionOutcome.UNSUITED, detail="it jumps at the point")
        if jumps
        else Judgement(FunctionOutcome.RIGHT)
    )
