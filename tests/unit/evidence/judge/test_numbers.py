"""The oracle must find every kind of wrong output, and say what is wrong with it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holoenzyme.errors import UserError
from holoenzyme.evidence.judge.numbers import Agreement, compare, study
from holoenzyme.evidence.judge.oracle import Oracle
from holoenzyme.evidence.judge.outcome import Outcome
from holoenzyme.evidence.judge.output import DeviceLine, parse
from holoenzyme.evidence.oracle_file import load_oracle

ROOT = Path(__file__).parents[4]
TOLERANCES = {
    "closed-form": (1e-12, 1e-14),
    "closed-form-f32": (1e-6, 1e-7),
    "central-difference": (1e-7, 1e-9),
    "central-difference-f32": (5e-4, 1e-5),
    "certified-six-digits": (1e-6, 0.0),
}
STEPS = [2.0**-exponent for exponent in range(4, 27, 2)]
Line = dict[str, Any]


def wave(at: Sequence[float]) -> tuple[list[float], list[float]]:
    """x exp y, and its gradient."""
    x, y = at
    return [x * math.exp(y)], [math.exp(y), x * math.exp(y)]


def swap(at: Sequence[float]) -> tuple[list[float], list[float]]:
    """(sin y, x), and its Jacobian."""
    x, y = at
    return [math.sin(y), x], [0.0, math.cos(y), 1.0, 0.0]


FUNCTIONS = {"wave": wave, "swap": swap}
ORACLE = Oracle(
    functions=FUNCTIONS,
    points={
        ("wave", "forward", 4): [[1.5, 0.5], [-2.0, 0.25]],
        ("wave", "reverse", 1): [[1.5, 0.5]],
        ("swap", "reverse", 1): [[0.3, 0.7]],
    },
)
CERTIFIED = Oracle(values={"start 1": [238.94212918, 5.5015643181e-4]}, values_tolerance="certified-six-digits")


def line(case: str, mode: str, width: int, at: Sequence[float]) -> Line:
    """What a right program prints."""
    primal, derivative = FUNCTIONS[case](at)

    def central(step: float) -> list[float]:
        columns = []
        for i in range(len(at)):
            above = [x + step * (i == k) for k, x in enumerate(at)]
            below = [x - step * (i == k) for k, x in enumerate(at)]
            pairs = zip(FUNCTIONS[case](above)[0], FUNCTIONS[case](below)[0], strict=True)
            columns.append([(a - b) / (2 * step) for a, b in pairs])
        return [column[k] for k in range(len(primal)) for column in columns]

    return {
        "case": case,
        "mode": mode,
        "width": width,
        "float": "f64",
        "at": list(at),
        "primal": primal,
        "derivative": derivative,
        "central": [[step, central(step)] for step in STEPS],
    }


def right() -> list[Line]:
    """All lines of a right program, in the oracle's order."""
    return [line(*key, at) for key, points in ORACLE.points.items() for at in points]


def text(lines: Sequence[Line], done: int | None = -1) -> str:
    """The output with these lines; -1 counts them, None leaves the last line out."""
    last = [] if done is None else [{"done": len(lines) if done == -1 else done}]
    return "".join(f"{json.dumps(entry)}\n" for entry in [*lines, *last])


def agreement(lines: Sequence[Line]) -> Agreement:
    return compare(text(lines), ORACLE, TOLERANCES)


def test_a_right_program_passes_with_every_number_compared() -> None:
    found = agreement(right())
    assert found.problems == ()
    assert found.is_whole
    assert all(comparison.ok for comparison in found.comparisons)
    # Three lines with 1 value and 2 derivatives, one with 2 and 4; each derivative is compared twice.
    assert len(found.comparisons) == 3 * (1 + 2 * 2) + (2 + 2 * 4)
    first = found.comparisons[0]
    assert (first.case, first.mode, first.width) == ("wave", "forward", 4)
    assert (first.quantity, first.rule) == ("primal[0] at (1.5, 0.5)", "closed-form")
    assert {one.rule for one in found.comparisons} == {"closed-form", "central-difference"}


