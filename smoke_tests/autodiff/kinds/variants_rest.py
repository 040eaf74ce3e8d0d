"""The functions of `src/variants/copies.rs` and `rest.rs` in Python; `variants.py` has what is done with them."""

from __future__ import annotations

import runpy
from itertools import pairwise
from pathlib import Path
from typing import Any

_here = Path(__file__)
_dual: dict[str, Any] = runpy.run_path(str(_here.with_name("dual.py")))
_kinds: dict[str, Any] = runpy.run_path(str(_here.with_name("oracle.py")))
sin, exp, number, weigh = (*(_dual[name] for name in ("sin", "exp", "number")), _kinds["weigh"])

SEVEN = [1.3, 1.6, 1.2, 0.96, 1.5, 1.1, 0.94]
FEW = [0.3, 0.4, 0.5]
FOUR = [0.3, 0.4, 0.5, 0.6]


def moved_in_loop(x: Any, n: int) -> Any:
    """To the left, and a product at the end."""
    y = list(x)
    for i in range(n):
        y = [*y[1:], y[-1]]
        y[-1] = y[0] * y[1] + i
    return weigh(y)


def squared_in_order(y: Any) -> Any:
    """Squares, the first once, the second twice, and so on, one by one."""
    return [v * v * (i + 1) for i, v in enumerate(y)]


def rows_copied(x: Any, n: int) -> Any:
    """The last row is the second, which is then squared."""
    rows = [list(x[:3]), list(x[3:]), []]
    rows[2] = list(rows[n - 1])
    rows[1] = [a * b for a, b in zip(rows[1], rows[2], strict=True)]
    return weigh(rows[0]) + weigh(rows[1]) + weigh(rows[2])


def owned(x: Any, n: int) -> Any:
    """Three copies."""
    a = [v * x[k + 1] * x[k] if k < n else v for k, v in enumerate(x)]
    return weigh(a) + weigh(x) + weigh(x)


def elements_swapped(x: Any, n: int) -> Any:
    """From both ends."""
    for i in range(n):
        j = len(x) - 1 - 2 * i
        x[i], x[j] = x[j], x[i]
        x[i] = x[i] * x[i + 1]
    return x


def replaced(x: Any, n: int) -> Any:
    """What was there before, times what is there now."""
    now, total = list(x), 0.0 * x[0]
    for k in range(n):
        old, now = now, [now[1] * now[2], now[2] + now[0], now[0] * 0.5]
        total = total + old[k % 3] * now[0]
    return total


def taken(x: Any, n: int) -> Any:
    """Squares, and the first of them."""
    now = [v * 2 for v in x]
    for _ in range(n):
        now = [v * v + now[0] for v in now]
    return weigh(now)


def fields_swapped(x: Any, n: int) -> Any:
    """Two fields, exchanged in each turn."""
    a, b = x[0], x[1]
    for _ in range(n):
        a, b = b, a
        a = a * (x[2] + b)
    return a + 2 * b * b


def vectors_swapped(x: Any, n: int) -> Any:
    """Two vectors, exchanged in each turn."""
    now = list(x)
    for _ in range(n):
        now = [now[i] + 0.3 * now[(i + 1) % 4] * now[i] for i in range(4)]
    return weigh(now)


def ring(x: Any, n: int) -> Any:
    """Round and round."""
    r = list(x)
    for k in range(n):
        r[k % 3] = 0.9 * r[(k + 1) % 3] + r[k % 3] * r[(k + 2) % 3]
    return weigh(r)


def boxed(x: Any, n: int) -> Any:
    """An array on the heap."""
    b = [x[0] * x[0], x[1], x[2]]
    for k in range(n):
        c = list(b)
        b[k] = c[k + 1] * c[0]
    return weigh(b)


def scanned(x: Any, n: int) -> Any:
    """The sum of all products from the first."""
    product, total = 1.0, 0.0 * x[0]
    for v in x:
        product = product * v
        total = total + product
    return total


def folded(x: Any, n: int) -> Any:
    """From the last to the first."""
    total = 0.0 * x[0]
    for v in reversed(x):
        total = total * 0.5 + v * v
    return total


def horizontal(x: Any, n: int) -> Any:
    """Lanes times crossed lanes, summed, times the second."""
    return (x[0] * x[3] + x[1] * x[2]) * x[1]


