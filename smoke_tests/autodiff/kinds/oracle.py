"""The functions of `src/*.rs` in Python, over dual numbers: exact derivatives that owe nothing to Enzyme."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

_dual: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("dual.py")))
sin, number, expected = _dual["sin"], _dual["number"], _dual["expected"]
_late: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("oracle_late.py")))


def weigh(y: Any) -> Any:
    """Squares, the first once, the second twice, and so on."""
    return sum((i + 1) * v * v for i, v in enumerate(y))


def orbit(p: Any, n: int) -> Any:
    """A planet by Runge-Kutta's method."""

    def pull(s: Any) -> Any:
        r3 = (s[0] * s[0] + s[1] * s[1]) ** 1.5
        return [s[2], s[3], -p[0] * s[0] / r3, -p[1] * s[1] / r3]

    def axpy(a: float, x: Any, y: Any) -> Any:
        return [a * u + v for u, v in zip(x, y, strict=True)]

    s, h = [1.0, 0.2, 0.1, 0.9], 0.1
    for _ in range(n):
        k1 = pull(s)
        k2 = pull(axpy(h / 2, k1, s))
        k3 = pull(axpy(h / 2, k2, s))
        k4 = pull(axpy(h, k3, s))
        s = [s[i] + h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]) for i in range(4)]
    return s[0] + s[1]


def next_element(x: Any, n: int) -> Any:
    """Each times the next."""
    return [x[i] * x[i + 1] if i + 1 < len(x) else x[i] for i in range(len(x))]


def replaced_each_turn(p: Any, n: int) -> Any:
    """A new vector in each turn."""
    a = list(p)
    for _ in range(n):
        a = [a[i] * a[(i + 1) % 4] + sin(a[i]) for i in range(4)]
    return a[0] + 2 * a[1] + 3 * a[2] + 4 * a[3]


def drift(p: Any, n: int) -> Any:
    """Cubes, summed from a constant start."""
    return 3.0 + n * (p[0] ** 3 + p[1] ** 3)


def midpoint(p: Any, n: int) -> Any:
    """The midpoint rule, from a constant start."""
    s = [1.0, 2.0]
    for _ in range(n):
        k = [p[0] * s[1], s[0] * p[1] * s[1]]
        u = [s[i] + 0.05 * k[i] for i in range(2)]
        k = [p[0] * u[1], u[0] * p[1] * u[1]]
        s = [s[i] + 0.1 * k[i] for i in range(2)]
    return s[0] + s[1]


def zeroed(p: Any, n: int) -> Any:
    """The midpoint rule for Lorenz' system."""

    def slope(s: Any) -> Any:
        return [p[0] * (s[1] - s[0]), s[0] * (p[1] - s[2]) - s[1], s[0] * s[1] - p[2] * s[2]]

    s, h = [1.0, 1.0, 1.0], 0.01
    for _ in range(n):
        a = slope(s)
        b = slope([s[i] + h / 2 * a[i] for i in range(3)])
        s = [s[i] + h * b[i] for i in range(3)]
    return s[0] + s[1] + s[2]


def mapped(p: Any, n: int) -> Any:
    """Squares of a line, added."""
    s = [1.0, 2.0, 3.0]
    for _ in range(n):
        m = [v * p[0] + p[1] for v in s]
        s = [s[i] + 0.1 * m[i] * m[i] for i in range(3)]
    return s[0] + s[1] + s[2]


def mem_swap(x: Any, n: int) -> Any:
    """Both arrays exchanged."""
    return weigh(x[2:6]) + weigh([x[1], 1.0, 2.0])


def slices_swapped(p: Any, n: int) -> Any:
    """Both slices exchanged."""
    return p[3 + n] * 2 + 10 * p[n] * p[n]


def moved_left(x: Any, n: int) -> Any:
    """All but the first to the front."""
    y = [1.5 * v for v in x]
    return weigh(y[n:] + y[len(y) - n :])


def copied_back(p: Any, n: int) -> Any:
    """The heat equation with a source."""
    a = list(p)
    for _ in range(n):
        a = [a[i] + 0.1 * (a[(i + 1) % 8] - 2 * a[i] + a[(i + 7) % 8]) + 0.05 * a[i] * a[i] for i in range(8)]
    return weigh(a)


