"""Expressions made at random: numbers, conditions and indices over the variables in scope."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from holoenzyme.fuzz.model import Binding, Piece
from holoenzyme.fuzz.patterns import Pattern, patterns

#: Numbers as people write them.
LITERALS = ("0.5", "2.0", "1.5", "0.25", "3.0", "0.1", "1.0", "-0.75", "0.3", "1.2")
#: Methods of one number that are smooth and bounded enough everywhere; `$p0` is the number.
_METHODS = (
    "$p0.sin()",
    "$p0.cos()",
    "$p0.tanh()",
    "$p0.atan()",
    "$p0.sin().exp()",
    "$p0.powi(2)",
    "$p0.powi(3)",
    "($p0.powi(2) + %L{1.0}).sqrt()",
    "($p0.powi(2) + %L{1.0}).ln()",
    "($p0.powi(2) + %L{0.5}).powf(%L{1.5})",
    "$p0.abs()",
    "$p0.max(%L{0.0})",
    "$p0.min(%L{1.0})",
    "$p0.clamp(%L{-1.0}, %L{1.0})",
    "$p0.powi(2).ln_1p()",
    "$p0.tanh().exp_m1()",
    "($p0.powi(2) + %L{1.0}).recip()",
    "($p0.powi(2) + %L{1.0}).cbrt()",
    "$p0.sin().asin()",
    "$p0.tanh().sinh()",
    "$p0.floor()",
    "$p0.fract()",
    "$p0.signum()",
    "$p0.sin_cos().0",
)
#: Of two numbers.
_PAIRS = (
    "$p0.max($1)",
    "$p0.min($1)",
    "$p0.atan2($p1.powi(2) + %L{0.5})",
    "$p0.hypot($a1 + %L{3.0})",
    "$p0.mul_add($1, %L{0.5})",
    "$p0.copysign($1)",
    "($p0.powi(2) + %L{0.5}).powf($p1.sin())",
)
_OPERATORS = (
    ("add", "$a0 + $m1", Binding.SUM, 5),
    ("sub", "$a0 - $m1", Binding.SUM, 4),
    ("mul", "$m0 * $u1", Binding.PRODUCT, 8),
    ("div", "$m0 / ($p1.powi(2) + %L{1.0})", Binding.PRODUCT, 2),
    ("neg", "-$p0", Binding.UNARY, 1),
)


@dataclass(frozen=True, slots=True)
class Variable:
    """A number, a row or a table in scope; `text` is how it is written, lengths may be markers."""

    text: str
    kind: str = "real"
    size: str = ""
    length: int = 0
    columns: str = ""
    column_count: int = 0
    mutable: bool = False
    array: bool = False
    vec: bool = False
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number in scope, below `limit`."""

    text: str
    limit: int


@dataclass(slots=True)
class Scope:
    """The names in scope, and the source of chance."""

    rng: random.Random
    single: bool
    variables: list[Variable] = field(default_factory=list)
    wholes: list[Whole] = field(default_factory=list)
    truths: list[str] = field(default_factory=list)
    excluded: set[str] = field(default_factory=set)

    @contextmanager
    def inner(self) -> Iterator[None]:
        """A scope in this one."""
        variables, wholes, excluded = list(self.variables), list(self.wholes), set(self.excluded)
        try:
            yield
        finally:
            self.variables, self.wholes, self.excluded = variables, wholes, excluded

    def find(self, good: Callable[[Variable], bool]) -> list[Variable]:
        """Variables that may be used here."""
        return [v for v in self.variables if v.text not in self.excluded and good(v)]

    def row(self) -> Variable | None:
        """Some row; the later ones are likelier, so that values flow."""
        rows = self.find(lambda v: v.kind == "row")
        return self.rng.choice(rows[-4:] if self.rng.random() < 0.6 else rows) if rows else None


Instance = Callable[[Pattern], Piece | None]


