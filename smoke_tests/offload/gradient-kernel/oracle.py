"""The curve of `src/lib.rs` and its derivative in closed form."""

from __future__ import annotations

_AT = [i / 16 - 3 for i in range(100)]


def _value(x: float) -> float:
    """(x + x^2/2 + x^3/3 + x^4/4) / (1 + x^2)"""
    return sum(x**k / k for k in range(1, 5)) / (1 + x**2)


def _slope(x: float) -> float:
    """The quotient's rule."""
    above = sum(x ** (k - 1) for k in range(1, 5))
    return (above - 2 * x * _value(x)) / (1 + x**2)


#: case -> what is printed
VALUES = {"value": [_value(x) for x in _AT], "slope": [_slope(x) for x in _AT]}
VALUES_TOLERANCE = "closed-form"
#: kernel -> how often it is launched
LAUNCHES = {"slopes": 1}