def blended(x: Any, n: int) -> Any:
    """Lanes times reversed lanes."""
    v = [x[i] * x[3 - i] for i in range(4)]
    return (v[0] + v[2]) * (v[1] + v[3])


def counted(x: Any, n: int) -> Any:
    """The variance of those above 0.35."""
    some = [v for v in x if v > 0.35]
    mean = sum(some) / len(some)
    return sum(v * v for v in some) / len(some) - mean * mean


def generic(x: Any, n: int) -> Any:
    """Springs and Morse's potential."""
    total = 0.0 * x[0]
    for a, b in pairwise(x):
        r = b - a
        e = 1 - exp(-1.5 * r)
        total = total + 0.5 * 2.0 * r * r + x[0] * e * e
    return total


def enumeration(x: Any, n: int) -> Any:
    """Of the laws x^3, 2 sin x and x^2 those from the second."""
    return 2 * sin(x[0]) + x[0] * x[0]


#: name -> function, point, n
FUNCTIONS_OF: dict[str, tuple[Any, list[float], int]] = {
    "moved_right": (lambda x, n: weigh(x[:n] + x[: len(x) - n]), SEVEN, 3),
    "moved_in_loop": (moved_in_loop, SEVEN, 4),
    "moved_onto_itself": (lambda x, n: weigh(x), SEVEN, 3),
    "inserted": (lambda x, n: weigh([*x[:n], x[0] * x[1], *x[n:]]), SEVEN, 2),
    "removed": (lambda x, n: weigh(x[:n] + x[n + 1 :]) + 3 * x[n] * x[n], SEVEN, 2),
    "moved_single": (lambda x, n: x[1] ** 2 + 2 * x[2] ** 2 + 3 * x[3] ** 2 + 4 * x[3] ** 2, [1.25, 1.5, 0.75, 2.0], 1),
    "rows_copied": (rows_copied, SEVEN[:6], 2),
    "owned": (owned, FEW, 2),
    "concatenated": (lambda x, n: weigh([v * v for v in x + x[:n]]), FEW, 2),
    "elements_swapped": (elements_swapped, SEVEN, 2),
    "reversed": (lambda x, n: squared_in_order(x[::-1]), SEVEN, 0),
    "replaced": (replaced, FEW, 3),
    "taken": (taken, FEW, 3),
    "filled": (lambda x, n: weigh([1.0, 1.0, x[0] * x[1] * x[2], x[0] * x[1], x[0] * x[1]]), FEW, 2),
    "fields_swapped": (fields_swapped, FEW, 3),
    "ring": (ring, FEW, 7),
    "boxed": (boxed, FEW, 2),
    "borrowed_or_owned": (lambda x, n: weigh([v * v for v in x]), FEW, 1),
    "number_or_default": (lambda x, n: 2.5 * x[2] * x[2] + x[1] * x[1], FEW, 1),
    "parameters_by_kind": (lambda x, n: sum((i + 1) * v * v for i, v in enumerate(x)), FEW, 1),
    "table_by_kind": (lambda x, n: sum(v * v * v for v in x), FEW, 0),
    "vector_made": (lambda x, n: weigh([v * v * v for v in x]), FEW, 1),
    "closure_chosen": (lambda x, n: sin(x[0]) * x[0], [0.3], 1),
    "boxed_closure": (lambda x, n: x[0] ** 3, [0.3], 1),
    "enumeration": (enumeration, [0.3], 1),
    "constant_static": (lambda x, n: 2 * x[0] ** 3 + 3 * x[1] ** 3 + x[2] ** 3, FEW, 1),
    "filtered": (
        lambda x, n: sum(v * v for v in x if v > 0.35) * x[1] * x[1],
        [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
        0,
    ),
    "windows": (lambda x, n: sum(a * b * b for a, b in pairwise(x)), FOUR, 0),
    "zipped": (lambda x, n: sum(a * a * b for a, b in pairwise(x)), FOUR, 0),
    "scanned": (scanned, FOUR, 0),
    "folded": (folded, FOUR, 0),
    "chained": (lambda x, n: weigh(x[n:] + x[:n]), FOUR, 2),
    "horizontal": (horizontal, FOUR, 0),
    "blended": (blended, [1.25, 1.5, 0.75, 2.0], 0),
    "counted": (counted, FOUR, 0),
    "generic": (generic, [0.3, 0.4, 0.6, 0.9], 0),
}
SINGLE = {"moved_single", "blended"}
