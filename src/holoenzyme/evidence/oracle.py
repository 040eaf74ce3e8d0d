"""Compares what a smoke test printed with what is right. Pure, but for `load`, which runs an oracle's own file.

A program prints one JSON object a line and nothing else:

- a derivative: `{"case", "mode", "width", "float", "at", "primal", "derivative", "central"}`, where `derivative` is
  outputs x inputs, row by row, and `central` is a list of `[step, central differences in the same order]`;
- or values: `{"case", "values"}`, for problems whose solution is certified, and for what kernels give back;
- or a device that it launches kernels on: `{"device": number, "uid"}`;
- and at the end `{"done": number of lines before it}`.

Each derivative is compared with the closed form and with the program's central differences, two estimates that owe
nothing to each other.
"""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from holoenzyme.errors import UserError
from holoenzyme.evidence.outcome import Outcome

#: Gives the outputs, and the derivative (outputs x inputs, row by row), at a point.
ClosedForm = Callable[[Sequence[float]], tuple[Sequence[float], Sequence[float]]]
#: (case, mode, width)
Key = tuple[str, str, int]
#: name -> (relative, absolute)
Tolerances = Mapping[str, tuple[float, float]]
#: The rule for what must arrive as it was sent, which is no tolerance: nothing may be lost.
EQUAL = "equal"

Finite = Annotated[float, Field(allow_inf_nan=False)]
Step = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DerivativeLine(_Line):
    """One derivative at one point, as a program printed it."""

    case: str
    mode: Literal["forward", "reverse"]
    width: Annotated[int, Field(ge=1)]
    float: Literal["f32", "f64"]
    at: tuple[Finite, ...]
    primal: tuple[Finite, ...]
    derivative: tuple[Finite, ...]
    central: Annotated[tuple[tuple[Step, tuple[Finite, ...]], ...], Field(min_length=4)]

    @property
    def key(self) -> Key:
        """What is differentiated, and how."""
        return (self.case, self.mode, self.width)


class ValuesLine(_Line):
    """The solution of one problem, as a program printed it."""

    case: str
    values: tuple[Finite, ...]


class DeviceLine(_Line):
    """A device on which the program launches kernels, as the program named it: the runtime's number and name for it."""

    device: Annotated[int, Field(ge=0)]
    uid: str


class DoneLine(_Line):
    """The last line, with the number of lines before it."""

    done: Annotated[int, Field(ge=0)]


#: What can stand in a line before the last one.
Printed = DerivativeLine | ValuesLine | DeviceLine


