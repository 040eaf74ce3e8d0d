"""Whether a program has a device image for the cell's target, with every kernel in it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program that cargo has made, and what was read of its image for the target.

    `image` is how messages name the image, `kernels` has the words for the arguments of each kernel by its name, and
    `problems` is what does not fit together in the file, or why it could not be read.
    """

    name: str
    image: str = ""
    kernels: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def missing_kernels(programs: Iterable[Program], kernels: Iterable[str]) -> tuple[str, ...]:
    """The faults of programs that must hold these kernels, in words."""
    wanted, found = tuple(kernels), tuple(programs)
    if wanted and not found:
        return (f"no program was found that could hold the kernels {', '.join(wanted)}",)
    return tuple(
        problem
        for program in found
        for problem in (
            *(f"{program.name}: {problem}" for problem in program.problems),
            *(
                f"{program.name}: {program.image} has no kernel {kernel!r}; its kernels: "
                f"{', '.join(program.kernels) or 'none'}"
                for kernel in wanted
                if not program.problems and kernel not in program.kernels
            ),
        )
    )


def kernel_notes(programs: Iterable[Program], kernels: Iterable[str]) -> tuple[str, ...]:
    """Where each kernel was found, and how it takes its arguments."""
    wanted = tuple(kernels)
    return tuple(
        f"{program.name}: {program.image}: kernel {kernel}({program.kernels[kernel]})"
        for program in programs
        for kernel in wanted
        if kernel in program.kernels
    )
