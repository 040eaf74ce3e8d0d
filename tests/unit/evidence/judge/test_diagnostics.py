"""Messages of compilers, and which of those that are expected are missing."""

from __future__ import annotations

import pytest

from holoenzyme.evidence.judge.diagnostics import Place, missing, read_messages
from holoenzyme.matrix.annotations import Expected, Level

PRINTED = """   Compiling refused v0.1.0 (/src)
warning: unused variable: `y`
 --> src/a.rs:2:9
  |
2 |     let y = 1;
  |         ^ help: write `_y`

error[E0428]: the name `g` is defined
  multiple times
 --> src/a.rs:9:1
  |
3 | #[derive(g)]
  | ------------ previous definition
...
  = note: `g` must be defined only once
note: the other one
 --> src/b.rs:7:1

error: inside of a library
 --> /rustc/library/core.rs:1:1
note: called here
 --> src/c.rs:4:2

error: could not compile `refused` (bin "a") due to 2 previous errors
"""


def expected(line: int | None, text: str, level: Level = Level.ERROR, file: str = "src/a.rs") -> Expected:
    return Expected(file=file, line=line, level=level, text=text)


def test_messages_have_levels_texts_and_places() -> None:
    found = [(one.level, one.text.splitlines()[0], one.place) for one in read_messages(PRINTED)]
    assert found == [
        (Level.WARN, "unused variable: `y`", Place(file="src/a.rs", line=2)),
        (Level.ERROR, "the name `g` is defined", Place(file="src/a.rs", line=9)),
        (Level.NOTE, "`g` must be defined only once", Place(file="src/a.rs", line=9)),
        (Level.NOTE, "the other one", Place(file="src/b.rs", line=7)),
        (Level.ERROR, "inside of a library", Place(file="/rustc/library/core.rs", line=1)),
        (Level.NOTE, "called here", Place(file="src/c.rs", line=4)),
        (Level.ERROR, 'could not compile `refused` (bin "a") due to 2 previous errors', None),
    ]
    assert read_messages("") == () and read_messages("Compiling\n --> a.rs:1:1\n") == ()


@pytest.mark.parametrize(
    "one",
    [
        expected(9, "the name `g`"),
        expected(9, "multiple times"),
        expected(9, "previous definition"),
        expected(9, ""),
        expected(None, "the name `g`"),
        expected(2, "unused variable", Level.WARN),
        expected(9, "defined only once", Level.NOTE),
        expected(7, "the other one", Level.NOTE, "src/b.rs"),
        # Anywhere in a file is also where a note of the error points.
        expected(None, "inside of a library", file="src/c.rs"),
    ],
)
def test_what_was_said_is_not_missing(one: Expected) -> None:
    assert missing([one], PRINTED) == ()


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (expected(8, "the name `g`"), "src/a.rs:8: no error here says 'the name `g`'; one stands at src/a.rs:9"),
        (expected(9, "the name", file="b.rs"), "b.rs:9: no error here says 'the name'; one stands at src/a.rs:9"),
        (
            expected(9, "unused variable"),
            "src/a.rs:9: no error here says 'unused variable'; there are: src/a.rs:9: the",
        ),
        (
            expected(9, "the name", Level.WARN),
            "src/a.rs:9: no warning here says 'the name'; there are: src/a.rs:2",
        ),
        (expected(4, "inside", file="src/c.rs"), "src/c.rs:4: no error here says 'inside'; one stands at /rustc/lib"),
        (expected(None, "", file="src/d.rs"), "src/d.rs: no error here; one stands at src/a.rs:9, /rustc/library/core"),
        (expected(9, "x", Level.HELP), "src/a.rs:9: no help here says 'x'; there are: none"),
    ],
)
def test_what_was_not_said_is_told_with_what_was(one: Expected, told: str) -> None:
    (problem,) = missing([one, expected(9, "")], PRINTED)
    assert problem.startswith(told)