@dataclass(frozen=True, kw_only=True)
class Oracle:
    """What a program must print: derivatives at given points, or certified values."""

    functions: Mapping[str, ClosedForm] = field(default_factory=dict)
    points: Mapping[Key, Sequence[Sequence[float]]] = field(default_factory=dict)
    #: The cases that compute in f32, and are compared with wider tolerances.
    single: frozenset[str] = frozenset()
    values: Mapping[str, Sequence[float]] = field(default_factory=dict)
    #: The tolerance of all values, or that of each case.
    values_tolerance: str | Mapping[str, str] = ""
    #: How often each kernel is launched, altogether or on each device.
    launches: Mapping[str, int | Mapping[int, int]] = field(default_factory=dict)

    def expected(self) -> list[str]:
        """The labels of all lines that a program must print, in the oracle's order."""
        derivatives = [_label(key, at) for key, points in self.points.items() for at in points]
        return [*derivatives, *self.values]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One number against one estimate of it."""

    case: str
    #: `forward`, `reverse`, or empty for certified values.
    mode: str
    width: int
    #: Which number, at which point: `derivative[0, 1] at (1.5, 2.0)`.
    quantity: str
    got: float
    expected: float
    #: |got - expected|
    error: float
    #: The largest error allowed: absolute + relative x |expected|.
    tolerance: float
    #: Which tolerance of the matrix that is.
    rule: str
    ok: bool


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a program's output is worth: `pass` only with every comparison right and no problem."""

    outcome: Outcome
    comparisons: tuple[Comparison, ...]
    problems: tuple[str, ...]
    devices: tuple[DeviceLine, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StepStudy:
    """Central differences of one number over decreasing steps.

    The truncation error falls with the step and the rounding error rises; where neighbouring steps disagree least
    (over both neighbours) the estimate is best, and that disagreement says how good it is.
    """

    step: float
    best: float
    disagreement: float
    #: Whether larger steps disagree more, and smaller steps too.
    has_minimum: bool


def load(path: Path) -> Oracle:
    """The oracle in a Python file: `FUNCTIONS`, `POINTS` and `SINGLE`, or `VALUES` and `VALUES_TOLERANCE`; `LAUNCHES`.

    Raises `UserError` where the file cannot be run or names no expectation.
    """
    try:
        names = runpy.run_path(str(path))
    except Exception as error:
        raise UserError(
            f"{path}: the oracle cannot be read", why=f"{type(error).__name__}: {error}", fix="mend the file"
        ) from error
    oracle = Oracle(
        functions=names.get("FUNCTIONS", {}),
        points=names.get("POINTS", {}),
        single=frozenset(names.get("SINGLE", ())),
        values=names.get("VALUES", {}),
        values_tolerance=names.get("VALUES_TOLERANCE", ""),
        launches=names.get("LAUNCHES", {}),
    )
    unknown = sorted({case for case, _, _ in oracle.points} - set(oracle.functions))
    if unknown:
        raise UserError(
            f"{path}: no closed form for {', '.join(unknown)}",
            why=f"POINTS names them; FUNCTIONS has {', '.join(oracle.functions) or 'nothing'}",
            fix="add the functions, or take the points out",
        )
    if not oracle.expected():
        raise UserError(
            f"{path}: the oracle expects nothing",
            why="there is neither POINTS nor VALUES in it, so every output would pass",
            fix="say which derivatives or values a program must print",
        )
    return oracle


def judge(output: str, oracle: Oracle, tolerances: Tolerances) -> Verdict:
    """Check the complete standard output of a program that ended by itself with exit status 0.

    The outcome is `pass` or `wrong`. Raises `UserError` where a tolerance that is needed is not in `tolerances`.
    """
    lines, problems = parse(output)
    comparisons: list[Comparison] = []
    seen: list[str] = []
    devices: list[DeviceLine] = []
    for line in lines:
        match line:
            case DeviceLine():
                devices.append(line)
                continue
            case DerivativeLine():
                label = _label(line.key, line.at)
                known = line.key in oracle.points and list(line.at) in [list(at) for at in oracle.points[line.key]]
            case ValuesLine():
                label = line.case
                known = line.case in oracle.values
        if label in seen:
            problems.append(f"{label}: printed twice")
        elif not known:
            problems.append(f"{label}: not expected by the oracle")
        else:
            checked, found = _check(line, label, oracle, tolerances)
            comparisons.extend(checked)
            problems.extend(found)
        seen.append(label)
    problems.extend(f"{label}: missing" for label in oracle.expected() if label not in seen)
    right = not problems and all(comparison.ok for comparison in comparisons)
    return Verdict(
        outcome=Outcome.PASS if right else Outcome.WRONG,
        comparisons=tuple(comparisons),
        problems=tuple(problems),
        devices=tuple(devices),
    )


def parse(output: str) -> tuple[list[Printed], list[str]]:
    """The lines of a program's output, and what is wrong with it, each with its line number."""
    lines: list[Printed] = []
    problems: list[str] = []
    done: int | None = None
    count = 0
    for number, text in enumerate(output.splitlines(), start=1):
        if done is not None:
            problems.append(f"line {number}: there is output after the line `done`: {_short(text)}")
            break
        try:
            line = _parse_line(text)
        except ValidationError as error:
            for item in error.errors():
                where = ".".join(str(part) for part in item["loc"])
                problems.append(f"line {number}: {where}: {item['msg']}")
            count += 1
            continue
        except ValueError as error:
            problems.append(f"line {number}: {error}: {_short(text)}")
            count += 1
            continue
        if isinstance(line, DoneLine):
            done = line.done
        else:
            lines.append(line)
            count += 1
    if done is None:
        problems.append(f'the line {{"done": N}} is missing after {count} lines: the program did not reach its end')
    elif done != count:
        problems.append(f"the program counted {done} lines, and {count} were read")
    return lines, problems


def study(central: Sequence[tuple[float, float]]) -> StepStudy:
    """The best central difference among (step, value), of at least three, by decreasing step."""
    gaps = [abs(here - there) for (_, here), (_, there) in pairwise(central)]
    around = [max(left, right) for left, right in pairwise(gaps)]
    least = min(range(len(around)), key=around.__getitem__)
    step, best = central[least + 1]
    return StepStudy(
        step=step,
        best=best,
        disagreement=around[least],
        has_minimum=gaps[0] > around[least] and around[least] < around[-1],
    )


def _parse_line(text: str) -> Printed | DoneLine:
    try:
        value = json.loads(text, object_pairs_hook=_without_duplicates)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error.msg})") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    if "done" in value:
        return DoneLine.model_validate_json(text)
    if "device" in value:
        return DeviceLine.model_validate_json(text)
    if "values" in value:
        return ValuesLine.model_validate_json(text)
    return DerivativeLine.model_validate_json(text)


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"the key {name!r} is there twice")
    return dict(pairs)


