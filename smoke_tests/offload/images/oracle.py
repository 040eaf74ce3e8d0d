"""The kernel adds 7 to 1000."""

from __future__ import annotations

#: case -> what is printed
VALUES = {"sum": [1007.0]}
VALUES_TOLERANCE = "equal"
#: kernel -> how often it is launched
LAUNCHES = {"mark": 1}
