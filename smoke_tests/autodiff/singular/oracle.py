"""What `conventions.yaml` says, in the form in which the program prints it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML


def pairs(values: Sequence[float]) -> list[float]:
    """For each number 0 and itself, or 1, -1 (infinite) or 2 (no number) and 0."""
    found: list[float] = []
    for value in map(float, values):
        if math.isnan(value):
            found += [2, 0]
        elif math.isinf(value):
            found += [math.copysign(1, value), 0]
        else:
            found += [0, value]
    return found


VALUES: dict[str, list[float]] = {}
for _one in YAML(typ="safe").load(Path(__file__).with_name("conventions.yaml"))["conventions"]:
    _lines: dict[str, Any] = {
        "value": [_one["value"]],
        "forward": _one["forward"],
        "reverse": _one.get("reverse", _one["forward"]),
    }
    VALUES |= {f"{_one['name']} {what}": pairs(values) for what, values in _lines.items()}
VALUES_TOLERANCE = "equal"
