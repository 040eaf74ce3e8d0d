"""The axes of the matrix."""

from __future__ import annotations

from typing import Literal, get_args

#: What a point of the matrix has a value on.
Axis = Literal["channel", "rust", "llvm", "target", "base", "arch"]
#: The axes, in the order of cell ids; `llvm` follows from `rust` and is not in ids.
AXES: tuple[Axis, ...] = get_args(Axis)
#: What a target is.
TargetKind = Literal["cpu", "cuda", "rocm"]
#: What a stage may depend on: the axes of ids, and the kind of the target. A template sees only those that its stage
#: names, so that a stage is the same, and is built once, for all cells that agree on them.
StageAxis = Literal["channel", "rust", "target", "kind", "base", "arch"]