def test_the_order_of_lines_does_not_matter() -> None:
    assert agreement(right()[::-1]).is_whole


@given(which=st.integers(0, 3), entry=st.integers(0, 3), exponent=st.integers(-11, 3), sign=st.sampled_from([-1, 1]))
def test_a_derivative_that_is_off_is_wrong(which: int, entry: int, exponent: int, sign: int) -> None:
    lines = right()
    derivative = lines[which]["derivative"]
    entry %= len(derivative)
    if derivative[entry] == 0.0:
        derivative[entry] = sign * 10.0**exponent
    else:
        derivative[entry] *= 1 + sign * 10.0**exponent
    found = agreement(lines)
    assert not found.is_whole
    wrong = [one for one in found.comparisons if not one.ok]
    inputs = len(lines[which]["at"])
    assert {(one.case, one.quantity.split(" at")[0]) for one in wrong} == {
        (lines[which]["case"], f"derivative[{entry // inputs}, {entry % inputs}]")
    }
    rules = {one.rule for one in wrong}
    assert rules == ({"closed-form", "central-difference"} if exponent >= -6 else rules)
    assert "closed-form" in rules


def test_the_error_and_what_was_allowed_are_said() -> None:
    lines = right()
    lines[2]["derivative"][1] *= 1 + 1e-6
    (by_form, by_differences) = (one for one in agreement(lines).comparisons if not one.ok)
    assert by_form.rule == "closed-form"
    assert by_form.expected == pytest.approx(1.5 * math.exp(0.5), rel=1e-15)
    assert by_form.error == pytest.approx(1e-6 * by_form.expected, rel=1e-6)
    assert by_form.tolerance == pytest.approx(1e-14 + 1e-12 * by_form.expected)
    assert by_differences.rule == "central-difference"


def test_a_closed_form_alone_is_not_believed() -> None:
    """An oracle with a wrong closed form disagrees with the central differences too, so nothing passes."""
    wrong = Oracle(
        functions={"wave": lambda at: (wave(at)[0], [1.0, 1.0])}, points={("wave", "reverse", 1): [[1.5, 0.5]]}
    )
    lines = [line("wave", "reverse", 1, [1.5, 0.5])]
    assert not compare(text(lines), wrong, TOLERANCES).is_whole
    lines[0]["derivative"] = [1.0, 1.0]
    found = compare(text(lines), wrong, TOLERANCES)
    assert {one.rule for one in found.comparisons if not one.ok} == {"central-difference"}


@given(which=st.integers(0, 3))
def test_a_value_that_is_off_is_wrong(which: int) -> None:
    lines = right()
    lines[which]["primal"][0] *= 1 + 1e-9
    assert [one.quantity[:6] for one in agreement(lines).comparisons if not one.ok] == ["primal"]


def swapped_sign(lines: list[Line]) -> None:
    lines[0]["derivative"][0] *= -1


def transposed(lines: list[Line]) -> None:
    a, b, c, d = lines[3]["derivative"]
    lines[3]["derivative"] = [a, c, b, d]


@pytest.mark.parametrize("damage", [swapped_sign, transposed])
def test_other_numbers_are_wrong(damage: Callable[[list[Line]], None]) -> None:
    lines = right()
    damage(lines)
    found = agreement(lines)
    assert (found.is_whole, found.problems) == (False, ())


def edited(index: int, **changes: Any) -> Callable[[], str]:
    def output() -> str:
        lines = right()
        lines[index].update(changes)
        return text(lines)

    return output