def _check(
    line: DerivativeLine | ValuesLine, label: str, oracle: Oracle, tolerances: Tolerances
) -> tuple[list[Comparison], list[str]]:
    if isinstance(line, DerivativeLine):
        wanted = "f32" if line.case in oracle.single else "f64"
        if line.float != wanted:
            return [], [f"{label}: computed in {line.float}, and the oracle expects {wanted}"]
        return _check_derivative(line, label, oracle.functions[line.case], tolerances)
    expected = oracle.values[line.case]
    if len(line.values) != len(expected):
        return [], [f"{label}: has {len(line.values)} values, and the oracle {len(expected)}"]
    rule = oracle.values_tolerance if isinstance(oracle.values_tolerance, str) else oracle.values_tolerance[line.case]
    compare = _Comparer(case=line.case, mode="", width=1, rule=rule, tolerances=tolerances)
    return [
        compare(f"value[{i}]", got, right) for i, (got, right) in enumerate(zip(line.values, expected, strict=True))
    ], []


def _check_derivative(
    line: DerivativeLine, label: str, function: ClosedForm, tolerances: Tolerances
) -> tuple[list[Comparison], list[str]]:
    primal, derivative = function(line.at)
    outputs, inputs = len(primal), len(line.at)
    problems = [
        f"{label}: {name} has {length} numbers, and {wanted} are expected"
        for name, length, wanted in (
            ("primal", len(line.primal), outputs),
            ("derivative", len(line.derivative), outputs * inputs),
            *((f"central at step {step:g}", len(row), outputs * inputs) for step, row in line.central),
        )
        if length != wanted
    ]
    steps = [step for step, _ in line.central]
    if any(left <= right for left, right in pairwise(steps)):
        problems.append(f"{label}: the steps of the central differences do not decrease")
    if problems:
        return [], problems

    suffix = "" if line.float == "f64" else f"-{line.float}"
    where = f"at ({', '.join(f'{x:g}' for x in line.at)})"
    closed = _Comparer(
        case=line.case, mode=line.mode, width=line.width, rule=f"closed-form{suffix}", tolerances=tolerances
    )
    central = _Comparer(
        case=line.case, mode=line.mode, width=line.width, rule=f"central-difference{suffix}", tolerances=tolerances
    )
    comparisons = [
        closed(f"primal[{i}] {where}", got, right)
        for i, (got, right) in enumerate(zip(line.primal, primal, strict=True))
    ]
    studies = []
    for i, (got, right) in enumerate(zip(line.derivative, derivative, strict=True)):
        quantity = f"derivative[{i // inputs}, {i % inputs}] {where}"
        steps_of_it = study([(step, row[i]) for step, row in line.central])
        studies.append(steps_of_it)
        comparisons.append(closed(quantity, got, right))
        comparisons.append(central(quantity, got, steps_of_it.best))
        allowed = central.allowed(steps_of_it.best)
        if steps_of_it.disagreement > allowed:
            problems.append(
                f"{label}: the central differences of {quantity} do not settle: at the best step, "
                f"{steps_of_it.step:g}, neighbours disagree by {steps_of_it.disagreement:.3g}, and {allowed:.3g} is "
                f"allowed"
            )
    if not any(one.has_minimum for one in studies):
        problems.append(
            f"{label}: the error of the central differences does not fall and rise with the step, so they are no "
            f"estimate of their own"
        )
    return comparisons, problems


@dataclass(frozen=True, kw_only=True)
class _Comparer:
    """Compares numbers of one case under one tolerance."""

    case: str
    mode: str
    width: int
    rule: str
    tolerances: Tolerances

    def allowed(self, expected: float) -> float:
        if self.rule == EQUAL:
            return 0.0
        try:
            relative, absolute = self.tolerances[self.rule]
        except KeyError:
            raise UserError(
                f"the tolerance {self.rule!r} is not given",
                why=f"{self.case} needs it; given are: {', '.join(sorted(self.tolerances)) or 'none'}",
                fix="name it under `tolerances` of the smoke test, and define it in matrix.yaml",
            ) from None
        return absolute + relative * abs(expected)

    def __call__(self, quantity: str, got: float, expected: float) -> Comparison:
        error, tolerance = abs(got - expected), self.allowed(expected)
        return Comparison(
            case=self.case,
            mode=self.mode,
            width=self.width,
            quantity=quantity,
            got=got,
            expected=expected,
            error=error,
            tolerance=tolerance,
            rule=self.rule,
            ok=error <= tolerance,
        )


def _label(key: Key, at: Sequence[float]) -> str:
    case, mode, width = key
    return f"{case} ({mode}, width {width}) at ({', '.join(f'{x:g}' for x in at)})"


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
