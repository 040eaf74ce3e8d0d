"""A generated function: a tree of pieces of Rust text, with arguments and the points where it is checked.

A piece has a sort (what may stand in its place) and a kind (which construct it is, for counting). Its text names its
parts: `$0` is the first; `$p0`, `$u0`, `$m0` and `$a0` put it in parentheses where it binds less than a receiver, a
unary operator, a product or a sum. `%R` is the type of numbers, `%S` is always f32, and `%N` to `%Q` are sizes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum, IntEnum
from typing import Literal

Sort = Literal["real", "int", "bool", "stmt", "block", "other"]


class Binding(IntEnum):
    """How strongly an expression holds together."""

    POSTFIX = 0
    UNARY = 1
    PRODUCT = 2
    SUM = 3
    LOOSE = 4


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text with its parts.

    `dual` is its text in the oracle where that differs. `sure` says that the type of a number is known without looking
    further, so that a method may follow. `binds` names what a loop or closure binds, which a shrinker gives a value.
    """

    kind: str
    sort: Sort
    text: str
    kids: tuple[Piece, ...] = ()
    dual: str | None = None
    level: Binding = Binding.POSTFIX
    sure: bool = True
    binds: str = ""

    def walk(self) -> Iterator[Piece]:
        """It and everything in it, outermost first."""
        yield self
        for kid in self.kids:
            yield from kid.walk()

    def size(self) -> int:
        """How many pieces it has."""
        return 1 + sum(kid.size() for kid in self.kids)


@dataclass(frozen=True, slots=True)
class Shape:
    """The floats of an argument: one, a row (`sizes` names its length), a table, or the fields of a structure."""

    sizes: tuple[str, ...] = ()
    fields: tuple[tuple[str, Shape], ...] = ()
    name: str = ""

    def count(self, sizes: dict[str, int]) -> int:
        """How many floats that is."""
        if self.fields:
            return sum(shape.count(sizes) for _, shape in self.fields)
        number = 1
        for size in self.sizes:
            number *= sizes[size]
        return number


class Passing(Enum):
    """How an argument is passed."""

    VALUE = "value"
    SHARED = "&"
    MUTABLE = "&mut"


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument: floats of a shape, or an integer or a truth value (`shape` is none then), which is `Const`."""

    name: str
    shape: Shape | None
    passing: Passing = Passing.VALUE
    active: bool = True
    #: Whether a row is passed as a slice rather than as an array.
    slice: bool = False
    #: The type of what is no float.
    type: str = "usize"


#: The values of arguments at one point, in their order: floats, or one integer.
Point = tuple[tuple[float, ...], ...]

#: What is derived: one direction, four directions at once, a gradient, four gradients at once.
MODES = ("forward", "forward4", "reverse", "reverse4")


@dataclass(frozen=True, slots=True)
class GeneratedFunction:
    """A generated function with all that it needs."""

    seed: int
    single: bool
    sizes: tuple[tuple[str, int], ...]
    items: tuple[Piece, ...]
    arguments: tuple[Parameter, ...]
    returns: bool
    body: Piece
    points: tuple[Point, ...]
    modes: tuple[str, ...] = MODES
    attribute: str = ""
    uses: tuple[str, ...] = field(default=())

    def size_map(self) -> dict[str, int]:
        """The sizes by their names."""
        return dict(self.sizes)

    def kinds(self) -> frozenset[str]:
        """The constructs in it."""
        found = {node.kind for item in (*self.items, self.body) for node in item.walk()}
        return frozenset(kind for kind in found if kind)

    def narrows(self) -> bool:
        """Whether an f64 is rounded to an f32 on the way."""
        texts = (node.dual or node.text for item in (*self.items, self.body) for node in item.walk())
        return any("narrow(" in text or "%F{" in text for text in texts)

    def weight(self) -> int:
        """How large it is: what a shrinker makes less."""
        return (
            sum(item.size() for item in self.items)
            + self.body.size()
            + sum(size for _, size in self.sizes)
            + 3 * len(self.arguments)
            + len(self.modes)
            + 2 * len(self.points)
        )

    def with_body(self, body: Piece) -> GeneratedFunction:
        """The same with another body."""
        return replace(self, body=body)

    @property
    def input_count(self) -> int:
        """How many floats it is differentiated by."""
        sizes = self.size_map()
        return sum(a.shape.count(sizes) for a in self.arguments if a.shape is not None and a.active)

    @property
    def output_count(self) -> int:
        """How many floats it gives: its result, and what it writes."""
        sizes = self.size_map()
        written = [a.shape for a in self.arguments if a.active and a.passing is Passing.MUTABLE]
        return self.returns + sum(shape.count(sizes) for shape in written if shape is not None)

    def possible_modes(self) -> tuple[str, ...]:
        """The modes that its signature allows: several gradients at once only where nothing is returned."""
        active = [a for a in self.arguments if a.shape is not None and a.active]
        scalar = any(a.passing is Passing.VALUE for a in active)
        return tuple(mode for mode in self.modes if mode != "reverse4" or not (self.returns or scalar))