def to_vec(x: Any, n: int) -> Any:
    """A copy that is doubled, here and there."""
    y = list(x)
    for k in range(n):
        y[k % 2] = 2 * y[k % 2]
    return weigh(y)


def cubes(p: Any, n: int) -> Any:
    """The argument's own."""
    return sum(v * v * v for v in p)


def guarded(x: Any, n: int) -> Any:
    """x^2 ln |x| at 0 is 0 by its own branch."""
    return 0.0


def labelled(x: Any, n: int) -> Any:
    """Two loops that end together."""
    s = 0.0 * x[0]
    for i in range(len(x)):
        p = x[i]
        for j in range(len(x)):
            if number(x[j]) > 0.65:
                return s
            if j > i + n:
                break
            p = p * x[j] + 0.5
            s = s + p
        else:
            s = s + sin(p)
    return s


def walked(x: Any, n: int) -> Any:
    """Squares first, and then other numbers in their place."""
    a = [x[n], *[0.0 * x[0]] * 4]
    total = x[n] * x[n]
    for at in range(0, 5, 2):
        t = a[at] * x[n]
        for k in range(at, min(at + 2, 5)):
            a[k] = 0.5 * a[k] + t
    return total + a[0] * x[0] + a[3]


def split_loop(x: Any, n: int) -> Any:
    """With a factor that does not change."""
    factor = -0.75 if n < (1.0, 2.0, 0.3)[(n + 1) % 3] else x[0]
    s = [1.0 + 0.0 * x[0], 2.0 + 0.0 * x[0], 0.3 + 0.0 * x[0]]
    for _ in range(n):
        b = [v * factor + 0.1 for v in s]
        s = [v + 0.1 * w * w for v, w in zip(s, b, strict=True)]
    return s[0] * x[1] + s[1] * x[2] + s[2]


def chosen_and_called(x: Any, n: int) -> Any:
    """The table is chosen."""
    total = 0.75**2 + 0.5**2 + 0.25**2
    cycled = 3.0 * x[0] * x[0]
    third = 1.0 / (cycled * cycled + 1.0) + x[0]
    second = (0.5 + x[(n + 1) % 3]) * x[0] + cycled + 1.0
    return third * 1.5 + second + total * 0.5


def swapped_in_loop(x: Any, n: int) -> Any:
    """Explicit steps between two vectors."""
    now = list(x)
    for _ in range(n):
        inner = [now[i] + 0.1 * (now[i - 1] - 2.0 * now[i] + now[i + 1]) * now[i] for i in range(1, len(now) - 1)]
        now = [now[0], *inner, now[-1]]
    return sum((v * v for v in now[1:]), start=now[0] * now[0])


def read_twice(x: Any, n: int) -> Any:
    """Pairs of elements, and the square of their sum."""
    pairs = sum((v * w for v in x for w in x), start=0.0 * x[0])
    return n * pairs * pairs


def returned_past_call(x: Any, n: int) -> Any:
    """What a branch that is not taken does not change."""
    h = [sin(v * x[1]) for v in x]
    return h[0] * 0.25 + h[2]


def rows_of_zeros(x: Any, n: int) -> Any:
    """Rows of which one number is not zero."""
    return (x[0] + 100.0) * (x[0] + 100.0) + x[1] * x[2]


def boxed_terms(x: Any, n: int) -> Any:
    """A line, a parabola, and another one."""
    return x[n % 3] * x[1] + 0.5 * x[1] * x[1] + x[2] * x[1] * x[1]


def copied_from_call(x: Any, n: int) -> Any:
    """Of three numbers that a call returns."""
    by = x[n % 3]
    return x[0] * by * (x[1] + by) + sin(x[2] * x[2])


def rows(x: Any, n: int) -> Any:
    """Rows, and rows as they were."""
    now = [[0.5, 0.5, 0.5] for _ in range(n)]
    for i in range(n):
        now[i][i % 3] = x[i % 3] * x[0]
    now[1][0] = 2.0 * now[1][0]
    before = [list(row) for row in now]
    now[0][0] = 0.25
    return sum(a[0] * b[1] + b[2] * b[0] for a, b in zip(now, before, strict=True))


def weighted(x: Any, n: int) -> Any:
    """Numbers by weights of their own."""
    pairs = [(x[i % 3] * x[0], (i + 1) % 3) for i in range(n)]
    return sum(weight * x[at] for weight, at in pairs) + 0.5 * x[pairs[-1][1]]


