"""Numbers with their derivatives (dual numbers): the exact oracle, from the same function written again in Python."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Dual:
    """A value, and its derivatives by all inputs."""

    value: float
    slopes: tuple[float, ...]

    def _apply(self, value: float, slope: float) -> Dual:
        # A slope of zero stays zero, whatever it is multiplied with: what does not depend on an input never will.
        return Dual(value, tuple(slope * s if s else 0.0 for s in self.slopes))

    def __add__(self, other: Dual | float) -> Dual:
        if not isinstance(other, Dual):
            return Dual(self.value + other, self.slopes)
        return Dual(self.value + other.value, tuple(a + b for a, b in zip(self.slopes, other.slopes, strict=True)))

    def __mul__(self, other: Dual | float) -> Dual:
        if not isinstance(other, Dual):
            return self._apply(self.value * other, other)
        slopes = (a * other.value + self.value * b for a, b in zip(self.slopes, other.slopes, strict=True))
        return Dual(self.value * other.value, tuple(slopes))

    def __neg__(self) -> Dual:
        return self * -1.0

    def __sub__(self, other: Dual | float) -> Dual:
        return self + -other

    def __truediv__(self, other: Dual | float) -> Dual:
        return self * (other**-1 if isinstance(other, Dual) else 1.0 / other)

    def __pow__(self, power: float) -> Dual:
        return self._apply(self.value**power, power * self.value ** (power - 1))

    def __radd__(self, other: float) -> Dual:
        return self + other

    def __rmul__(self, other: float) -> Dual:
        return self * other

    def __rsub__(self, other: float) -> Dual:
        return -self + other

    def __rtruediv__(self, other: float) -> Dual:
        return self**-1 * other

    def __lt__(self, other: Dual | float) -> bool:
        return self.value < number(other)

    def __gt__(self, other: Dual | float) -> bool:
        return self.value > number(other)


def number(x: Dual | float) -> float:
    """The value alone."""
    return x.value if isinstance(x, Dual) else x


def sin(x: Dual) -> Dual:
    """The sine."""
    return x._apply(math.sin(x.value), math.cos(x.value))


def exp(x: Dual) -> Dual:
    """The exponential."""
    return x._apply(math.exp(x.value), math.exp(x.value))


Numbers = list[Dual]
#: A function of some numbers and of `n`: one output, or several.
Function = Callable[[Numbers, int], "Dual | float | Sequence[Dual | float]"]


def derived(function: Function, at: Sequence[float], n: int) -> list[float]:
    """The outputs, then the Jacobian (outputs x inputs), row by row."""
    inputs = [Dual(x, tuple(float(i == j) for j in range(len(at)))) for i, x in enumerate(at)]
    found = function(inputs, n)
    outputs = list(found) if isinstance(found, Sequence) else [found]
    zero = [0.0] * len(at)
    rows = [list(one.slopes) if isinstance(one, Dual) else zero for one in outputs]
    return [*(number(one) for one in outputs), *(slope for row in rows for slope in row)]


def expected(
    name: str, function: Function, at: Sequence[float], n: int, *, modes: Sequence[str], single: bool
) -> tuple[dict[str, list[float]], dict[str, str]]:
    """What a program must print of a function in each mode, and the tolerance of each line."""
    # Of one number (slope!) upstream has no gradient in several directions.
    modes = [mode for mode in modes if mode != "reverse 4" or len(at) > 1]
    right, suffix = derived(function, at, n), "-f32" if single else ""
    values = {f"{name} {mode}": right for mode in (*modes, "differences")}
    rules = {f"{name} {mode}": f"closed-form{suffix}" for mode in modes}
    return values, rules | {f"{name} differences": f"central-difference{suffix}"}
