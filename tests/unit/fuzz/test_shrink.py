"""The shrinker: what is left fails in the same way, and is small."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from holoenzyme.fuzz.generate import generate
from holoenzyme.fuzz.model import GeneratedFunction
from holoenzyme.fuzz.oracle import FunctionOutcome, Judgement
from holoenzyme.fuzz.render import function
from holoenzyme.fuzz.shrink import message_kind, same_failure, shrink, smaller

WRONG = Judgement(FunctionOutcome.WRONG, "reverse", "reverse at point 0: number 1 is 2.0, 1.0 expected")
RIGHT = Judgement(FunctionOutcome.RIGHT)


@pytest.mark.parametrize("word", [".swap(", "copy_within", "for "])
def test_it_keeps_what_fails_and_little_else(word: str) -> None:
    program = next(p for p in map(generate, range(2000)) if word in function(p) and len(p.body.kids) > 5)

    def test(candidates: Sequence[GeneratedFunction]) -> list[Judgement]:
        return [WRONG if word in function(each) and "reverse" in each.modes else RIGHT for each in candidates]

    small = shrink(program, WRONG, test, rounds=400)
    assert word in function(small)
    assert small.modes == ("reverse",)
    assert len(small.points) == 1
    assert small.body.size() <= 6
    assert small.weight() < program.weight() / 3


def test_nothing_that_can_go_means_the_same() -> None:
    program = generate(1)
    assert shrink(program, WRONG, lambda candidates: [RIGHT] * len(candidates)) == program


def test_rounds_are_bounded() -> None:
    asked = []

    def test(candidates: Sequence[GeneratedFunction]) -> list[Judgement]:
        asked.append(len(candidates))
        return [RIGHT] * len(candidates)

    shrink(generate(1), WRONG, test, rounds=3)
    assert len(asked) == 3


def test_every_candidate_is_another_function_with_values_that_fit() -> None:
    for seed in range(30):
        program = generate(seed)
        for candidate in smaller(program, WRONG):
            assert candidate != program
            sizes = candidate.size_map()
            for point in candidate.points:
                for argument, values in zip(candidate.arguments, point, strict=True):
                    assert len(values) == (argument.shape.count(sizes) if argument.shape else 1)
            assert "$" not in function(candidate)


def test_failures_of_the_compiler_are_the_same_by_their_message() -> None:
    one = Judgement(FunctionOutcome.COMPILER_CRASH, "compile", "Assertion `x->y` failed in _RNvNt7case_1_1f at %12")
    same = Judgement(FunctionOutcome.COMPILER_CRASH, "compile", "Assertion `x->y` failed in _RNvNt7case_2_1f at %99")
    other = Judgement(FunctionOutcome.COMPILER_CRASH, "compile", "Assertion `a->b` failed")
    assert same_failure(one, same)
    assert not same_failure(one, other)
    assert not same_failure(one, RIGHT)
    assert same_failure(WRONG, Judgement(FunctionOutcome.WRONG, "forward", "other"))
    assert message_kind("a b1 c /x/y d") == "a c d"
