"""What the kernels of `src/lib.rs` must give, computed here on the CPU."""

from __future__ import annotations

from itertools import product
from math import sqrt

_BLOCKS, _THREADS = (2, 3, 1), (3, 4, 1)
_BEFORE = 1000.0


def _stand() -> dict[str, list[float]]:
    """The indices of every thread of the grid, row by row, and the sizes."""
    found: dict[str, list[float]] = {"thread": [], "block": [], "block size": [], "grid size": []}
    width, height = (blocks * threads for blocks, threads in zip(_BLOCKS[:2], _THREADS[:2], strict=True))
    for y, x in product(range(height), range(width)):
        found["thread"] += [x % _THREADS[0], y % _THREADS[1], 0]
        found["block"] += [x // _THREADS[0], y // _THREADS[1], 0]
        found["block size"] += _THREADS
        found["grid size"] += _BLOCKS
    return {name: [_BEFORE + number for number in numbers] for name, numbers in found.items()}


#: case -> what is printed
VALUES: dict[str, list[float]] = {"saxpy": [1 / (i + 1) + 2.0 * sqrt(i) for i in range(150)], **_stand()}
#: Only the sum of a product may be rounded once (fused) or twice; indices are exact.
VALUES_TOLERANCE = {name: "closed-form" if name == "saxpy" else "equal" for name in VALUES}
#: kernel -> how often it is launched
LAUNCHES = {"saxpy": 1, "stand": 1}
