"""The functions of `src/functions.rs` and their derivatives in closed form.

Each function takes the point and gives the outputs and the derivative: outputs x inputs, row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, exp, hypot, log, prod, sin, sqrt

Result = tuple[list[float], list[float]]


def square_sine(at: Sequence[float]) -> Result:
    """x^2 sin x"""
    (x,) = at
    return [x**2 * sin(x)], [2 * x * sin(x) + x**2 * cos(x)]


def bell(at: Sequence[float]) -> Result:
    """exp(-x^2/2) ln(2 + x) + sqrt(1 + x^2) cos 3x"""
    (x,) = at
    gauss, root = exp(-(x**2) / 2), sqrt(1 + x**2)
    value = gauss * log(2 + x) + root * cos(3 * x)
    slope = gauss * (1 / (2 + x) - x * log(2 + x)) + x / root * cos(3 * x) - 3 * root * sin(3 * x)
    return [value], [slope]


def clipped(at: Sequence[float]) -> Result:
    """sin(max(x, 1/2)) exp(min(2 x, 3/2)): at 1/4 the first does not change, at 1 the second."""
    (x,) = at
    left, right = max(x, 0.5), exp(min(2 * x, 1.5))
    slope = (cos(left) * right if x > 0.5 else 0.0) + (2 * sin(left) * right if 2 * x < 1.5 else 0.0)
    return [sin(left) * right], [slope]


def single(at: Sequence[float]) -> Result:
    """x sin x + exp(-x)"""
    (x,) = at
    return [x * sin(x) + exp(-x)], [sin(x) + x * cos(x) - exp(-x)]


def cube_root(at: Sequence[float]) -> Result:
    """The cube root of a > 0."""
    (a,) = at
    return [a ** (1 / 3)], [a ** (-2 / 3) / 3]


def rosenbrock(at: Sequence[float]) -> Result:
    """The sum of 100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2."""
    x, last = at, len(at) - 1
    value = sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(last))
    gradient = [0.0] * len(x)
    for i in range(last):
        gradient[i] += -400 * x[i] * (x[i + 1] - x[i] ** 2) - 2 * (1 - x[i])
        gradient[i + 1] += 200 * (x[i + 1] - x[i] ** 2)
    return [value], gradient


def branches(at: Sequence[float]) -> Result:
    """((0.5 + a^2) e^-b + c^2) e^-d + e^2: the branches taken at this point are up, down, up, down, up."""
    a, b, c, d, e = at
    inner = (0.5 + a**2) * exp(-b)
    outer = (inner + c**2) * exp(-d)
    if not (a > 0.5 and b <= 0.5 + a**2 and c > inner and d <= inner + c**2 and e > outer):
        raise ValueError(f"other branches are taken at {list(at)}")
    return [outer + e**2], [2 * a * exp(-b) * exp(-d), -inner * exp(-d), 2 * c * exp(-d), -outer, 2 * e]


def advance(at: Sequence[float]) -> Result:
    """s[0]^2 sin s[1] ... sin s[i] for each i."""
    factors = [at[0] ** 2, *(sin(s) for s in at[1:])]
    slopes = [2 * at[0], *(cos(s) for s in at[1:])]
    value = [prod(factors[: i + 1]) for i in range(len(at))]
    jacobian = [
        prod(slopes[k] if k == j else factors[k] for k in range(i + 1)) if j <= i else 0.0
        for i in range(len(at))
        for j in range(len(at))
    ]
    return value, jacobian


def advance_to(at: Sequence[float]) -> Result:
    """What `advance` gives, elsewhere."""
    return advance(at)


def spherical(at: Sequence[float]) -> Result:
    """(r, theta, phi) to (x, y, z), with the Jacobian written in terms of x, y, z."""
    r, theta, phi = at
    x, y, z = r * sin(theta) * cos(phi), r * sin(theta) * sin(phi), r * cos(theta)
    across = hypot(x, y)
    return [x, y, z], [x / r, x * z / across, -y, y / r, y * z / across, x, z / r, -across, 0.0]


#: case -> closed form
FUNCTIONS: dict[str, Callable[[Sequence[float]], Result]] = {
    function.__name__: function
    for function in (
        square_sine,
        bell,
        clipped,
        single,
        cube_root,
        rosenbrock,
        branches,
        advance,
        advance_to,
        spherical,
    )
}

#: The cases that compute in single precision.
SINGLE = {"single"}

_SCALAR = {
    "square_sine": [[1.5], [-0.75]],
    "bell": [[0.25], [-1.25]],
    "clipped": [[0.25], [1.0]],
    "cube_root": [[2.0], [1000.0]],
    "single": [[1.25]],
}
_VALLEY = [[-1.2, 0.8, 1.5, 1.9]]
_STATE = [[1.25, 0.5, -0.75, 2.0]]

#: (case, mode, width) -> the points at which the program gives it
POINTS: dict[tuple[str, str, int], list[list[float]]] = {
    **{(case, mode, 1): points for case, points in _SCALAR.items() for mode in ("forward", "reverse")},
    **{("branches", mode, 1): [[0.75, 0.5, 1.25, -0.25, 4.0]] for mode in ("forward", "reverse")},
    **{("spherical", mode, 1): [[2.5, 0.75, -0.5]] for mode in ("forward", "reverse")},
    ("rosenbrock", "forward", 1): _VALLEY,
    ("rosenbrock", "forward", 4): _VALLEY,
    ("rosenbrock", "reverse", 1): _VALLEY,
    ("advance", "forward", 1): _STATE,
    ("advance", "forward", 4): _STATE,
    ("advance", "reverse", 1): _STATE,
    ("advance", "reverse", 4): _STATE,
    ("advance_to", "forward", 1): _STATE,
    ("advance_to", "reverse", 1): _STATE,
}
