"""Generated functions: the same for a seed, ordinary Rust in two renderings, every construct in some of them."""

from __future__ import annotations

import math
import re

import pytest

from holoenzyme.fuzz.generate import generate
from holoenzyme.fuzz.model import GeneratedFunction, Passing
from holoenzyme.fuzz.patterns import block, patterns, statements
from holoenzyme.fuzz.render import directions, fill, function, helpers, oracle, preset, standalone, subject, text_of
from holoenzyme.fuzz.tangle import tangle

TANGLED = [tangle(seed) for seed in range(1, 201)]
PROGRAMS = [*(generate(seed, wide=wide) for wide in (False, True) for seed in range(1, 301)), *TANGLED]


def test_a_seed_is_one_function() -> None:
    assert generate(7) == generate(7)
    assert function(generate(7)) != function(generate(8))


@pytest.mark.parametrize("wide", [False, True])
def test_every_construct_is_in_some_function(wide: bool) -> None:
    found = frozenset[str]().union(*(generate(seed, wide=wide).kinds() for seed in range(1500)))
    assert {pattern.kind for pattern in patterns(wide=wide)} - found == set()


def test_tangled_functions_have_every_way_through() -> None:
    assert tangle(7) == tangle(7)
    assert function(tangle(7)) != function(tangle(8))
    found = frozenset[str]().union(*(program.kinds() for program in TANGLED))
    assert found >= {
        "for",
        "for-each",
        "while",
        "if",
        "else-if",
        "match",
        "break",
        "continue",
        "vector",
        "best",
        "slice",
    }


def test_no_hole_and_no_marker_is_left() -> None:
    for program in PROGRAMS:
        for dual in (False, True):
            text = function(program, dual=dual)
            # `a % 3` is a remainder, `rest @ ..` a pattern.
            assert not re.search(r"@(?! \.\.)|\$|%[A-Z]", text), text


def test_plain_text_has_nothing_of_the_oracle() -> None:
    for program in PROGRAMS:
        text = function(program)
        assert not re.search(r"\bD64\b|\bD32\b|\bc64\(|\bc32\(|\bwide\(|\bof\(n", text), text


def test_variables_that_begin_as_a_literal_have_a_type() -> None:
    texts = [function(generate(seed)) for seed in range(70001, 70051)]
    assert any(re.search(r"let (mut )?\w+: f(32|64) = -?[0-9.]+;", text) for text in texts)
    assert not any(re.search(r"let (mut )?\w+ = -?[0-9]+\.[0-9]+;", text) for text in texts)
    program = next(each for each in PROGRAMS if not each.single)
    assert fill("let t = -(%L{1.5} + %L{2.0});", program) == "let t: f64 = -(1.5 + 2.0);"


def test_the_oracle_has_no_plain_float() -> None:
    for program in PROGRAMS:
        text = function(program, dual=True)
        text = re.sub(r"c(?:64|32)\(-?[\d.e-]+\)", "", text)
        assert not re.search(r"\bf64\b|\bf32\b|(?<![\w])\d+\.\d|\bas D", text), text


def test_braces_match() -> None:
    for program in PROGRAMS:
        text = function(program)
        assert text.count("{") == text.count("}")
        assert text.count("(") == text.count(")")


def test_arguments_have_values_at_every_point() -> None:
    for program in PROGRAMS:
        sizes = program.size_map()
        for point in program.points:
            for argument, values in zip(program.arguments, point, strict=True):
                assert len(values) == (argument.shape.count(sizes) if argument.shape else 1)
                assert all(math.isfinite(value) for value in values)


def test_modes_fit_the_signature() -> None:
    several = [program for program in PROGRAMS if "reverse4" in program.possible_modes()]
    assert several
    for program in several:
        assert not program.returns
        assert not any(a.passing is Passing.VALUE and a.active and a.shape for a in program.arguments)


def test_shadows_of_what_is_only_read_begin_with_zero_at_one_point_and_not_at_the_next() -> None:
    program = next(p for p in PROGRAMS if p.arguments[0].passing is Passing.SHARED)
    count = program.arguments[0].shape.count(program.size_map()) if program.arguments[0].shape else 0
    assert set(preset(program, 0, 0)[:count]) == {0.0}
    assert any(preset(program, 1, 0)[:count])
    assert len(directions(program, 0, 0)) == program.input_count
    assert directions(program, 0, 0) != directions(program, 0, 1)


@pytest.mark.parametrize("dual", [False, True])
def test_helpers_have_no_marker(dual: bool) -> None:
    assert not re.search(r"%[RLc]", helpers(dual=dual))
    assert ("D64" in helpers(dual=dual)) is dual


def test_whole_programs_hold_every_function() -> None:
    programs = [(str(seed), generate(seed)) for seed in (1, 2, 3)]
    for text in (subject(programs), oracle(programs)):
        assert re.findall(r"^mod case_(\w+)_ \{$", text, re.MULTILINE) == ["1", "2", "3"]
        assert text.count("{") == text.count("}")


def test_a_program_of_its_own_says_what_is_wanted() -> None:
    program = generate(1)
    mode = program.possible_modes()[0]
    text = standalone(program, ["EXPECTED: x", "OBSERVED: y"], [(mode, 0, [1.5, float("nan")])])
    assert text.startswith("// EXPECTED: x\n// OBSERVED: y\n#![feature(autodiff)]\n")
    assert "want [1.5, NaN]" in text
    assert text.count(f"d_{mode}(") == 1


def test_statements_are_read_by_their_braces() -> None:
    text = "let a = 1;\nfor i in 0..3 {\nif b {\nx();\n} else {\ny();\n}\n}\nz()"
    found = statements("kind", text, ())
    assert [node.kind for node in found] == ["kind"] * 3
    assert found[1].binds == "i"
    assert len(found[1].kids[0].kids[0].kids) == 2
    assert text_of(block(found)) == text
    with pytest.raises(ValueError, match="braces do not match"):
        statements("kind", "}", ())


def test_what_a_function_is_given_is_not_written_unless_it_may_be() -> None:
    for program in PROGRAMS:
        assert isinstance(program, GeneratedFunction)
        text = function(program)
        for argument in program.arguments:
            if argument.passing is Passing.SHARED:
                assert not re.search(rf"^\s*{argument.name}\[[^\]]*\] [-+*/]?= ", text, re.MULTILINE)


def test_what_is_added_is_computed_on_its_own() -> None:
    programs = [(str(seed), generate(seed)) for seed in range(1, 60)]
    lines = [line for line in oracle(programs).splitlines() if "let rhs = " in line]
    assert lines
    for line in lines:
        assert line.endswith("= rhs; }"), line
