"""A function from a seed: arguments, statements of the patterns, a result that all of it flows into, and points."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from holoenzyme.fuzz.expressions import Expressions, Scope, Variable, Whole, typed
from holoenzyme.fuzz.model import Binding, GeneratedFunction, Parameter, Passing, Piece, Point, Shape
from holoenzyme.fuzz.patterns import Pattern, block, expand, patterns, statements
from holoenzyme.fuzz.render import HELPERS

#: The whole number of run time is below this.
_RUN_TIME = 5
#: What makes a row where a pattern needs one that is not there.
_MAKERS = {"array": ("array-from-fn", "array-filled"), "vec": ("collect", "to-vec", "vec-filled")}
_ATTRIBUTES = ("", "", "", "#[inline(never)]", "#[inline]")
POINTS = 2
#: No name of a variable: the oracle would take it for a plain float.
_TYPES = ("f32", "f64")


@dataclass(slots=True)
class _Holes:
    """The meanings of one pattern's letters, and the names that it makes."""

    rows: dict[str, Variable] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)


class Generator:
    """Makes one function."""

    def __init__(self, seed: int, *, wide: bool = False) -> None:
        self._rng = random.Random(seed)
        self._seed = seed
        self._single = self._rng.random() < 0.12
        self._sizes = {"N": self._rng.choice((3, 4, 5, 6)), "M": self._rng.choice((2, 3, 4))}
        self._scope = Scope(rng=self._rng, single=self._single)
        self._expressions = Expressions(self._scope, self._real_of)
        self._count = 0
        self._budget = 0
        self._items: list[Piece] = []
        self._uses: dict[str, None] = {}
        self._returns = True
        known = patterns(wide=wide)
        self._by_kind = {pattern.kind: pattern for pattern in known}
        self._statements = [pattern for pattern in known if pattern.body]

    def make(self) -> GeneratedFunction:
        """The function."""
        arguments = self._arguments()
        self._budget = self._rng.choice((3, 4, 5, 6, 8, 10))
        parts: list[Piece] = []
        while self._budget > 0:
            parts += self._statement(2)
        parts += self._end(arguments)
        return GeneratedFunction(
            seed=self._seed,
            single=self._single,
            sizes=tuple(self._sizes.items()),
            items=tuple(self._items),
            arguments=arguments,
            returns=self._returns,
            body=block(tuple(parts)),
            points=tuple(self._point(arguments, number) for number in range(POINTS)),
            attribute=self._rng.choice(_ATTRIBUTES),
            uses=tuple(self._uses),
        )

    # Arguments

    def _arguments(self) -> tuple[Parameter, ...]:
        choose = self._rng.random
        made: list[Parameter] = []
        if choose() < 0.9:
            made.append(self._row("p", mutable=False))
        if choose() < 0.35:
            made.append(self._row("x", mutable=True))
        if choose() < 0.2:
            made.append(self._table("m", mutable=choose() < 0.3))
        if choose() < 0.15:
            made.append(self._structure("w"))
        if choose() < 0.4 or not made:
            made.append(Parameter("a", Shape()))
        if choose() < 0.25:
            made.append(Parameter("c", Shape(), active=False))
        if choose() < 0.2:
            made.append(Parameter("q", Shape(("N",)), Passing.SHARED, active=False, slice=True))
        written = any(argument.passing is Passing.MUTABLE for argument in made)
        self._returns = not written or choose() < 0.35
        for argument in made:
            self._declare(argument)
        made.append(Parameter("n", None))
        self._scope.wholes.append(Whole("n", _RUN_TIME))
        if choose() < 0.6:
            made.append(Parameter("k", None, type="bool"))
            self._scope.truths.append("k")
        return tuple(made)

    def _row(self, name: str, *, mutable: bool) -> Parameter:
        passing = Passing.MUTABLE if mutable else Passing.SHARED
        return Parameter(name, Shape((self._rng.choice("NNNM"),)), passing, slice=self._rng.random() < 0.6)

    def _table(self, name: str, *, mutable: bool) -> Parameter:
        passing = Passing.MUTABLE if mutable else Passing.SHARED
        return Parameter(name, Shape(("M", "M")), passing, slice=self._rng.random() < 0.4)

    def _structure(self, name: str) -> Parameter:
        row = Shape(("M",))
        shape = Shape(fields=(("gain", Shape()), ("row", row), ("offset", Shape())), name="Setup")
        text = "#[derive(Clone, Copy)]\npub struct Setup {\npub gain: %R,\npub row: [%R; %M],\npub offset: %R,\n}"
        self._items.append(Piece("struct-argument", "other", text))
        return Parameter(name, shape, Passing.SHARED)

    def _declare(self, argument: Parameter) -> None:
        shape, mutable = argument.shape, argument.passing is Passing.MUTABLE
        assert shape is not None
        add = self._scope.variables.append
        if shape.fields:
            add(Variable(f"{argument.name}.gain"))
            add(Variable(f"{argument.name}.offset"))
            add(Variable(f"{argument.name}.row", "row", "%M", self._sizes["M"]))
        elif not shape.sizes:
            add(Variable(argument.name))
        else:
            lengths = [self._sizes[size] for size in shape.sizes]
            sizes = [f"%{size}" for size in shape.sizes]
            kind = "row" if len(lengths) == 1 else "table"
            add(Variable(argument.name, kind, sizes[0], lengths[0], sizes[-1], lengths[-1], mutable))

    def _point(self, arguments: tuple[Parameter, ...], number: int) -> Point:
        def values(argument: Parameter) -> tuple[float, ...]:
            if argument.type == "bool":
                return (float(number % 2),)
            if argument.shape is None:
                return (float(self._rng.randrange(1, _RUN_TIME)),)
            return tuple(self._rng.randint(-30, 50) / 32 or 0.5 for _ in range(argument.shape.count(self._sizes)))

        return tuple(values(argument) for argument in arguments)

    # Statements

    def _statement(self, depth: int) -> list[Piece]:
        self._budget -= 1
        pattern = self._rng.choices(self._statements, [p.weight for p in self._statements])[0]
        return self._body_of(pattern, depth)

    def _body_of(self, pattern: Pattern, depth: int) -> list[Piece]:
        """The statements of a pattern, or none where it does not fit here."""
        before: list[Piece] = []
        holes = self._bind(pattern, before, depth)
        if holes is None:
            return before
        kids: list[Piece] = []
        if pattern.items:
            text = self._expand(pattern.items, holes, kids, depth=0)
            # One item each, so that a shrinker takes away what is not used.
            self._items += statements(pattern.kind, text, tuple(kids))
        kids = []
        text = self._expand(pattern.body, holes, kids, depth)
        parts = statements(pattern.kind, text, tuple(kids))
        for name, what in pattern.gives.items():
            self._give(holes, name, what)
        return [*before, *parts]

    def _real_of(self, pattern: Pattern) -> Piece | None:
        holes = self._bind(pattern, None, 0)
        if holes is None:
            return None
        kids: list[Piece] = []
        text = self._expand(pattern.real, holes, kids, depth=0)
        level = Binding.UNARY if pattern.loose else Binding.POSTFIX
        return Piece(pattern.kind, "real", text, tuple(kids), level=level)

    def _bind(self, pattern: Pattern, before: list[Piece] | None, depth: int) -> _Holes | None:
        """Find what a pattern needs, making rows where statements may (`before`); none where that cannot be."""
        if pattern.needs == "returns" and not self._returns:
            return None
        if self._single and {"simd", HELPERS} & set(pattern.uses):
            return None
        wanted, holes = pattern.holes(), _Holes()
        if "K" in wanted and not self._scope.truths:
            return None
        rows = holes.rows
        for letter in "VTMWAHUXDG":
            if letter not in wanted:
                continue
            found = self._fitting(letter, rows)
            if not found and before is not None and letter in "WAHXDGU":
                self._make(letter, rows, before, depth)
                found = self._fitting(letter, rows)
            if not found:
                return None
            rows[letter] = self._rng.choice(found[-3:] if self._rng.random() < 0.6 else found)
        self._uses |= dict.fromkeys(pattern.uses)
        return holes

    def _fitting(self, letter: str, rows: dict[str, Variable]) -> list[Variable]:
        def good(v: Variable) -> bool:
            match letter:
                case "T":
                    return v.kind == "table"
                case "M":
                    return v.kind == "table" and v.mutable
                case "V":
                    return v.kind == "row"
                case "U":
                    other = rows.get("V") or rows.get("W")
                    return v.kind == "row" and (other is None or v.length == other.length)
                case "W":
                    return v.kind == "row" and v.mutable
                case "X":
                    return v.kind == "row" and v.mutable and v != rows["W"] and v.length == rows["W"].length
                case "A" | "D":
                    fits = letter == "A" or (v != rows["A"] and v.length == rows["A"].length)
                    return v.kind == "row" and v.mutable and v.array and fits
                case _:
                    fits = letter == "H" or (v != rows["H"] and v.length == rows["H"].length)
                    return v.kind == "row" and v.mutable and v.vec and fits

        return self._scope.find(good)

    def _make(self, letter: str, rows: dict[str, Variable], before: list[Piece], depth: int) -> None:
        """Make the row that a letter asks for; where it must be as long as another, of that one's length."""
        other = {"X": "W", "D": "A", "G": "H", "U": "V"}.get(letter)
        style = "array" if letter in "AD" else "vec" if letter in "HG" else self._rng.choice(("array", "vec"))
        pattern = self._by_kind[self._rng.choice(_MAKERS[style])]
        base = rows.get(other) if other else self._scope.row()
        if base is None:
            return
        holes = _Holes(rows={"V": base})
        kids: list[Piece] = []
        text = self._expand(pattern.body, holes, kids, depth)
        before += statements(pattern.kind, text, tuple(kids))
        for name, what in pattern.gives.items():
            self._give(holes, name, what)

    def _give(self, holes: _Holes, name: str, what: str) -> None:
        self._scope.variables.append(self._variable(holes.names[name], what.split(), holes))

    def _variable(self, text: str, words: list[str], holes: _Holes) -> Variable:
        kind, *rest = words
        size, length = ("", 0) if kind == "real" else self._length(rest[0], holes)
        columns, column_count = self._length(rest[1], holes) if kind == "table" else ("", 0)
        return Variable(
            text,
            kind,
            size,
            length,
            columns,
            column_count,
            mutable="mut" in rest,
            array="array" in rest,
            vec="vec" in rest,
            sure="unsure" not in rest,
        )

    def _length(self, word: str, holes: _Holes) -> tuple[str, int]:
        if word.isdigit():
            return word, int(word)
        if word in ("CT", "CM"):
            table = holes.rows[word[1]]
            return table.columns, table.column_count
        return holes.rows[word].size, holes.rows[word].length

    # Holes

    def _expand(self, text: str, holes: _Holes, kids: list[Piece], depth: int) -> str:
        def word(name: str, inside: str, place: str) -> str:
            match name:
                case "E" | "B" | "S" | "I":
                    made = self._filled(name, inside, holes, depth)
                    kids.append(made if made.sure or name != "E" or not place else typed(made))
                    return f"${place if name == 'E' else ''}{len(kids) - 1}"
                case "N":
                    return "n"
                case "K":
                    return self._rng.choice(self._scope.truths)
                case _ if len(name) == 1 and name.isupper():
                    return holes.rows[name].text
                case "CT" | "CM":
                    return holes.rows[name[1]].columns
                case _ if len(name) == 2 and name[0] == "L" and name[1].isupper():
                    return holes.rows[name[1]].size
                case _:
                    while name not in holes.names or holes.names[name] in _TYPES:
                        self._count += 1
                        holes.names[name] = f"{name}{self._count}"
                    return holes.names[name]

        return expand(text, word)

    def _filled(self, name: str, inside: str, holes: _Holes, depth: int) -> Piece:
        scope = self._scope
        if name == "I":
            row = holes.rows[inside]
            return self._expressions.index(row.length, row.size)
        truths = list(scope.truths)
        with scope.inner():
            for entry in filter(None, inside.split(",")):
                self._enter(entry, holes)
            match name:
                case "E":
                    made = self._expressions.real(self._rng.choice((0, 1, 1, 2, 2)))
                case "B":
                    made = self._expressions.truth()
                case _:
                    made = self._inner_block(depth - 1)
        scope.truths = truths
        return made

    def _inner_block(self, depth: int) -> Piece:
        parts: list[Piece] = []
        for _ in range(self._rng.choice((1, 1, 2, 3)) if depth > 0 else 1):
            simple = [p for p in self._statements if "@S" not in p.body] if depth <= 0 else self._statements
            pattern = self._rng.choices(simple, [p.weight for p in simple])[0]
            self._budget -= 1
            parts += self._body_of(pattern, depth)
        return block(tuple(parts))

    def _enter(self, entry: str, holes: _Holes) -> None:
        """One word of what a hole may use besides."""
        scope = self._scope
        name, _, flags = entry.partition("=")
        if entry == "!":
            scope.variables, scope.wholes, scope.truths = [], [], []
        elif entry.startswith("-"):
            scope.excluded.add(holes.rows[entry[1:]].text)
        elif ":" in name:
            word, _, limit = name.partition(":")
            number = _RUN_TIME if limit == "N" else self._length(limit, holes)[1]
            scope.wholes.append(Whole(holes.names.get(word, word), number))
        elif "#" in name:
            word, _, length = name.partition("#")
            scope.variables.append(self._variable(holes.names[word], ["row", length, *flags.split()], holes))
        else:
            scope.variables.append(Variable(holes.names.get(name, name), mutable="mut" in flags))

    # The end

    def _end(self, arguments: tuple[Parameter, ...]) -> list[Piece]:
        """All that was computed flows into the result, or into what is written."""
        names = {argument.name for argument in arguments}
        terms: list[Piece] = []
        for variable in self._scope.variables:
            if variable.text.partition(".")[0] in names and not variable.mutable:
                continue
            terms.append(self._term(variable))
        self._rng.shuffle(terms)
        terms = terms[:5] or [self._expressions.real(2)]
        total = terms[0]
        for term in terms[1:]:
            total = Piece("add", "real", "$a0 + $m1", (total, term), level=Binding.SUM)
        if self._returns:
            return [Piece("result", "stmt", "$0", (total,))]
        written = self._scope.find(lambda v: v.mutable and v.text in names and v.kind != "real")
        target = self._rng.choice(written)
        place = "[0]" if target.kind == "row" else "[0][0]"
        return [Piece("result", "stmt", f"{target.text}{place} += $0;", (total,))]

    def _term(self, variable: Variable) -> Piece:
        text, factor = variable.text, self._rng.choice(("0.5", "1.5", "0.25"))
        if variable.kind == "real":
            return Piece("", "real", f"{text} * %L{{{factor}}}", level=Binding.PRODUCT)
        if variable.kind == "row":
            if self._rng.random() < 0.4:
                index = self._rng.randrange(variable.length)
                return Piece("", "real", f"{text}[{index}] * %L{{{factor}}}", level=Binding.PRODUCT)
            return Piece("", "real", f"{text}.iter().map(|v| v * v).sum::<%R>()")
        return Piece("", "real", f"{text}.iter().map(|r| r.iter().sum::<%R>() * r[0]).sum::<%R>()")


def generate(seed: int, *, wide: bool = False) -> GeneratedFunction:
    """The function of a seed; `wide` takes the constructs of all files (another function)."""
    return Generator(seed, wide=wide).make()
