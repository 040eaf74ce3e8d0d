"""NIST Statistical Reference Datasets, nonlinear regression, Misra1a: the certified values.

https://www.itl.nist.gov/div898/strd/nls/data/misra1a.shtml
"""

from __future__ import annotations

_CERTIFIED = [2.3894212918e02, 5.5015643181e-04, 1.2455138894e-01]

#: case -> b1, b2, residual sum of squares
VALUES: dict[str, list[float]] = {"start 1": _CERTIFIED, "start 2": _CERTIFIED}
VALUES_TOLERANCE = "certified-six-digits"
