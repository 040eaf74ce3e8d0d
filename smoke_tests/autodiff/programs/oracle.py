"""What `src/main.rs` prints: small numbers, all exact."""

from __future__ import annotations

VALUES = {
    # Whether it panicked and how many guards were dropped: the function, forward mode, reverse mode.
    "panics": [1, 1, 1, 1, 1, 1],
    # The sum of the squares of 2 and 3, and its slope along the first.
    "owned": [13, 13, 4],
    "zeros": [13, 4, 6],
    # Twice that.
    "shared": [26, 8, 12],
}
VALUES_TOLERANCE = "equal"