WAVE = "wave (forward, width 4) at (1.5, 0.5)"
BAD: dict[str, tuple[Callable[[], str], list[str]]] = {
    "dropped case": (
        lambda: text(right()[1:]),
        [f"{WAVE}: missing"],
    ),
    "duplicated case": (
        lambda: text([right()[0], *right()]),
        [f"{WAVE}: printed twice"],
    ),
    "other point": (
        edited(0, at=[1.5, 0.25]),
        ["wave (forward, width 4) at (1.5, 0.25): not expected by the oracle", f"{WAVE}: missing"],
    ),
    "other mode": (
        edited(0, mode="reverse"),
        [
            "wave (reverse, width 4) at (1.5, 0.5): not expected by the oracle",
            f"{WAVE}: missing",
        ],
    ),
    "unknown case": (
        lambda: text([*right(), {"case": "other", "values": [1.0]}]),
        ["other: not expected by the oracle"],
    ),
    "no last line": (
        lambda: text(right(), done=None),
        ['the line {"done": N} is missing after 4 lines: the program did not reach its end'],
    ),
    "wrong count": (
        lambda: text(right(), done=5),
        ["the program counted 5 lines, and 4 were read"],
    ),
    "output after the last line": (
        lambda: text(right()) + "bye\n",
        ["line 6: there is output after the line `done`: bye"],
    ),
    "not JSON": (
        lambda: text(right()[:3]).replace('{"done"', 'thread panicked\n{"done"'),
        [
            "line 4: not JSON (Expecting value): thread panicked",
            "the program counted 3 lines, and 4 were read",
            "swap (reverse, width 1) at (0.3, 0.7): missing",
        ],
    ),
    "not an object": (
        lambda: text(right(), done=5).replace('{"done"', '[1, 2]\n{"done"'),
        ["line 5: not a JSON object: [1, 2]"],
    ),
    "NaN": (
        edited(0, derivative=[math.nan, 1.0]),
        ["line 1: derivative.0: Input should be a finite number", f"{WAVE}: missing"],
    ),
    "infinite": (
        edited(0, primal=[math.inf]),
        ["line 1: primal.0: Input should be a finite number", f"{WAVE}: missing"],
    ),
    "a number as text": (
        edited(0, derivative=["1.0", 1.0]),
        ["line 1: derivative.0: Input should be a valid number", f"{WAVE}: missing"],
    ),
    "unknown key": (
        edited(0, extra=1),
        ["line 1: extra: Extra inputs are not permitted", f"{WAVE}: missing"],
    ),
    "unknown mode": (
        edited(0, mode="sideways"),
        ["line 1: mode: Input should be 'forward' or 'reverse'", f"{WAVE}: missing"],
    ),
    "key twice": (
        lambda: text(right()).replace('{"case": "swap",', '{"case": "swap", "case": "swap",'),
        [
            "line 4: the key 'case' is there twice: "
            '{"case": "swap", "case": "swap", "mode": "reverse", "width": 1, "float": "f64...',
            "swap (reverse, width 1) at (0.3, 0.7): missing",
        ],
    ),
    "other precision": (
        edited(0, float="f32"),
        [f"{WAVE}: computed in f32, and the oracle expects f64"],
    ),
    "too few derivatives": (
        edited(0, derivative=[1.0]),
        [f"{WAVE}: derivative has 1 numbers, and 2 are expected"],
    ),
    "too many values": (
        edited(0, primal=[1.0, 2.0]),
        [f"{WAVE}: primal has 2 numbers, and 1 are expected"],
    ),
    "a ragged study": (
        edited(0, central=[[step, [1.0, 2.0][: 2 - (step == STEPS[1])]] for step in STEPS]),
        [f"{WAVE}: central at step 0.015625 has 1 numbers, and 2 are expected"],
    ),
    "steps that grow": (
        edited(0, central=right()[0]["central"][::-1]),
        [f"{WAVE}: the steps of the central differences do not decrease"],
    ),
    "a step that is there twice": (
        edited(0, central=[right()[0]["central"][0], *right()[0]["central"]]),
        [f"{WAVE}: the steps of the central differences do not decrease"],
    ),
    "too few steps": (
        edited(0, central=right()[0]["central"][:3]),
        [
            "line 1: central: Tuple should have at least 4 items after validation, not 3",
            f"{WAVE}: missing",
        ],
    ),
    "differences copied from the derivative": (
        edited(0, central=[[step, right()[0]["derivative"]] for step in STEPS]),
        [
            f"{WAVE}: the error of the central differences does not fall and rise with the step, so they are no "
            f"estimate of their own"
        ],
    ),
    "nothing": (
        lambda: "",
        [
            'the line {"done": N} is missing after 0 lines: the program did not reach its end',
            *(f"{label}: missing" for label in ORACLE.expected()),
        ],
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_output_is_said_exactly(name: str) -> None:
    output, problems = BAD[name]
    found = compare(output(), ORACLE, TOLERANCES)
    assert not found.is_whole
    assert list(found.problems) == problems


def test_differences_that_do_not_settle_are_a_problem() -> None:
    lines = right()
    noise = [0.01 * (-1) ** i * math.sin(i + 1) for i in range(len(STEPS))]
    for (_, row), error in zip(lines[0]["central"], noise, strict=True):
        row[0] += error
    found = agreement(lines)
    assert not found.is_whole
    assert any("do not settle: at the best step" in problem for problem in found.problems)


@settings(max_examples=50)
@given(st.text(max_size=200))
def test_no_output_makes_the_oracle_fail(output: str) -> None:
    found = compare(output, ORACLE, TOLERANCES)
    assert not found.is_whole
    assert found.problems


@settings(max_examples=50)
@given(st.data())
def test_no_line_can_be_cut(data: st.DataObject) -> None:
    """Half a line, as a killed program leaves it, never passes."""
    output = text(right())
    cut = data.draw(st.integers(0, len(output) - 2))
    assert not compare(output[:cut], ORACLE, TOLERANCES).is_whole


def test_single_precision_has_its_own_tolerances() -> None:
    oracle = Oracle(functions=FUNCTIONS, points={("wave", "reverse", 1): [[1.5, 0.5]]}, single=frozenset({"wave"}))
    entry = line("wave", "reverse", 1, [1.5, 0.5]) | {"float": "f32"}
    entry["derivative"] = [value * (1 + 3e-7) for value in entry["derivative"]]
    found = compare(text([entry]), oracle, TOLERANCES)
    assert found.is_whole
    assert {one.rule for one in found.comparisons} == {"closed-form-f32", "central-difference-f32"}
    with pytest.raises(UserError, match="the tolerance 'closed-form-f32' is not given"):
        compare(text([entry]), oracle, {"closed-form": (1e-12, 0.0)})


def test_certified_values() -> None:
    near = {"case": "start 1", "values": [238.94212918 * (1 + 9e-7), 5.5015643181e-4]}
    found = compare(text([near]), CERTIFIED, TOLERANCES)
    assert found.is_whole
    assert [(one.quantity, one.rule) for one in found.comparisons] == [
        ("value[0]", "certified-six-digits"),
        ("value[1]", "certified-six-digits"),
    ]
    far = {"case": "start 1", "values": [238.94212918, 5.5015643181e-4 * (1 - 2e-6)]}
    assert [one.ok for one in compare(text([far]), CERTIFIED, TOLERANCES).comparisons] == [True, False]
    short = {"case": "start 1", "values": [238.94212918]}
    assert compare(text([short]), CERTIFIED, TOLERANCES).problems == ("start 1: has 1 values, and the oracle 2",)


def test_values_may_have_to_be_equal() -> None:
    oracle = Oracle(values={"a": [0.1], "b": [0.1]}, values_tolerance={"a": "equal", "b": "certified-six-digits"})
    near = 0.1 * (1 + 1e-12)
    found = compare(text([{"case": "a", "values": [near]}, {"case": "b", "values": [near]}]), oracle, TOLERANCES)
    assert [(one.rule, one.ok) for one in found.comparisons] == [("equal", False), ("certified-six-digits", True)]
    same = compare(text([{"case": "a", "values": [0.1]}, {"case": "b", "values": [0.1]}]), oracle, TOLERANCES)
    assert same.is_whole


def test_devices_are_kept_and_not_compared() -> None:
    lines: list[Line] = [{"device": 0, "uid": "x86_64-0"}, {"device": 1, "uid": "CUDA-GPU-1"}]
    oracle = Oracle(values={"a": [1.0]}, values_tolerance="equal")
    found = compare(text([*lines, {"case": "a", "values": [1.0]}]), oracle, TOLERANCES)
    assert found.is_whole
    assert [(one.device, one.uid) for one in found.devices] == [(0, "x86_64-0"), (1, "CUDA-GPU-1")]
    assert not compare(text([{"device": -1, "uid": "x"}]), oracle, TOLERANCES).is_whole


def test_the_study_takes_the_step_where_neighbours_agree() -> None:
    central = [(8.0, 1.9), (4.0, 1.1), (2.0, 1.01), (1.0, 1.0), (0.5, 1.002), (0.25, 1.3)]
    found = study(central)
    assert (found.step, found.best, found.has_minimum) == (1.0, 1.0, True)
    assert found.disagreement == pytest.approx(0.01)
    # Rounding alone: the largest step is best, and nothing shows that the step matters.
    assert not study([(4.0, 1.0), (2.0, 1.0), (1.0, 1.0), (0.5, 1.1)]).has_minimum


@given(
    at=st.floats(-2, 2).filter(lambda x: abs(x) > 0.1),
    scale=st.floats(0.1, 10),
)
def test_the_best_central_difference_is_good_to_seven_digits(at: float, scale: float) -> None:
    central = [(h, scale * (math.sinh(at + h) - math.sinh(at - h)) / (2 * h)) for h in STEPS]
    assert study(central).best == pytest.approx(scale * math.cosh(at), rel=1e-7)


def test_parse_keeps_good_lines_among_bad_ones() -> None:
    lines, problems = parse(text(right()).replace('"case": "swap"', '"case": 1'))
    assert [one.case for one in lines if not isinstance(one, DeviceLine)] == ["wave", "wave", "wave"]
    assert problems == ["line 4: case: Input should be a valid string"]


@pytest.mark.parametrize("name", ["derivatives", "misra1a"])
def test_the_oracles_of_the_project_load(name: str) -> None:
    oracle = load_oracle(ROOT / "smoke_tests" / "autodiff" / name / "oracle.py")
    assert oracle.expected()
    for (case, _, _), points in oracle.points.items():
        for at in points:
            primal, derivative = oracle.functions[case](at)
            assert len(derivative) == len(primal) * len(at)


def test_the_closed_forms_agree_with_their_own_central_differences() -> None:
    """The oracle's derivatives against its own values: it is checked before it checks anything."""
    oracle = load_oracle(ROOT / "smoke_tests" / "autodiff" / "derivatives" / "oracle.py")
    checked = 0
    for (case, _, _), points in oracle.points.items():
        function = oracle.functions[case]
        for at in points:
            for i in range(len(at)):
                step = 1e-5 * max(1.0, abs(at[i]))
                above = function([x + step * (i == k) for k, x in enumerate(at)])[0]
                below = function([x - step * (i == k) for k, x in enumerate(at)])[0]
                for row, (a, b) in enumerate(zip(above, below, strict=True)):
                    slope = function(at)[1][row * len(at) + i]
                    assert (a - b) / (2 * step) == pytest.approx(slope, rel=1e-7, abs=1e-8), (case, at, row, i)
                    checked += 1
    assert checked > 100


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x =", "the oracle cannot be read"),
        ("POINTS = {('f', 'reverse', 1): [[1.0]]}", "no closed form for f"),
        ("FUNCTIONS = {}", "the oracle expects nothing"),
    ],
)
def test_a_bad_oracle_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "oracle.py"
    path.write_text(content)
    with pytest.raises(UserError, match=message):
        load_oracle(path)


def test_the_vocabulary_is_whole() -> None:
    assert [str(outcome) for outcome in Outcome] == [
        "pass",
        "wrong",
        "crash",
        "hang",
        "refused",
        "not-compiled",
        "not-executed",
        "infrastructure",
    ]
    assert [outcome for outcome in Outcome if outcome.proves] == [Outcome.PASS, Outcome.NOT_EXECUTED]