def squared(x: Any, by: Any) -> Any:
    """Squares, times a number."""
    return [v * v * by for v in x]


def made_each_turn(x: Any, n: int) -> Any:
    """Products of squares, the last weighs most."""
    total = 0.0 * x[0]
    for i in range(n):
        y = squared(x, x[i % 3])
        total = total * 0.5 + y[i % 3] * y[(i + 1) % 3]
    return total


def grown(x: Any, n: int) -> Any:
    """The first of them weighted."""
    y = []
    for i in range(n):
        y.append(x[i % 3] * x[i % 2])
        if i % 2 == 0:
            y.append(x[0] + 0.5)
    weights = squared(x, 0.5) + [1.0] * (len(y) - 3)
    return sum(v * w * v * w for v, w in zip(y, weights, strict=True))


def borrowed_first(x: Any, n: int) -> Any:
    """Owned, with another number in the middle."""
    return x[0] * x[0] + (x[0] * x[2]) ** 2 + x[2] * x[2]


def vector_or_fault(x: Any, n: int) -> Any:
    """A vector first, and then the fault that there are few."""
    return x[0] * x[0] * x[1] * x[1] * x[2]


def tree(x: Any, n: int) -> Any:
    """Products and sums in turn."""
    total = x[2]
    for i in range(n):
        total = total * x[i % 3] if i % 2 == 0 else x[i % 3] + total
    return total + 0.5 * x[0]


def linked(x: Any, n: int) -> Any:
    """Squares of what the links hold, the last that was made first."""
    total = 0.0 * x[0]
    for number in [*(x[i % 3] for i in reversed(range(n))), 3.0]:
        total = 0.5 * total * x[0] + number * number
    return total


def small_records(x: Any, n: int) -> Any:
    """A point that is turned and shrunk, and ratios."""
    a, b = x[0], x[1]
    for _ in range(n):
        a, b = a * 0.5 - b * x[2], a * x[2] + b * 0.5
    below = x[1] - 1.0
    return a + b * x[0] + sum(v * v for v in x) / (below * below)


def looked_up(x: Any, n: int) -> Any:
    """Weights of which every other one is replaced."""
    table = [(0.5, 1.25), (0.75, 2.0), (1.5, 0.125), (0.25, 0.25)]
    return sum((x[0] if i % 2 == 1 else table[i][0]) * table[i][1] * x[i % 3] for i in range(n))


#: name -> function, point, n


def constant_over_record(x: Any, n: int) -> Any:
    """A record that constants replace every other turn."""
    steps = [(1, 0.5, 2.0), (2, 1.5, 3.0), (0, 0.25, 4.0)]
    turns, length, weight, total = n, x[0], x[1], 0.0
    for i in range(n):
        by = x[(i + 1) % 3]
        total = total + weight * x[i % 3] + length * float(turns)
        weight, length, turns = weight * by, length + by, turns + 1
        total = total + weight
        if i % 2 == 0:
            turns, length, weight = steps[i % 3]
    return total


def records_cleared(x: Any, n: int) -> Any:
    """Sums that are zeroed now and then."""
    hits, sums, total = [n] * 6, [x[0]] * 6, 0.0
    for i in range(n):
        for j in range(6):
            sums[j] = sums[j] + x[(i + j) % 3]
            hits[j] += 1
            total = total + sums[j] * x[j % 3] * float(hits[j])
        if i % 3 == 2:
            for j in range(i % 6):
                hits[j], sums[j] = 0, 0.0
    return total


def pairs_grown(x: Any, n: int) -> Any:
    """Squares, weighted."""
    return sum((x[i % 3] * x[0]) ** 2 * x[i % 3] * x[(i + i % 3) % 3] for i in range(n))


def number_or_code(x: Any, n: int) -> Any:
    """Squares, but for every third."""
    total = x[0]
    for i in range(n):
        v = total * 0.5 + x[i % 3]
        total = total + (x[2] * (i * 5.0) if i % 3 == 1 else (v * v + float(i)) * x[1])
    return total


def curvature(x: Any, n: int) -> Any:
    """The gradient of (x0 x1)^2 + x1^2 x0, weighted."""
    first = 2 * x[0] * x[1] * x[1] + x[1] * x[1]
    second = 2 * x[0] * x[0] * x[1] + 2 * x[1] * x[0]
    return first + 2 * second


