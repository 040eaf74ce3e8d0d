"""Generated functions in a kernel: the library of a program that launches their derivatives, one run a launch.

The kernel writes what comes out to a slice, and the program prints it. Numbers of the first step to the last are made
on the device, so that a launch sends nothing but which function, which of its runs, and where its numbers go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from holoenzyme.fuzz.model import GeneratedFunction
from holoenzyme.fuzz.render import ALLOW, call, inputs, listed, module, opened, rust

#: The file of the library.
SUBJECT = "src/subject.rs"


def subject(programs: Sequence[tuple[str, GeneratedFunction]], seed: float = 1.0) -> str:
    """The library: each function with its derivatives, all that is run of them, and the kernel that runs it."""
    parts = ["#![feature(autodiff, macro_attr)]", ALLOW]
    for name, program in programs:
        parts += [
            *opened(name, program),
            *_runs(program, seed),
            "}",
        ]
    table = [f'("{name}", {module(name)}::RUNS),' for name, _ in programs]
    arms = [f"{case} => {module(name)}::run(which, out)," for case, (name, _) in enumerate(programs)]
    parts += [
        "/// The functions, and of each what is run: the mode and the point, and how many numbers it gives.",
        "pub static CASES: &[(&str, &[(&str, usize)])] = &[",
        *table,
        "];",
        "#[holoenzyme::offload_kernel]",
        "#[unsafe(no_mangle)]",
        "pub fn generated(case: u32, which: u32, out: &mut [f64]) {",
        "match case {",
        *arms,
        "_ => {}",
        "}",
        "}",
    ]
    return "\n".join([*parts, ""])


def program() -> str:
    """The program: each function in a process of its own, each of its runs a launch."""
    return "\n".join(
        [
            ALLOW,
            "mod harness {",
            rust("harness.rs").replace("//!", "//"),
            "}",
            rust("launches.rs").replace("//!", "//"),
        ]
    )


def _runs(program: GeneratedFunction, seed: float) -> Iterator[str]:
    """A table of what is run, and the function that does one of it."""
    table: list[str] = []
    arms: list[str] = []
    for point in range(len(program.points)):
        for mode in ("primal", *program.possible_modes()):
            lines, given = call(program, mode, point, seed)
            arms += [
                f"{len(table)} => {{",
                *inputs(program, point),
                *lines,
                f"out.copy_from_slice({listed(given)});",
                "}",
            ]
            table.append(f'("{mode} {point}", {len(given)}),')
    yield from ("pub const RUNS: &[(&str, usize)] = &[", *table, "];")
    yield from ("pub fn run(which: u32, out: &mut [f64]) {", "match which {", *arms, "_ => {}", "}", "}")


def alone(program: GeneratedFunction, header: Sequence[str], wanted: Sequence[tuple[str, int, Sequence[float]]]) -> str:
    """The library for one function; `wanted` has modes, points and the right numbers."""
    words = [f"{mode} {point}: want {list(numbers)}" for mode, point, numbers in wanted]
    return "\n".join([*(f"// {line}" for line in (*header, *words)), subject([("0", program)])])
