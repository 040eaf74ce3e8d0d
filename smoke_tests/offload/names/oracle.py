"""What the kernels of `src/lib.rs` must give, and what the program's own `exp` does, computed here."""

from __future__ import annotations

from math import exp, log1p, sin

_NUMBERS = [0.25 * i for i in range(4)]

#: case -> what is printed
VALUES: dict[str, list[float]] = {
    "program": [exp(x) for x in _NUMBERS],
    "exp": [1 + x for x in _NUMBERS],
    "write": [2 * x for x in _NUMBERS],
    "libm": [log1p(exp(sin(x))) for x in _NUMBERS],
}
#: Another libm may round the last bit otherwise.
VALUES_TOLERANCE = {name: "closed-form" if name in ("program", "libm") else "equal" for name in VALUES}
#: kernel -> how often it is launched
LAUNCHES = {"exp": 1, "write": 1, "libm": 1}