def least_so_far(x: Any, n: int) -> Any:
    """Each number times the least until then."""
    least, total = 10.0, 0.0
    for v in x:
        least = v if v < least else least
        total = total + least * v
    return total


def divided_so_far(x: Any, n: int) -> Any:
    """The first number, divided by one after the other: the sum of what is left each time."""
    left, total = x[0], 0.0
    for v in x:
        left = left / v
        total = total + left
    return total


def summed_twice(x: Any, n: int) -> Any:
    """A sum that weighs squares from the last to the first, twice in each turn."""

    def weighed() -> Any:
        total = 0.5
        for v in reversed(x):
            total = total * 0.5 + v * v
        return total

    total = 2.0
    for _ in range(n):
        first = weighed() * total
        total = total + weighed() * first
    y = x[0] + total
    return y * y + x[1]


def chunks_then_diagonal(x: Any, n: int) -> Any:
    """The squares of the diagonal of an outer product, to which the square of each row's first number is added."""
    total = 0.0
    for i in range(n):
        first = x[i] * x[0]
        v = x[i] * x[i] + first * first
        total = total + v * v
    return total


KINDS: dict[str, tuple[Any, list[float], int]] = {
    "orbit": (orbit, [0.3, 0.47], 5),
    "next_element": (next_element, [1.5, 0.7, 1.2], 0),
    "replaced_each_turn": (replaced_each_turn, [0.1, 0.2, 0.3, 0.4], 3),
    "drift": (drift, [0.3, 0.47], 3),
    "midpoint": (midpoint, [0.3, 0.47], 3),
    "zeroed": (zeroed, [10.0, 28.0, 2.5], 5),
    "mapped": (mapped, [0.3, 0.47], 3),
    "mem_swap": (mem_swap, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 0),
    "slices_swapped": (slices_swapped, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 1),
    "moved_left": (moved_left, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2),
    "copied_back": (copied_back, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8], 3),
    "to_vec": (to_vec, [0.3, 0.4], 3),
    # Constants are chosen: the sum of the cubes of 1, 2 and 3, or of 4 and 5.
    "default_chosen": (lambda p, n: 36.0, [0.3, 0.4, 0.5], 0),
    "argument_chosen": (cubes, [0.3, 0.4, 0.5], 1),
    "unwrapped_default": (lambda p, n: 189.0, [0.3, 0.4, 0.5], 0),
    "vector_kept": (lambda p, n: 6.0, [0.3, 0.4, 0.5], 0),
    "guarded": (guarded, [0.0], 0),
    "by_pointer": (lambda x, n: 6 * x[0], [0.3], 1),
    "by_trait": (lambda x, n: sin(x[0]), [0.3], 1),
    "by_table": (lambda x, n: 3 * x[0], [0.3], 1),
    "labelled": (labelled, [0.3, 0.4, 0.5, 0.6, 0.7], 2),
    "walked": (walked, [0.3, 0.4, 0.5], 1),
    "split_loop": (split_loop, [0.25, 0.875, 0.4], 2),
    "chosen_and_called": (chosen_and_called, [0.6, -0.8, 0.2], 3),
    "read_twice": (read_twice, [0.3, 0.5, 0.7, 0.9], 4),
    "swapped_in_loop": (swapped_in_loop, [0.3, 0.5, 0.7, 0.9], 5),
    "returned_past_call": (returned_past_call, [0.5, 1.5, 2.5], 3),
    "rows_of_zeros": (rows_of_zeros, [0.5, 1.5, 2.5], 4),
    "boxed_terms": (boxed_terms, [0.5, 1.5, 2.5], 4),
    "least_so_far": (least_so_far, [0.7, 1.3, 0.9, 0.2, 1.8], 0),
    "divided_so_far": (divided_so_far, [0.7, 1.3, 0.9, 0.5, 1.8], 0),
    "summed_twice": (summed_twice, [0.5, 0.7, 0.9], 2),
    "chunks_then_diagonal": (chunks_then_diagonal, [0.5, 0.7, 0.9], 3),
    "indices_grown": (lambda x, n: sum(x[i % 3] * (i + 2.0) for i in range(n)), [0.5, 0.7, 0.9], 7),
    "result_replaced": (lambda x, n: 0.25 + 0.25 * x[2], [0.5, 0.7, 0.9], 1),
    "missing_number": (lambda x, n: 2 * x[0] + x[1] * x[1], [-0.4, 0.7], 0),
    "grown_together": (lambda x, n: sum(x[i % 3] * (i + 1.0) for i in range(n)), [0.5, 0.7, 0.9], 7),
    "root_or_code": (lambda x, n: 0.7 * x[0] + (x[1] + 0.5) ** 0.5, [-0.7, 0.7], 0),
    "constant_or_code": (lambda x, n: 2 * x[0] + 2 * x[1] + x[2] * x[2] * x[2], [0.2, 0.5, 0.7], 2),
    "best_so_far": (lambda x, n: x[1] * x[1] * x[1], [0.5, 0.4, 0.9, 0.7], 0),
    "index_before": (lambda x, n: x[0] * x[1] + x[1] * x[2] + x[2] * x[3], [0.5, 0.4, 0.9, 0.7], 4),
    "kept_and_grown": (_late["kept_and_grown"], [0.9, 1.4, 0.3, 0.2], 6),
    "pairs_in_turn": (lambda x, n: x[1] * x[2] * x[2], [0.5, 1.2, 0.8], 1),
    "perhaps_high": (lambda x, n: 4 * x[0] * x[0] + 3 * x[1] * x[1] + 4 * x[2] * x[2], [0.3, 0.9, 0.7], 6),
    "counted_perhaps": (_late["counted_perhaps"], [0.3, 0.9, 0.7], 4),
    "packed_factor": (_late["packed_factor"], [4.0, 0.5, 3.0, -0.7, 0.9, 2.5], 3),
    "read_in_turn": (_late["read_in_turn"], [0.3, 1.2, 0.7], 5),
    "around_condition": (lambda x, n: 0.8 * x[0], [0.9, 0.7, 0.4], 2),
    "copied_from_call": (copied_from_call, [0.5, 1.5, 2.5], 4),
    "rows": (rows, [0.5, 1.5, 2.5], 4),
    "weighted": (weighted, [0.5, 1.5, 2.5], 4),
    "made_each_turn": (made_each_turn, [0.5, 1.5, 2.5], 4),
    "grown": (grown, [0.5, 1.5, 2.5], 5),
    "borrowed_first": (borrowed_first, [0.5, 1.5, 2.5], 4),
    "constants_replaced": (lambda x, n: x[0] * x[0] + 2 * x[1] * x[1] + 3 * x[2] * x[2], [0.5, 1.5, 2.5], 4),
    "vector_or_fault": (vector_or_fault, [0.5, 1.5, 2.5], 4),
    "tree": (tree, [0.5, 1.5, 2.5], 4),
    "list": (linked, [0.5, 1.5, 2.5], 5),
    "returned_beside": (lambda x, n: x[2] * x[2] * x[1] + x[1] * x[0], [0.5, 1.5, 2.5], 4),
    "small_records": (small_records, [0.5, 1.5, 0.25], 4),
    "looked_up": (looked_up, [0.5, 1.5, 2.5], 4),
    "constant_over_record": (constant_over_record, [0.5, 1.5, 2.5], 7),
    "records_cleared": (records_cleared, [0.5, 1.5, 2.5], 7),
    "pairs_grown": (pairs_grown, [0.5, 1.5, 2.5], 7),
    "number_or_code": (number_or_code, [0.25, -0.5, 0.75], 4),
    "curvature": (curvature, [0.5, 1.5], 4),
    "product2": (lambda x, n: x[0] * x[1], [2.0, 3.0], 0),
    "product4": (lambda x, n: x[0] * x[1] * x[2] * x[3], [2.0, 3.0, 5.0, 7.0], 0),
}
SINGLE = {"looked_up", "number_or_code", "product4", "small_records"}


def lines(modes: tuple[str, ...]) -> tuple[dict[str, list[float]], dict[str, str]]:
    """All lines that the program prints, and their tolerances."""
    values: dict[str, list[float]] = {}
    rules: dict[str, str] = {}
    for name, (function, at, n) in KINDS.items():
        more, their = expected(name, function, at, n, modes=modes, single=name in SINGLE)
        values |= more
        rules |= their
    return values, rules


VALUES, VALUES_TOLERANCE = lines(("forward 1", "forward 4", "reverse", "reverse 4"))
