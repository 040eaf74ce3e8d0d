"""What the kernels of `src/lib.rs` do to the vectors of `src/main.rs`, element by element, computed here on the CPU."""

from __future__ import annotations

from collections.abc import Callable

Element = list[float]

_LENGTHS = (0, 1, 33)
_MARGIN = 2
#: kernel -> the element made of a number, and what becomes of an element, given that of the other slice
_KERNELS: dict[str, tuple[Callable[[int], Element], Callable[[Element, Element], Element]]] = {
    "bytes": (lambda i: [i % 256], lambda f, t: [(t[0] + f[0]) % 256]),
    "shorts": (lambda i: [600 + i], lambda f, t: [(t[0] * f[0]) % 65536]),
    "singles": (lambda i: [i + 0.5], lambda f, t: [t[0] * 2 + f[0]]),
    "points": (lambda i: [i, 0.5, -i], lambda f, t: [t[0] + f[2], t[1] + f[1], t[2] + f[0]]),
    "particles": (
        lambda i: [i, i, 1.0, 2.0, -i, i / 8],
        lambda f, t: [f[0] + 1, t[1], t[2], t[3] + f[1], t[4] - f[4], t[5] * f[5]],
    ),
    "doubles": (lambda i: [i + 0.25], lambda f, t: [t[0] * 2 + f[0]]),
}


def _values() -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for length in _LENGTHS:
        whole = range(length + 2 * _MARGIN)
        for name, (make, change) in _KERNELS.items():
            source = [make(i) for i in whole]
            target = [make(100 + i) for i in whole]
            for i in range(_MARGIN, _MARGIN + length):
                target[i] = change(source[i], target[i])
            found[f"{name} {length} lengths"] = [length, length]
            for side, elements in (("to", target), ("from", source)):
                found[f"{name} {length} {side}"] = [float(number) for element in elements for number in element]
        found[f"many {length}"] = [3 + 0.25 * (1 + i) + 500.0 * (10 + i) + (100 + i) - 7 for i in range(length)]
    return found


#: case -> what is printed; every number is a multiple of 1/64, and small, so each is exact
VALUES = _values()
VALUES_TOLERANCE = "equal"
#: kernel -> how often it is launched
LAUNCHES = dict.fromkeys([*_KERNELS, "many"], len(_LENGTHS))
