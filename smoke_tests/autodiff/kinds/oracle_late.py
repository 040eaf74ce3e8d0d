"""The last functions of `src/found.rs` in Python; `oracle.py` has what is done with them."""

from __future__ import annotations

from typing import Any


def kept_and_grown(x: Any, n: int) -> Any:
    """Squares of the last odd rest, and of the sum that the even ones give."""
    total, kept = 0.0, []
    for i in range(n):
        rest = [v * 0.2 * (i + 1.0) for v in x[i % 3 :]]
        if len(rest) % 2 == 0:
            total = total + rest[0] * rest[1]
        else:
            kept = rest
    return sum(v * v for v in [*kept, total])


def scaled(x: Any, turns: int, inner: int) -> Any:
    """A product of sums, with as many squares in each turn as there are weights."""
    total = 1.0
    for i in range(turns):
        total = total * (x[i % 3] + 0.5)
        for j in range(inner):
            total = total * (total * 0.25 + x[j])
        total = total + x[i % 2]
    return total


def counted_perhaps(x: Any, n: int) -> Any:
    """Without weights in all turns, and with them in two."""
    return scaled(x, n, 0) + scaled(x, 2, n - 2)


def packed_factor(x: Any, n: int) -> Any:
    """The determinant of the symmetric matrix whose lower triangle is packed."""
    a, b, c, d, e, f = x
    return a * c * f + 2 * b * d * e - a * e * e - c * d * d - f * b * b


def read_in_turn(x: Any, n: int) -> Any:
    """A product of the numbers, then of their squares where one was read and of their halves where more were."""
    numbers, total = list(x), 1.0
    for i in range(n):
        count = i * 7 % 3 + 1
        for v in numbers[:count]:
            total = total + v * total
        numbers = [v * v if count == 1 else v * 0.5 for v in x]
    return total