class Expressions:
    """Makes expressions in a scope; `instance` makes one of a pattern that is an expression."""

    def __init__(self, scope: Scope, instance: Instance) -> None:
        self._scope, self._rng, self._instance = scope, scope.rng, instance
        self._patterns = [pattern for pattern in patterns() if pattern.real]

    def real(self, depth: int) -> Piece:
        """A number."""
        chance = self._rng.random()
        if depth <= 0 or chance < 0.25:
            return self._leaf()
        if chance < 0.62:
            kind, text, level, _ = self._rng.choices(_OPERATORS, [weight for *_, weight in _OPERATORS])[0]
            kids = tuple(self.real(depth - 1) for _ in range(1 if kind == "neg" else 2))
            if kind == "div" and not kids[1].sure:
                kids = (kids[0], typed(kids[1]))
            return Piece(kind, "real", text, kids, level=level, sure=any(kid.sure for kid in kids))
        if chance < 0.78:
            return self._method(self._rng.choice(_METHODS), (self.real(depth - 1),))
        if chance < 0.83:
            return self._method(self._rng.choice(_PAIRS), (self.real(depth - 1), self.real(depth - 1)))
        if chance < 0.95:
            pattern = self._rng.choices(self._patterns, [p.weight for p in self._patterns])[0]
            made = self._instance(pattern)
            return self._leaf() if made is None else made
        if chance < 0.975 and not self._scope.single:
            kid = self.real(depth - 1)
            if kid.sure:
                dual = "wide(narrow($0))"
                return Piece("cast-f32", "real", "($u0 as f32) as f64", (kid,), dual, Binding.UNARY)
        kids = (self.truth(), self.real(depth - 1), self.real(depth - 1))
        return Piece("if-expression", "real", "if $0 { $1 } else { $2 }", kids, level=Binding.LOOSE, sure=False)

    def _method(self, text: str, kids: tuple[Piece, ...]) -> Piece:
        kind = text.rpartition(".")[2].partition("(")[0]
        if kind == "0":
            kind = "sin_cos"
        kids = tuple(kid if kid.sure else typed(kid) for kid in kids)
        return Piece(kind, "real", text, kids)

    def _leaf(self) -> Piece:
        chance = self._rng.random()
        if chance < 0.15:
            text = self._rng.choice(LITERALS)
            level = Binding.UNARY if text.startswith("-") else Binding.POSTFIX
            return Piece("literal", "real", f"%L{{{text}}}", level=level, sure=False)
        if chance < 0.22 and self._scope.wholes:
            whole = self._rng.choice(self._scope.wholes)
            return Piece("whole-cast", "real", f"%I{{{whole.text}}}")
        if chance < 0.5:
            reals = self._scope.find(lambda v: v.kind == "real")
            if reals:
                found = self._rng.choice(reals[-5:] if self._rng.random() < 0.6 else reals)
                level = Binding.UNARY if found.text.startswith("*") else Binding.POSTFIX
                return Piece("", "real", found.text, level=level, sure=found.sure)
        tables = self._scope.find(lambda v: v.kind == "table")
        if tables and chance > 0.85:
            table = self._rng.choice(tables)
            kids = (self.index(table.length, table.size), self.index(table.column_count, table.columns))
            return Piece("table-index", "real", f"{table.text}[$0][$1]", kids, sure=table.sure)
        row = self._scope.row()
        if row is not None:
            return Piece("", "real", f"{row.text}[$0]", (self.index(row.length, row.size),), sure=row.sure)
        return Piece("literal", "real", f"%L{{{self._rng.choice(LITERALS[:7])}}}", sure=False)

    def index(self, length: int, size: str) -> Piece:
        """An index that is below the length."""
        fitting = [whole for whole in self._scope.wholes if whole.limit <= length]
        chance = self._rng.random()
        if fitting and chance < 0.6:
            whole = self._rng.choice(fitting)
            if chance < 0.08:
                return Piece("index-mirrored", "int", f"{size} - 1 - {whole.text}")
            return Piece("", "int", whole.text)
        if self._scope.wholes and chance < 0.85:
            whole = self._rng.choice(self._scope.wholes)
            text = self._rng.choice((f"{whole.text} % {size}", f"({whole.text} + 1) % {size}"))
            return Piece("index-remainder", "int", text)
        return Piece("", "int", str(self._rng.randrange(length)))

    def truth(self) -> Piece:
        """A condition."""
        chance = self._rng.random()
        if chance < 0.3 and self._scope.truths:
            return Piece("", "bool", self._rng.choice(self._scope.truths), level=Binding.POSTFIX)
        if chance < 0.5 and self._scope.wholes:
            whole = self._rng.choice(self._scope.wholes)
            text = self._rng.choice(("{} % 2 == 0", "{} > 1", "{} == 2"))
            return Piece("", "bool", text.format(whole.text), level=Binding.LOOSE)
        left, right = self.real(1), self._leaf()
        if not left.sure and not right.sure:
            right = typed(right)
        # Where both sides are one expression, `<` after `as` or a block would be read otherwise.
        return Piece("", "bool", f"($0) {self._rng.choice('<>')} $a1", (left, right), level=Binding.LOOSE)


def typed(node: Piece) -> Piece:
    """The same with a type that is known at once: `0.5.sin()` is none."""
    return Piece("", "real", "$u0 as %R", (node,), dual="$u0", level=Binding.UNARY)
