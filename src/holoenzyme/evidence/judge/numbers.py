"""Compares the numbers of a program's output with the oracle's. Pure.

Each derivative is compared with the closed form and with the program's central differences, two estimates that owe
nothing to each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from holoenzyme.errors import UserError
from holoenzyme.evidence.judge.oracle import ClosedForm, Oracle, label_of
from holoenzyme.evidence.judge.output import DerivativeLine, DeviceLine, ValuesLine, parse

#: name -> (relative, absolute)
Tolerances = Mapping[str, tuple[float, float]]
#: The rule for what must arrive as it was sent, which is no tolerance: nothing may be lost.
EQUAL = "equal"


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
class Agreement:
    """How far a program's output agrees with its oracle; `devices` are those on which it says that kernels ran."""

    comparisons: tuple[Comparison, ...]
    problems: tuple[str, ...]
    devices: tuple[DeviceLine, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether every comparison is right, and nothing is missing or too much."""
        return not self.problems and all(comparison.ok for comparison in self.comparisons)


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


def compare(output: str, oracle: Oracle, tolerances: Tolerances) -> Agreement:
    """Check the complete standard output of a program that ended by itself with exit status 0.

    Raises `UserError` where a tolerance that is needed is not in `tolerances`.
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
                label = label_of(line.key, line.at)
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
    return Agreement(comparisons=tuple(comparisons), problems=tuple(problems), devices=tuple(devices))


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
