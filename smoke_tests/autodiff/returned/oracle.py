"""What each function of `src/main.rs` returns, and the derivative of what it writes: small numbers, all exact."""

from __future__ import annotations

#: case -> what is returned, as numbers, and the derivative at 3 (of x squared) or at -2 (of x cubed)
VALUES = {
    "bool": [1, 6],
    "some": [1, 7, 12],
    "none": [0, 0, 12],
    "ok": [1, 2.5, 6],
    "pair": [3, 9, 6],
    "integer": [4, 6],
    "beside": [1, 6],
    "forward": [1, 1, 7],
}
VALUES_TOLERANCE = "equal"
