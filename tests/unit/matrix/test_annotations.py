"""Expectations in the files of programs: what they mean, and what is said where one is wrong."""

from __future__ import annotations

import pytest

from holoenzyme.errors import UserError
from holoenzyme.matrix.annotations import AnnotatedProgram, Expected, Level, parse_program


def parse(text: str) -> AnnotatedProgram:
    return parse_program(text, path="src/a.rs", where="test/src/a.rs")


def expected(line: int | None, text: str, level: Level = Level.ERROR) -> Expected:
    return Expected(file="src/a.rs", line=line, level=level, text=text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("fn f(); //~ ERROR no `f` here", [expected(1, "no `f` here")]),
        ("fn f();\n//~^ ERROR x  \n", [expected(1, "x")]),
        ("fn f();\n\n//~^^ ERROR x", [expected(1, "x")]),
        ("//~v ERROR x\nfn f();", [expected(2, "x")]),
        (
            "fn f(); //~ ERROR x\n//~| NOTE y\n//~| HELP z",
            [expected(1, "x"), expected(1, "y", Level.NOTE), expected(1, "z", Level.HELP)],
        ),
        ("//~? ERROR x", [expected(None, "x")]),
        ("//~? ERROR", [expected(None, "")]),
        ("f(); //~ ERROR\nf(); //~ WARN w", [expected(1, ""), expected(2, "w", Level.WARN)]),
        ("// not for us: ~ ERROR\nf(); //~ ERROR // twice", [expected(2, "// twice")]),
    ],
)
def test_where_annotations_point(text: str, found: list[Expected]) -> None:
    program = parse(text)
    assert list(program.expected(None)) == found
    assert (program.name, program.revisions, program.flags(None)) == ("a", (), ())


def test_revisions_have_words_and_messages_of_their_own() -> None:
    program = parse(
        '//@[two] compile-flags: -C "a b"\n//@ revisions: one two\n//@ compile-flags: -O\n'
        "f(); //~ ERROR x\n//[one]~^ NOTE y\n//[one,two]~? HELP z\n//@[one] never: no way\n"
    )
    assert program.revisions == ("one", "two")
    assert program.flags("one") == ("-O",) and program.flags("two") == ("-C", "a b", "-O")
    assert [one.text for one in program.expected("one")] == ["x", "y", "z"]
    assert [one.text for one in program.expected("two")] == ["x", "z"]
    assert program.never("one") == ("no way",) and program.never("two") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fn f();", r"test/src/a.rs: no error is expected\n"),
        ("fn f(); //~ NOTE x", r"test/src/a.rs: no error is expected\n"),
        ("//@ revisions: a b\n//[a]~ ERROR x", r"a.rs: no error is expected in revision 'b'"),
        ("\nf(); //~ error x", r"a.rs:2: 'error' is no level of a message\n.*ERROR, WARN, NOTE, HELP"),
        ("\nf(); //~ERROR x", r"a.rs:2: this is no annotation: //~ERROR x"),
        ("f(); //~", r"a.rs:1: this is no annotation"),
        ("f(); //~> ERROR x", r"a.rs:1: this is no annotation"),
        ("f(); // [a]~ ERROR x", r"a.rs:1: this is no annotation"),
        ("//~^ ERROR x", r"a.rs:1: it points at line 0, and the file has 1"),
        ("//~vv ERROR x\n", r"a.rs:1: it points at line 3, and the file has 1"),
        ("//~| ERROR x", r"a.rs:1: `//~\|` follows no annotation"),
        ("//[a]~ ERROR x", r"a.rs:1: 'a' is no revision of this file\n.*there are no revisions"),
        ("//@ revisions: b\n//[a]~ ERROR x", r"a.rs:2: 'a' is no revision of this file\n.*the revisions are b"),
        ("//@ revisions: b\n//@ revisions: c", r"a.rs:2: the revisions are named a second time"),
        ("//@ revisions: b b", r"a.rs:1: 'b' is named twice, or is no name"),
        ("//@ revisions:", r"a.rs:1: no revision is named"),
        ("//@ flags: -O", r"a.rs:1: there is no directive 'flags'\n.*there are compile-flags, never and revisions"),
        ("//@ compile-flags -O", r"a.rs:1: this is no directive"),
        ("//@ compile-flags: 'a", r"a.rs:1: `'a` is no list of words"),
        ("//@ never:", r"a.rs:1: nothing is named that may not be said"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        parse(text)
