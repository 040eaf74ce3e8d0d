"""The constructs of `patterns.yaml` and of the files beside it, and the small language of their holes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from ruamel.yaml import YAML

from holoenzyme.fuzz.model import Piece

#: In this order: a seed means the same function until one of them changes.
_FILES = ("patterns.yaml", "patterns_lives.yaml")
#: What reaches further than most programs do, and is refused more often.
_WIDE = ("patterns_data.yaml", "patterns_code.yaml", "patterns_numeric.yaml", "patterns_calls.yaml")
_HOLE = re.compile(r"@([A-Za-z_]\w*)(\[[^\]@]*\])?")
_KID = re.compile(r"\$([puma]?)(\d+)")
_BOUND = re.compile(r"^(?:'\w+: )?for (\w+) in ")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One construct, as the head of `patterns.yaml` tells."""

    kind: str
    weight: int
    items: str
    body: str
    real: str
    loose: bool
    gives: Mapping[str, str]
    uses: tuple[str, ...]
    needs: str

    @property
    def text(self) -> str:
        """All of its text."""
        return "\n".join((self.items, self.body, self.real))

    def holes(self) -> frozenset[str]:
        """The letters of the rows, tables and other things that must be there."""
        words = [word for word, _ in _HOLE.findall(self.text)]
        single = {word for word in words if len(word) == 1 and word.isupper()}
        return frozenset(single | {word[1] for word in words if len(word) == 2 and word.isupper() and word[0] in "LC"})


@lru_cache(maxsize=2)
def patterns(*, wide: bool = False) -> tuple[Pattern, ...]:
    """Those that functions are made of by default, or all of them, in the order of the files."""
    folder, yaml = resources.files("holoenzyme.fuzz"), YAML(typ="safe")
    return tuple(
        Pattern(
            kind=entry["kind"],
            weight=entry.get("weight", 1),
            items=entry.get("items", ""),
            body=entry.get("body", ""),
            real=entry.get("real", ""),
            loose=entry.get("loose", False),
            gives=entry.get("gives", {}),
            uses=tuple(entry.get("uses", ())),
            needs=entry.get("needs", ""),
        )
        for name in (*_FILES, *(_WIDE if wide else ()))
        for entry in yaml.load(folder.joinpath(name).read_text(encoding="utf-8"))
    )


def expand(text: str, word: Callable[[str, str, str], str]) -> str:
    """Text for each hole: `word` gets its name, what stands in brackets, and how strongly it must hold together.

    That is a letter of a place (`p` for a receiver), or nothing. Brackets after a variable are an index, and stay.
    """

    def one(match: re.Match[str]) -> str:
        name, brackets = match[1], match[2] or ""
        takes = name in ("E", "B", "S", "I")
        place = _place(match.string[: match.start()].rstrip(" "), match.string[match.end() :].lstrip(" "))
        text = word(name, brackets[1:-1] if takes else "", place)
        return text if takes else text + brackets

    return _HOLE.sub(one, text)


def _place(before: str, after: str) -> str:
    """The place of an expression between these texts: a receiver, an operand of a product or of a sum, or any."""
    if after.startswith((".", ").", "*", "/")) or before.endswith(("*", "/", "-")):
        return "p"
    if before.endswith("+") or after.startswith(("+", "-")):
        return "m"
    return ""


def statements(kind: str, text: str, kids: tuple[Piece, ...], *, sort: str = "stmt") -> tuple[Piece, ...]:
    """Lines of Rust, in which `$0` is the first of `kids`, as statements that hold statements where braces open."""
    lines = [line for line in text.splitlines() if line.strip()]
    found, rest = _parse(kind, lines, kids, sort)
    if rest:
        raise ValueError(f"{kind}: braces do not match at {rest[0]!r}")
    return found


def _parse(kind: str, lines: list[str], kids: tuple[Piece, ...], sort: str) -> tuple[tuple[Piece, ...], list[str]]:
    found: list[Piece] = []
    while lines and not lines[0].strip().startswith("}"):
        line, lines = lines[0].strip(), lines[1:]
        if not line.endswith("{"):
            found.append(_line(kind, line, kids))
            continue
        text, parts = line, []
        while True:
            inner, lines = _parse("", lines, kids, sort)
            parts.append(block(inner))
            closing, lines = lines[0].strip(), lines[1:]
            text += f"\n\x00\n{closing}"
            if not closing.endswith("{"):
                break
        found.append(_line(kind, text, kids, tuple(parts)))
    return tuple(found), lines


def _line(kind: str, text: str, kids: tuple[Piece, ...], blocks: tuple[Piece, ...] = ()) -> Piece:
    """A statement with only the parts that it mentions."""
    own: list[Piece] = []

    def part(match: re.Match[str]) -> str:
        own.append(kids[int(match[2])])
        return f"${match[1]}{len(own) - 1}"

    text = _KID.sub(part, text)
    for each in blocks:
        own.append(each)
        text = text.replace("\x00", f"$B{len(own) - 1}", 1)
    text = text.replace("$B", "$")
    bound = _BOUND.match(text)
    # What ends a block without a semicolon is its value.
    return Piece(kind, "stmt", text, tuple(own), binds=bound[1] if bound else "")


def block(nodes: tuple[Piece, ...]) -> Piece:
    """Statements one after the other."""
    return Piece("", "block", "\n".join(f"${i}" for i in range(len(nodes))), nodes)
