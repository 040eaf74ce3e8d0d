"""Generated functions in a kernel: the table of runs and the arms that do them say the same."""

from __future__ import annotations

import re

from holoenzyme.fuzz import kernels
from holoenzyme.fuzz.generate import generate
from holoenzyme.fuzz.render import call

PROGRAMS = [(str(seed), generate(seed)) for seed in range(1, 9)]


def test_each_function_has_an_arm_of_the_kernel_and_an_entry_of_the_table() -> None:
    text = kernels.subject(PROGRAMS, 0.75)
    assert text.count("{") == text.count("}")
    assert re.findall(r'^\("(\w+)", case_\1_::RUNS\),$', text, re.MULTILINE) == [name for name, _ in PROGRAMS]
    assert re.findall(r"^(\d+) => case_(\w+)_::run\(which, out\),$", text, re.MULTILINE) == [
        (str(case), name) for case, (name, _) in enumerate(PROGRAMS)
    ]


def test_all_modes_at_all_points_are_run_with_room_for_their_numbers() -> None:
    for name, program in PROGRAMS:
        text = kernels.subject([(name, program)])
        wanted = [
            (f"{mode} {point}", str(len(call(program, mode, point, 1.0)[1])))
            for point in range(len(program.points))
            for mode in ("primal", *program.possible_modes())
        ]
        assert re.findall(r'^\("(\w+ \d)", (\d+)\),$', text, re.MULTILINE) == wanted
        assert text.count("out.copy_from_slice(") == len(wanted)


def test_the_program_is_the_same_for_all_and_uses_the_harness() -> None:
    text = kernels.program()
    assert "//!" not in text
    assert "harness::isolated(" in text
    assert "kernel = generated,\n                        args = (case as u32, which as u32, &mut numbers[..])," in text


def test_one_that_failed_says_what_is_wanted() -> None:
    text = kernels.alone(PROGRAMS[0][1], ["EXPECTED: x"], [("forward", 0, (1.5, 2.0))])
    assert text.startswith("// EXPECTED: x\n// forward 0: want [1.5, 2.0]\n#![feature(")
    assert "mod case_0_ {" in text
