"""What `src/main.rs` prints, each the value and the gradient: small numbers, all exact."""

from __future__ import annotations

VALUES = {
    "dot": [14, 2, 4, 6],
    "neighbours": [8, 2, 4, 2],
    "table": [-2, 4, -3, -2, 1],
    "mapped": [14, 2, 4, 6],
}
VALUES_TOLERANCE = "equal"
