"""Many functions in a crate: each gets its own judgement, whoever ends the compilation."""

from __future__ import annotations

import json

from tests.fake_bench import GOOD, FakeBench, line_of, names

from holoenzyme.fuzz.campaign import Done, examine
from holoenzyme.fuzz.generate import generate
from holoenzyme.fuzz.oracle import FunctionOutcome

PROGRAMS = {str(seed): generate(seed) for seed in range(1, 9)}
NAMED = list(PROGRAMS.items())


def outcomes(bench: FakeBench, crate: int = 8) -> dict[str, FunctionOutcome]:
    return {name: judgement.outcome for name, judgement in examine(bench, NAMED, crate).judgements.items()}


def everything_but(**others: FunctionOutcome) -> dict[str, FunctionOutcome]:
    return {name: others.get(f"f{name}", FunctionOutcome.RIGHT) for name in PROGRAMS}


def refusing(*bad: str, answer: str = "", returncode: int = 101, timed_out: bool = False) -> FakeBench:
    """A compiler that ends where one of these is in the crate; `answer` may name the function and its line."""

    def compiler_says(text: str) -> Done:
        found = [name for name in names(text) if name in bad]
        if not found:
            return GOOD
        said = answer.format(name=found[0], line=line_of(text, found[0])) if answer else "nothing of use"
        return Done(returncode, said, timed_out)

    return FakeBench(PROGRAMS, compiler_says=compiler_says)


def test_all_is_right_and_crates_have_their_size() -> None:
    bench = FakeBench(PROGRAMS)
    assert outcomes(bench, crate=3) == everything_but()
    assert [len(crate) for crate in bench.crates] == [3, 3, 2]


def test_a_deliberately_wrong_derivative_is_seen() -> None:
    def spoil(name: str, mode: str, numbers: list[float]) -> list[float]:
        return [*numbers[:-1], numbers[-1] * 1.001] if (name, mode) == ("4", "reverse") else numbers

    bench = FakeBench(PROGRAMS, spoil=spoil)
    assert outcomes(bench) == everything_but(f4=FunctionOutcome.WRONG)


def test_crashes_and_hangs_are_told_from_what_the_others_do() -> None:
    bench = FakeBench(
        PROGRAMS,
        spoil=lambda name, mode, numbers: None if name in ("2", "5") and mode == "reverse" else numbers,
        status={"2": 11, "5": 14},
    )
    assert outcomes(bench) == everything_but(f2=FunctionOutcome.CRASH, f5=FunctionOutcome.HANG)


def test_a_refusal_at_a_line_is_found_at_once() -> None:
    bench = refusing("3", "6", answer="error: Enzyme cannot\n  --> src/main.rs:{line}:5")
    assert outcomes(bench) == everything_but(f3=FunctionOutcome.REFUSED, f6=FunctionOutcome.REFUSED)
    assert [len(crate) for crate in bench.crates] == [8, 7, 6]


def test_a_report_of_the_library_names_the_function() -> None:
    symbol = "_RNvNtCsabc_9generated7case_{name}_1f"
    report = {"kind": "NoDerivative", "message": "no", "function": symbol, "where": []}
    frame = {"file": "/src/main.rs", "line": 12345, "column": 1, "function": "f"}

    def line(**more: object) -> str:
        text = json.dumps({**report, **more})
        return "enzyme-error: " + text.replace("{", "{{").replace("}", "}}").replace("{{name}}", "{name}")

    assert outcomes(refusing("3", answer=line())) == everything_but(f3=FunctionOutcome.UNPLACED)
    assert outcomes(refusing("3", answer=line(where=[frame]))) == everything_but(f3=FunctionOutcome.REFUSED)


def test_every_report_of_one_compilation_counts_with_its_own_function() -> None:
    def compiler_says(text: str) -> Done:
        lines = []
        for name, frames in (("3", []), ("6", [{"file": "/src/main.rs", "line": 9, "column": 1, "function": "f"}])):
            if name in names(text):
                report = {"kind": "NoDerivative", "message": "no", "function": f"_9generated7case_{name}_1f"}
                lines.append("enzyme-error: " + json.dumps({**report, "where": frames}))
        return Done(101, "\n".join(lines)) if lines else GOOD

    bench = FakeBench(PROGRAMS, compiler_says=compiler_says)
    assert outcomes(bench) == everything_but(f3=FunctionOutcome.UNPLACED, f6=FunctionOutcome.REFUSED)
    assert [len(crate) for crate in bench.crates] == [8, 6]


def test_a_crash_of_the_compiler_is_that_of_the_function_it_was_at() -> None:
    begin = 'enzyme-begin: {{"function":"_RN7case_1_1f"}}\nenzyme-end: {{"function":"_RN7case_1_1f"}}\n'
    begin += 'enzyme-begin: {{"function":"_RN7case_{name}_1f"}}\nAssertion `x` failed.'
    bench = refusing("5", answer=begin, returncode=134)
    assert outcomes(bench) == everything_but(f5=FunctionOutcome.COMPILER_CRASH)
    assert len(bench.crates) == 2


def test_where_nothing_is_said_halves_are_tried() -> None:
    assert outcomes(refusing("7", returncode=139)) == everything_but(f7=FunctionOutcome.COMPILER_CRASH)
    assert outcomes(refusing("7", returncode=1)) == everything_but(f7=FunctionOutcome.UNPLACED)
    assert outcomes(refusing("7", timed_out=True)) == everything_but(f7=FunctionOutcome.COMPILER_HANG)


def test_what_is_no_rust_is_the_generators_fault() -> None:
    def oracle_says(text: str) -> Done:
        if "2" not in names(text):
            return GOOD
        return Done(1, f"error[E0308]: mismatched types\n  --> oracle.rs:{line_of(text, '2')}:5")

    assert outcomes(FakeBench(PROGRAMS, oracle_says=oracle_says)) == everything_but(f2=FunctionOutcome.INVALID)
    bench = refusing("2", answer="error[E0282]: type annotations needed\n --> src/main.rs:{line}:1", returncode=1)
    assert outcomes(bench) == everything_but(f2=FunctionOutcome.INVALID)


def test_what_no_oracle_can_judge_is_not_compiled() -> None:
    bench = FakeBench(PROGRAMS, kinds={"4": "kink"})
    assert outcomes(bench) == everything_but(f4=FunctionOutcome.UNSUITED)
    assert bench.crates == [[name for name in PROGRAMS if name != "4"]]
