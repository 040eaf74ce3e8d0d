"""The judge: right to rounding, wrong beyond it, and silent where nothing can be said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.fake_bench import FakeBench, truth, word

from holoenzyme.fuzz.generate import generate
from holoenzyme.fuzz.model import GeneratedFunction, Parameter, Passing, Piece, Shape
from holoenzyme.fuzz.oracle import (
    FunctionOutcome,
    Run,
    Truth,
    expected,
    judge,
    judge_oracle,
    moved,
    read_oracle,
    read_subject,
    wanted,
)
from holoenzyme.fuzz.patterns import block

ROW = Parameter("p", Shape(("N",)), Passing.SHARED)
WRITTEN = Parameter("x", Shape(("N",)), Passing.MUTABLE)


def program(*arguments: Parameter, returns: bool = True, single: bool = False) -> GeneratedFunction:
    point = tuple(tuple(0.5 for _ in range(2 if a.shape and a.shape.sizes else 1)) for a in arguments)
    return GeneratedFunction(
        seed=5,
        single=single,
        sizes=(("N", 2),),
        items=(),
        arguments=arguments,
        returns=returns,
        body=block((Piece("", "stmt", "p[0] * p[1]"),)),
        points=(point, point),
    )


def truths(made: GeneratedFunction, kind: str = "exact") -> dict[int, Truth]:
    text = "\n".join(truth(made, "0", point, kind) for point in range(len(made.points)))
    return {point: found for (_, point), found in read_oracle(text).items()}


def right(made: GeneratedFunction, seed: float = 1.0) -> Run:
    known = truths(made)
    run = Run(status=0)
    for mode in ("primal", *made.possible_modes()):
        for point in known:
            run.numbers[mode, point] = tuple(n.value for n in expected(made, known[point], mode, point, seed))
    return run


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("seed", [1.0, 0.75])
@pytest.mark.parametrize(
    ("arguments", "returns"),
    [
        ((ROW,), True),
        ((ROW, Parameter("a", Shape())), True),
        ((WRITTEN,), False),
        ((ROW, WRITTEN, Parameter("c", Shape(), active=False)), True),
    ],
)
def test_what_is_right_is_right(arguments: tuple[Parameter, ...], returns: bool, seed: float, single: bool) -> None:
    made = program(*arguments, returns=returns, single=single)
    assert judge(made, truths(made), right(made, seed), seed).outcome is FunctionOutcome.RIGHT


@pytest.mark.parametrize("mode", ["forward", "forward4", "reverse"])
def test_a_derivative_that_is_off_is_seen(mode: str) -> None:
    made = program(ROW)
    run = right(made)
    numbers = list(run.numbers[mode, 1])
    numbers[-1] += 1e-8
    run.numbers[mode, 1] = tuple(numbers)
    judgement = judge(made, truths(made), run)
    assert (judgement.outcome, judgement.mode) == (FunctionOutcome.WRONG, mode)
    assert judgement.detail.startswith(f"{mode} at point 1: number {len(numbers) - 1} is ")


def test_rounding_is_forgiven() -> None:
    made = program(ROW)
    run = right(made)
    run.numbers["reverse", 0] = tuple(number + 1e-13 for number in run.numbers["reverse", 0])
    assert judge(made, truths(made), run).outcome is FunctionOutcome.RIGHT


def test_nan_is_wrong() -> None:
    made = program(ROW)
    run = right(made)
    run.numbers["reverse", 0] = tuple(float("nan") for _ in run.numbers["reverse", 0])
    assert judge(made, truths(made), run).outcome is FunctionOutcome.WRONG


def test_the_gradient_is_added_to_what_is_there_and_weighed_by_the_seed() -> None:
    made = program(ROW)
    known = truths(made)[1]
    value, first, second = (n.value for n in expected(made, known, "reverse", 1, 2.0))
    start = [n.value for n in expected(made, known, "reverse", 1, 0.0)][1:]
    assert (value, first - start[0], second - start[1]) == (1.0, 2.0, 2.25)
    assert any(start)


def test_a_row_that_is_written_is_input_and_output() -> None:
    made = program(WRITTEN, returns=False)
    known = truths(made)[0]
    assert [n.value for n in expected(made, known, "primal", 0, 1.0)] == [1.0, 2.0]
    assert len(list(expected(made, known, "forward4", 0, 1.0))) == 2 + 4 * 2
    assert len(list(expected(made, known, "reverse4", 0, 1.0))) == 2 + 4 * 2


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (14, FunctionOutcome.HANG),
        (11, FunctionOutcome.CRASH),
        (6, FunctionOutcome.CRASH),
        (101 << 8, FunctionOutcome.CRASH),
        (None, FunctionOutcome.CRASH),
    ],
)
def test_how_the_process_ended(status: int | None, outcome: FunctionOutcome) -> None:
    made = program(ROW)
    run = right(made)
    del run.numbers["reverse", 1]
    run.status, run.last = status, ("reverse", 1)
    judgement = judge(made, truths(made), run)
    assert (judgement.outcome, judgement.mode) == (outcome, "reverse")


def test_a_wrong_value_is_the_generators_fault() -> None:
    made = program(ROW)
    run = right(made)
    run.numbers["primal", 0] = (7.0,)
    assert judge(made, truths(made), run).outcome is FunctionOutcome.INVALID
    crashed = Run(status=11, last=("primal", 0))
    assert judge(made, truths(made), crashed).outcome is FunctionOutcome.INVALID


def test_kinks_panics_and_what_is_not_finite_say_nothing() -> None:
    made = program(ROW)
    assert judge(made, truths(made, "kink"), right(made)).outcome is FunctionOutcome.UNSUITED
    panicked = {point: Truth(panicked=True) for point in (0, 1)}
    assert judge(made, panicked, right(made)).detail == "it panics"
    text = truth(made, "0", 0).replace(word(1.0), word(float("inf")))
    assert not read_oracle(text)["0", 0].is_useful(single=False)
    text = truth(made, "0", 0).replace(word(1e-12), word(0.5))
    assert not read_oracle(text)["0", 0].is_useful(single=False)


def test_one_kink_leaves_the_other_point() -> None:
    made = program(ROW)
    known = truths(made)
    known[0] = replace(known[0], kink=True)
    run = right(made)
    run.numbers["reverse", 0] = tuple(9.0 for _ in run.numbers["reverse", 0])
    assert judge(made, known, run).outcome is FunctionOutcome.RIGHT


def test_what_programs_print_is_read() -> None:
    text = f"begin 3 primal 0\nout 3 primal 0 {word(1.5)}\nbegin 3 reverse 0\nnoise\npanic at x\nend 3 25856\n"
    text += "begin 4 primal 0"
    found = read_subject(text)
    assert found["3"].numbers == {("primal", 0): (1.5,)}
    assert (found["3"].last, found["3"].status, found["3"].panic) == (("reverse", 0), 25856, "panic at x")
    assert found["4"].status is None


def test_the_oracle_is_compared_with_differences() -> None:
    made = moved(program(ROW))
    assert made.modes == ()
    step = made.points[1][0][0] - made.points[2][0][0]
    assert step != 0.0
    known = truths(made)
    # The made-up values do not depend on the point, so that derivatives of them are wrong.
    assert judge_oracle(made, known).outcome is FunctionOutcome.INVALID
    flat = {
        point: replace(each, rows=tuple((row[0], *(replace(n, value=0.0) for n in row[1:])) for row in each.rows))
        for point, each in known.items()
    }
    assert judge_oracle(made, flat).outcome is FunctionOutcome.RIGHT
    # On one side another way is taken.
    there = replace(flat[1], rows=tuple((replace(r[0], value=r[0].value + 9.0), *r[1:]) for r in flat[1].rows))
    assert judge_oracle(made, {**flat, 1: there}).outcome is FunctionOutcome.UNSUITED


def test_wanted_has_every_mode_at_every_point() -> None:
    made = program(ROW)
    assert [(mode, point) for mode, point, _ in wanted(made, truths(made), 1.0)] == [
        (mode, point) for mode in ("forward", "forward4", "reverse") for point in (0, 1)
    ]


def test_the_fake_bench_agrees_with_the_judge() -> None:
    made = generate(3)
    bench = FakeBench({"3": made})
    assert bench.programs["3"] is made
