"""Messages of compilers that a program expects, as its own file has them, in the manner of rustc's UI tests. Pure.

- `//~ ERROR text`: on this line stands an error with this text; `WARN`, `NOTE` and `HELP` likewise;
- `//~^ ERROR text`: on the line above (`^^`: two above); `//~v`: below; `//~|`: where the annotation before it points;
- `//~? ERROR text`: on any line of the file;
- `//[name]~ ERROR text`, `//[one,two]~^ NOTE text`: in these revisions alone;
- `//@ revisions: one two`: the ways in which the program is compiled;
- `//@ compile-flags: -Copt-level=3`: words for the compiler (`//@[one] compile-flags: ...`: in this revision);
- `//@ never: text`: what nothing may say.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from holoenzyme.errors import UserError

#: A comment that is meant for us; it is wrong, or one of the other two.
_MEANT = re.compile(r"//\s*(\[[^\]]*\]\s*)?~|//@")
_ANNOTATION = re.compile(
    r"//(?:\[(?P<revisions>[^\]]+)\])?~(?P<where>\?|\||\^+|v+)?\s+(?P<level>[A-Za-z]+)(?:\s+(?P<text>.*?))?\s*$"
)
_DIRECTIVE = re.compile(r"^\s*//@(?:\[(?P<revisions>[^\]]+)\])?\s*(?P<key>[a-z-]+):\s*(?P<value>.*?)\s*$")
_REVISION = re.compile(r"^[a-z0-9][a-z0-9-]*$")
_FLAGS, _REVISIONS, _NEVER = "compile-flags", "revisions", "never"
_FORMS = "`//~ ERROR text`, `//~^ ERROR text`, `//~? NOTE text`, `//[revision]~ ERROR text`, `//@ compile-flags: ...`"


class Level(StrEnum):
    """The level of a message, as compilers write it."""

    ERROR = "error"
    WARN = "warning"
    NOTE = "note"
    HELP = "help"


@dataclass(frozen=True, kw_only=True)
class Expected:
    """A message that a compiler must give: its level, a part of its text, and where it points.

    `file` is the path as the compiler writes it; without a `line` the message may stand anywhere in the file.
    """

    file: str
    line: int | None
    level: Level
    text: str


@dataclass(frozen=True, kw_only=True)
class AnnotatedProgram:
    """An annotated source file: its path in the crate, and its revisions; none means that there is one way only.

    What is in `all_flags`, `all_expected` and `all_never` holds in the revisions beside it, in every one where there is
    none.
    """

    path: str
    revisions: tuple[str, ...]
    all_flags: tuple[tuple[frozenset[str], tuple[str, ...]], ...]
    all_expected: tuple[tuple[frozenset[str], Expected], ...]
    all_never: tuple[tuple[frozenset[str], str], ...] = ()

    @property
    def name(self) -> str:
        """The name of the file, without its ending."""
        return self.path.rpartition("/")[2].removesuffix(".rs")

    def flags(self, revision: str | None) -> tuple[str, ...]:
        """The words for the compiler in a revision."""
        return tuple(word for names, words in self.all_flags if not names or revision in names for word in words)

    def expected(self, revision: str | None) -> tuple[Expected, ...]:
        """The messages that a revision must give."""
        return tuple(expected for names, expected in self.all_expected if not names or revision in names)

    def never(self, revision: str | None) -> tuple[str, ...]:
        """The texts that no message of a revision may have."""
        return tuple(text for names, text in self.all_never if not names or revision in names)


def parse_program(text: str, *, path: str, where: str) -> AnnotatedProgram:
    """Read the annotations of a source file; `path` is its path in the crate, `where` what errors call it.

    Raises `UserError` with the line of what is no annotation, names what is not there, or leaves out what is needed.
    """
    return _Parser(text, path=path, where=where).program()


class _Parser:
    def __init__(self, text: str, *, path: str, where: str) -> None:
        self._lines, self._path, self._where = text.splitlines(), path, where
        self._revisions: tuple[str, ...] = ()
        self._flags: list[tuple[frozenset[str], tuple[str, ...]]] = []
        self._expected: list[tuple[frozenset[str], Expected]] = []
        self._never: list[tuple[frozenset[str], str]] = []

    def program(self) -> AnnotatedProgram:
        # Directives first: they say which revisions annotations may name, wherever they stand.
        meant = [(number, line) for number, line in enumerate(self._lines, start=1) if _MEANT.search(line)]
        directives = [(number, line) for number, line in meant if line.lstrip().startswith("//@")]
        for number, line in sorted(directives, key=lambda item: f"{_REVISIONS}:" not in item[1]):
            self._directive(number, line)
        for number, line in meant:
            if (number, line) not in directives:
                self._annotation(number, line)
        program = AnnotatedProgram(
            path=self._path,
            revisions=self._revisions,
            all_flags=tuple(self._flags),
            all_expected=tuple(self._expected),
            all_never=tuple(self._never),
        )
        for revision in self._revisions or (None,):
            if not any(expected.level is Level.ERROR for expected in program.expected(revision)):
                raise UserError(
                    f"{self._where}: no error is expected{f' in revision {revision!r}' if revision else ''}",
                    why="this program must be refused, and its file says why it is",
                    fix="write `//~ ERROR text` at the end of the line that the error points at",
                )
        return program

    def _directive(self, number: int, line: str) -> None:
        found = _DIRECTIVE.search(line)
        if found is None:
            self._refuse(number, f"this is no directive: {line.strip()}", f"the forms are {_FORMS}")
        key, value = found["key"], found["value"]
        match key:
            case "compile-flags":
                try:
                    words = tuple(shlex.split(value))
                except ValueError as error:
                    self._refuse(number, f"`{value}` is no list of words: {error}", "close the quotation")
                self._flags.append((self._names(number, found["revisions"]), words))
            case "never":
                if not value:
                    self._refuse(number, "nothing is named that may not be said", "write `//@ never: text`")
                self._never.append((self._names(number, found["revisions"]), value))
            case "revisions":
                self._take_revisions(number, value)
            case _:
                self._refuse(number, f"there is no directive {key!r}", f"there are {_FLAGS}, {_NEVER} and {_REVISIONS}")

    def _take_revisions(self, number: int, value: str) -> None:
        names = tuple(value.split())
        if self._revisions:
            self._refuse(number, "the revisions are named a second time", "name all of them in one line")
        wrong = [name for name in names if not _REVISION.match(name) or names.count(name) > 1]
        if not names or wrong:
            told = f"{wrong[0]!r} is named twice, or is no name" if wrong else "no revision is named"
            self._refuse(number, told, "small letters, digits and `-`, each name once, with spaces between them")
        self._revisions = names

    def _annotation(self, number: int, line: str) -> None:
        found = _ANNOTATION.search(line)
        if found is None:
            told = line[line.index("//") :].strip()
            self._refuse(number, f"this is no annotation: {told}", f"the forms are {_FORMS}")
        levels = {level.name: level for level in Level}
        if found["level"] not in levels:
            self._refuse(number, f"{found['level']!r} is no level of a message", f"the levels are {', '.join(levels)}")
        names = self._names(number, found["revisions"])
        expected = Expected(
            file=self._path,
            line=self._target(number, found["where"] or ""),
            level=levels[found["level"]],
            text=found["text"] or "",
        )
        self._expected.append((names, expected))

    def _target(self, number: int, where: str) -> int | None:
        """The line that an annotation on line `number` points at."""
        match where[:1]:
            case "?":
                return None
            case "|":
                if not self._expected:
                    self._refuse(number, "`//~|` follows no annotation", "write `//~`, or `//~^` for a line above")
                return self._expected[-1][1].line
            case "^":
                line = number - len(where)
            case "v":
                line = number + len(where)
            case _:
                line = number
        if not 1 <= line <= len(self._lines):
            self._refuse(number, f"it points at line {line}, and the file has {len(self._lines)}", "mend the arrow")
        return line

    def _names(self, number: int, named: str | None) -> frozenset[str]:
        names = frozenset(name.strip() for name in (named or "").split(",") if name.strip())
        for name in sorted(names - {*self._revisions}):
            known = f"the revisions are {', '.join(self._revisions)}" if self._revisions else "there are no revisions"
            self._refuse(number, f"{name!r} is no revision of this file", f"{known}: `//@ revisions:` names them")
        return names

    def _refuse(self, number: int, what: str, fix: str) -> NoReturn:
        raise UserError(f"{self._where}:{number}: {what}", fix=fix)
