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
    # x^2 y at (3, 2), by x and by y, times 0.5; by y, added to (1, 0, 0, 0), times -2; x^2 at 3, times 4
    "seeded": [18, 6, 4.5, -17, -18, -18, -18, 24],
    "forward": [1, 1, 7],
}
VALUES_TOLERANCE = "equal"
