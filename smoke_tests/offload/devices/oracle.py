"""The virtual host device is there four times; the first of them is the default."""

from __future__ import annotations

#: case -> what is printed
VALUES = {"by number": [100.0, 101.0, 102.0, 103.0], "default": [1007.0, 2007.0], "same default": [1.0, 1.0]}
VALUES_TOLERANCE = "equal"
#: kernel -> how often it is launched on which device
LAUNCHES = {"mark": {0: 3, 1: 1, 2: 1, 3: 1}}
