"""The gradient of each function of `src/main.rs`, where it leads to numbers: small ones, all exact."""

from __future__ import annotations

#: case -> the gradient
VALUES = {
    # x0^2 + x1^2 at (2, 3); the same through a structure, and twice that
    "pointer": [4, 6],
    "through-pointer": [8, 12],
    # (a x)^2 summed over (a, x) = (2, 3), (1, 5), by x
    "tuples": [24, 10],
    # a x^2 at (a, x) = (2, 3)
    "reordered": [9, 12],
    # a x b at (a, x, b) = (2, 3, 4), by x and by b
    "nested": [8, 6],
    # x0 y1 + x1 y0 at (x, y) = (1, 2), (3, 4)
    "structures": [4, 3, 2, 1],
    # the sum of squares of 1, 2 and 3
    "vectors": [2, 4, 6],
    # x0 (x0^2 + x1^2) at (2, 3)
    "converted": [21, 12],
    "list": [2, 4, 6],
    # x^2 at 5
    "option": [10],
}
VALUES_TOLERANCE = "equal"
