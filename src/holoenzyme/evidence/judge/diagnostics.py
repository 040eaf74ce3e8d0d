"""The messages of a compiler, as rustc and cargo print them, and the expected ones that are missing. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from holoenzyme.matrix.annotations import Expected, Level

_HEADER = re.compile(r"^(error|warning|note|help)(?:\[[A-Z]\d+\])?:(?: (.*))?$")
#: A note or help that belongs to the message before it, and to its place.
_ATTACHED = re.compile(r"^\s+= (note|help): (.*)$")
_PLACE = re.compile(r"^\s*--> (\S+?):(\d+):\d+$")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A line of a file, as the compiler names it."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message: its text with what is written at the places, the place that it points at, and others that it shows.

    The text of an error or a warning includes that of the notes and helps that belong to it.
    """

    level: Level
    text: str
    place: Place | None
    others: tuple[Place, ...] = ()

    def is_in(self, file: str) -> bool:
        """Whether it shows any place in a file."""
        return any(place.file == file for place in (self.place, *self.others) if place)


def read_messages(printed: str) -> tuple[Message, ...]:
    """Every message, in the order of their beginnings; what stands between them is passed over."""
    blocks: list[list[str]] = []
    for line in printed.splitlines():
        # Notes and helps that point at a place of their own follow what they belong to.
        header = _HEADER.match(line)
        if header and (header[1] in ("error", "warning") or not blocks):
            blocks.append([line])
        elif blocks:
            blocks[-1].append(line)
    return tuple(message for block in blocks for message in _read_block(block))


def _read_block(lines: Sequence[str]) -> Iterable[Message]:
    whole = _message(lines)
    yield whole
    starts = [number for number, line in enumerate(lines) if number and (_HEADER.match(line) or _ATTACHED.match(line))]
    for start, end in zip(starts, [*starts, len(lines)][1:], strict=True):
        part = _message(lines[start:end])
        yield part if part.place else Message(level=part.level, text=part.text, place=whole.place)


def _message(lines: Sequence[str]) -> Message:
    found = _HEADER.match(lines[0]) or _ATTACHED.match(lines[0])
    if found is None:
        raise ValueError(f"no message begins with {lines[0]!r}")
    places = [Place(file=at[1], line=int(at[2])) for line in lines if (at := _PLACE.match(line))]
    return Message(
        level=Level(found[1]),
        text="\n".join([found[2] or "", *lines[1:]]),
        place=places[0] if places else None,
        others=tuple(places[1:]),
    )


def missing(expected: Iterable[Expected], printed: str) -> tuple[str, ...]:
    """The expected messages that are missing, in words, with the places where they stand instead."""
    messages = read_messages(printed)
    return tuple(_told(one, messages) for one in expected if not any(_is_it(one, message) for message in messages))


def _is_it(expected: Expected, message: Message) -> bool:
    if message.level is not expected.level or expected.text not in message.text:
        return False
    if expected.line is None:
        return message.is_in(expected.file)
    return message.place == Place(file=expected.file, line=expected.line)


def _told(expected: Expected, messages: Sequence[Message]) -> str:
    where = expected.file if expected.line is None else f"{expected.file}:{expected.line}"
    wanted = f"{where}: no {expected.level} here" + (f" says {expected.text!r}" if expected.text else "")
    same = [one for one in messages if one.level is expected.level and expected.text in one.text]
    if same:
        return f"{wanted}; one stands at {', '.join(str(one.place or 'no place') for one in same)}"
    of_level = [
        f"{one.place or 'no place'}: {one.text.splitlines()[0]}" for one in messages if one.level is expected.level
    ]
    return f"{wanted}; there are: {'; '.join(of_level)[:600] or 'none'}"
