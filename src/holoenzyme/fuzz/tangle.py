"""A function from a seed whose loops, branches and exits are tangled: few variables, all of them changed anywhere.

`generate` makes what people write; here it is the way through the program that is made at random, because what Enzyme
keeps for the way back, and where it reads it again, depends on that alone. The state is declared first (numbers, whole
numbers, options, arrays, vectors, a slice), statements in loops and branches up to four deep change it, and all of it
flows into the result.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from holoenzyme.fuzz.model import Binding, GeneratedFunction, Parameter, Passing, Piece, Point, Shape
from holoenzyme.fuzz.patterns import block

_LITERALS = ("0.5", "0.25", "1.5", "-0.75", "0.3", "1.25", "2.0")
#: Whole numbers stay below it, so that loops end soon.
_WHOLE = 5
_DEPTH = 4
_POINTS = 3
_ROW = 4
#: More elements than this and a vector grows no further.
_LONGEST = 9

Maker = Callable[[int], Piece | None]


def _stmt(kind: str, text: str, *kids: Piece, binds: str = "") -> Piece:
    return Piece(kind, "stmt", text, kids, binds=binds)


def _int(text: str, *kids: Piece, level: Binding = Binding.POSTFIX) -> Piece:
    return Piece("", "int", text, kids, level=level)


class Tangle:
    """Makes one function."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"tangle {seed}")
        self._seed = seed
        self._count = 0
        self._size = self._rng.choice((3, 4, 5))
        pick = self._rng.random
        self._writes = pick() < 0.4
        self._reals = ["s", "t", "u"][: self._rng.choice((1, 2, 3))]
        self._wholes = ["i", "j"][: self._rng.choice((1, 1, 2))]
        self._arrays = ["a", "b"][: self._rng.choice((0, 1, 1, 2))]
        self._vecs = ["v", "w"][: self._rng.choice((0, 0, 1, 2))]
        #: Vectors that may be empty are read with `get`.
        self._empties = pick() < 0.5
        self._slice = pick() < 0.4
        self._flag = pick() < 0.3
        self._index = pick() < 0.4
        self._perhaps = pick() < 0.4
        self._best = pick() < 0.3
        self._loops: list[str] = []
        #: Of the loops around, their labels; none for one without.
        self._labels: list[str] = []
        self._budget = self._rng.choice((6, 9, 12, 16))

    def make(self) -> GeneratedFunction:
        """The function."""
        arguments = [Parameter("p", Shape(("N",)), Passing.SHARED, slice=self._rng.random() < 0.7)]
        if self._writes:
            arguments.append(Parameter("x", Shape(("N",)), Passing.MUTABLE, slice=self._rng.random() < 0.5))
        arguments += [Parameter("c", Shape(), active=self._rng.random() < 0.5), Parameter("n", None)]
        state = list(self._state())
        while self._budget > 0:
            state += self._statement(_DEPTH)
        return GeneratedFunction(
            seed=self._seed,
            single=False,
            sizes=(("N", self._size),),
            items=(),
            arguments=tuple(arguments),
            returns=True,
            body=block((*state, self._end())),
            points=tuple(self._point(arguments) for _ in range(_POINTS)),
        )

    def _point(self, arguments: list[Parameter]) -> Point:
        sizes = {"N": self._size}

        def values(argument: Parameter) -> tuple[float, ...]:
            if argument.shape is None:
                return (float(self._rng.randrange(1, _WHOLE)),)
            return tuple(self._rng.randint(-40, 48) / 32 or 0.5 for _ in range(argument.shape.count(sizes)))

        return tuple(values(argument) for argument in arguments)

    # The state

    def _state(self) -> Iterator[Piece]:
        literal = self._literal
        for name in self._reals:
            yield _stmt("", f"let mut {name}: %R = $0;", self._rng.choice((literal(), self._input())))
        for name in self._wholes:
            yield _stmt("", f"let mut {name}: usize = {self._rng.choice(('0', '1', 'n'))};")
        for name in self._arrays:
            yield _stmt("", f"let mut {name}: [%R; {_ROW}] = [$0, $1, $2, $3];", *(literal() for _ in range(_ROW)))
        for name in self._vecs:
            made = self._rng.choice(("vec![$0]", "vec![$0; n]", "p.to_vec()", "vec![$0, $1]"))
            yield _stmt("", f"let mut {name}: Vec<%R> = {made};", literal(), literal())
        if self._slice:
            yield _stmt("", "let mut r: &[%R] = &p[..];")
        if self._flag:
            yield _stmt("", "let mut flag = false;")
        if self._index:
            yield _stmt("", "let mut o: Option<usize> = None;")
        if self._perhaps:
            yield _stmt("", "let mut q: Option<%R> = None;")
        if self._best:
            yield _stmt("", "let mut best: Option<(usize, %R)> = None;")

    def _end(self) -> Piece:
        terms = [f"{name} * %L{{{0.5 + index}}}" for index, name in enumerate(self._reals)]
        terms += [f"%I{{{name}}} * %L{{0.125}}" for name in self._wholes]
        for name in [*self._arrays, *self._vecs, *(["x"] if self._writes else []), *(["r"] if self._slice else [])]:
            terms.append(f"{name}.iter().enumerate().map(|(h, e)| *e * %I{{h + 1}}).sum::<%R>()")
        if self._perhaps:
            terms.append("q.unwrap_or(%L{0.75})")
        if self._best:
            terms.append("best.map_or(%L{0.25}, |(h, e)| e * %I{h})")
        if self._index:
            terms.append("o.map_or(%L{0.5}, |h| p[h % %N])")
        return _stmt("result", " + ".join(terms))

    # Expressions

    def _input(self) -> Piece:
        return Piece("", "real", f"p[{self._rng.randrange(self._size)}]")

    def _literal(self) -> Piece:
        text = self._rng.choice(_LITERALS)
        level = Binding.UNARY if text.startswith("-") else Binding.POSTFIX
        return Piece("literal", "real", f"%L{{{text}}}", level=level)

    def _whole(self) -> Piece:
        names = [*self._wholes, *self._loops, *self._loops]
        if self._vecs and self._rng.random() < 0.15:
            return _int(f"{self._rng.choice(self._vecs)}.len()")
        if self._rng.random() < 0.25:
            return _int(self._rng.choice(("0", "1", "2", "n")))
        name = self._rng.choice(names)
        if self._rng.random() < 0.3:
            return _int(f"({name} + {self._rng.choice(('1', '2', *names))})")
        return _int(name)

    def _element(self) -> Piece:
        at = self._whole()
        rows = [("p", "%N"), ("p", "%N")]
        rows += [("x", "%N")] * self._writes * 2
        rows += [(name, str(_ROW)) for name in self._arrays * 2]
        if self._slice:
            rows += [("r", "r.len()")] * 2
        if not self._empties:
            rows += [(name, f"{name}.len()") for name in self._vecs * 2]
        elif self._vecs and self._rng.random() < 0.4:
            name = self._rng.choice(self._vecs)
            if self._rng.random() < 0.5:
                return Piece("get", "real", f"{name}.get($0).copied().unwrap_or(%L{{0.5}})", (at,))
            return Piece("last", "real", f"{name}.last().copied().unwrap_or(%L{{0.25}})")
        name, length = self._rng.choice(rows)
        return Piece("", "real", f"{name}[$0 % {length}]", (at,))

    def _real(self, depth: int = 2) -> Piece:
        chance = self._rng.random()
        if depth <= 0 or chance < 0.3:
            if chance < 0.08:
                return self._literal()
            if chance < 0.12 and self._perhaps:
                return Piece("", "real", "q.unwrap_or(%L{0.5})")
            if chance < 0.15:
                return Piece("", "real", "%I{$0}", (self._whole(),))
            if chance < 0.18:
                return Piece("", "real", "c")
            if self._rng.random() < 0.5:
                return Piece("", "real", self._rng.choice(self._reals))
            return self._element()
        if chance < 0.8:
            text, level = self._rng.choice(
                (
                    ("$a0 + $m1", Binding.SUM),
                    ("$a0 - $m1", Binding.SUM),
                    ("$m0 * $u1", Binding.PRODUCT),
                    ("$m0 * $u1", Binding.PRODUCT),
                    ("$m0 / ($p1.powi(2) + %L{1.0})", Binding.PRODUCT),
                )
            )
            right = self._typed(depth - 1) if "powi" in text else self._real(depth - 1)
            return Piece("", "real", text, (self._real(depth - 1), right), level=level)
        if chance < 0.95:
            text = self._rng.choice(("$p0.sin()", "$p0.cos()", "$p0.tanh()", "$p0.powi(2).sqrt()", "$p0.abs()"))
            return Piece("", "real", text, (self._typed(depth - 1),))
        kids = (self._truth(), self._real(depth - 1), self._real(depth - 1))
        return Piece("if-expression", "real", "if $0 { $1 } else { $2 }", kids, level=Binding.LOOSE)

    def _typed(self, depth: int) -> Piece:
        made = self._real(depth)
        return Piece("", "real", "$u0 as %R", (made,), dual="$u0", level=Binding.UNARY)

    def _truth(self) -> Piece:
        chance = self._rng.random()
        if chance < 0.15:
            return Piece("", "bool", "($0) % 2 == 0", (self._whole(),), level=Binding.LOOSE)
        if chance < 0.3:
            return Piece("", "bool", f"($0) > {self._rng.choice('012')}", (self._whole(),), level=Binding.LOOSE)
        if chance < 0.38 and self._flag:
            return Piece("", "bool", self._rng.choice(("flag", "!flag")), level=Binding.UNARY)
        if chance < 0.46 and self._index:
            text = self._rng.choice(("o.is_some()", "o.is_none()", "o == Some($0)"))
            kids = (self._whole(),) if "$" in text else ()
            return Piece("", "bool", text, kids, level=Binding.LOOSE)
        if chance < 0.52 and self._perhaps:
            return Piece("", "bool", "q.is_some_and(|e| e > $a0)", (self._real(0),))
        if chance < 0.6:
            text = self._rng.choice(("($0) && ($1)", "($0) || ($1)"))
            return Piece("", "bool", text, (self._truth(), self._truth()), level=Binding.LOOSE)
        sign = self._rng.choice("<>")
        return Piece("", "bool", f"($0) {sign} ($1)", (self._real(1), self._typed(0)), level=Binding.LOOSE)

    # Statements

    def _new(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"

    @contextmanager
    def _inside(self, *wholes: str) -> Iterator[None]:
        """Where these are whole numbers, too."""
        before = list(self._loops)
        self._loops += wholes
        try:
            yield
        finally:
            self._loops = before

    def _block(self, depth: int, *wholes: str) -> Piece:
        parts: list[Piece] = []
        with self._inside(*wholes):
            reals = list(self._reals)
            for _ in range(self._rng.choice((1, 2, 2, 3))):
                parts += self._statement(depth)
            self._reals = reals
        return block(tuple(parts))

    def _statement(self, depth: int) -> list[Piece]:
        self._budget -= 1
        simple: list[tuple[int, Maker]] = [(6, self._number), (2, self._count_on), (2, self._local)]
        if self._arrays or self._writes:
            simple.append((4, self._store))
        if self._vecs:
            simple.append((5, self._vector))
        simple += [(2, maker) for maker, there in self._optional() if there]
        nested: list[tuple[int, Maker]] = []
        if depth > 0:
            nested = [(5, self._for), (3, self._while), (6, self._if)]
            if self._index or self._best or self._vecs:
                nested.append((2, self._match))
        if self._labels:
            nested.append((2, self._exit))
        weights, makers = zip(*(simple + nested), strict=True)
        made = self._rng.choices(makers, weights)[0](depth)
        return [] if made is None else [made]

    def _optional(self) -> list[tuple[Maker, bool]]:
        return [
            (self._set_slice, self._slice),
            (self._set_flag, self._flag),
            (self._set_index, self._index),
            (self._set_perhaps, self._perhaps),
            (self._set_best, self._best),
        ]

    def _number(self, _: int) -> Piece:
        name = self._rng.choice(self._reals)
        text = self._rng.choice(
            ("{} = $0;", "{} += $0;", "{} -= $0;", "{} = %L{{0.5}} * {} + $m0;", "{} *= $p0.cos();")
        )
        made = self._typed(1) if "cos" in text else self._real()
        return _stmt("number", text.format(name, name), made)

    def _count_on(self, _: int) -> Piece:
        name = self._rng.choice(self._wholes)
        return _stmt("whole", f"{name} = ($0) % {_WHOLE};", self._whole())

    def _local(self, _: int) -> Piece:
        name = self._new("l")
        made = self._real()
        self._reals = [*self._reals, name]
        return _stmt("local", f"let mut {name}: %R = $0;", made)

    def _store(self, _: int) -> Piece:
        name = self._rng.choice([*self._arrays, *(["x"] if self._writes else [])])
        length = "%N" if name == "x" else str(_ROW)
        sign = self._rng.choice(("=", "+=", "="))
        return _stmt("store", f"{name}[$0 % {length}] {sign} $1;", self._whole(), self._real())

    def _vector(self, _: int) -> Piece:
        name, rng = self._rng.choice(self._vecs), self._rng
        texts = [
            f"if {name}.len() < {_LONGEST} {{ {name}.push($0); }}",
            f"if {name}.len() < {_LONGEST} {{ {name}.push($0); }}",
            f"{name} = vec![$0; $1 % 3 + 1];",
            f"{name} = p.iter().map(|e| *e * $u0).collect();",
            f"{name}.truncate($1 % 4 + 1);",
            f"if !{name}.is_empty() {{ let h = $1 % {name}.len(); {name}[h] = $0; }}",
        ]
        if self._empties:
            texts += [f"{name}.clear();", f"{name}.pop();", f"if let Some(e) = {name}.pop() {{ s += e * $p0; }}"]
        if len(self._vecs) > 1:
            texts += ["std::mem::swap(&mut v, &mut w);", "v = w.clone();", "w.clone_from(&v);"]
        return _stmt("vector", rng.choice(texts), self._real(1), self._whole())

    def _set_slice(self, _: int) -> Piece:
        text = self._rng.choice(("r = &p[..];", "r = &p[$0 % %N..];", "r = if $1 { &p[..2] } else { &p[1..] };"))
        return _stmt("slice", text, self._whole(), self._truth())

    def _set_flag(self, _: int) -> Piece:
        return _stmt("flag", "flag = $0;", self._truth())

    def _set_index(self, _: int) -> Piece:
        if self._rng.random() < 0.2:
            return _stmt("index", "o = None;")
        return _stmt("index", "o = Some($0);", self._whole())

    def _set_perhaps(self, _: int) -> Piece:
        text = self._rng.choice(("q = Some($0);", "q = if $1 { Some($0) } else { None };", "q = q.map(|e| e * $u0);"))
        return _stmt("perhaps", text, self._real(1), self._truth())

    def _set_best(self, _: int) -> Piece:
        name = self._new("e")
        text = f"{{ let {name} = $0; if best.is_none_or(|(_, e)| {name} < e) {{ best = Some(($1, {name})); }} }}"
        return _stmt("best", text, self._real(), self._whole())

    def _for(self, depth: int) -> Piece:
        name, label = self._new("k"), self._label()
        if self._rng.random() < 0.2:
            row = self._rng.choice(["p", *(["r"] if self._slice else [])])
            element = self._new("e")
            self._reals, reals = [*self._reals, element], self._reals
            inner = self._labelled(label, depth, name)
            self._reals = reals
            text = f"{label}for ({name}, mut {element}) in {row}.iter().copied().enumerate() {{\n$0\n}}"
            return _stmt("for-each", text, inner)
        bounds = ["$0 % 4", "$0 % 3 + 1", "n", "2", "3", "%N"]
        bounds += [f"{inner} + 1" for inner in self._loops if inner.startswith("k")]
        bound = self._rng.choice(bounds)
        span = self._rng.choice(("0..{}", "0..{}", "(0..{}).rev()", "1..{} + 1")).format(bound)
        kids = (self._whole(),) if "$" in bound else ()
        inner = self._labelled(label, depth, name)
        return _stmt("for", f"{label}for {name} in {span} {{\n${len(kids)}\n}}", *kids, inner, binds=name)

    def _while(self, depth: int) -> Piece:
        fuel, label = self._new("g"), self._label()
        head = self._rng.choice(("while $0 && FUEL < 4", "while FUEL < 3", "loop"))
        first = {"loop": "if FUEL > 2 || $0 {\nbreak;\n}\n"}.get(head, "")
        inner = self._labelled(label, depth, fuel)
        text = f"let mut FUEL = 0;\n{label}{head} {{\n{first}FUEL += 1;\n$1\n}}".replace("FUEL", fuel)
        return _stmt("while", text, Piece("", "bool", "($0)", (self._truth(),)), inner)

    def _label(self) -> str:
        return f"'{self._new('z')}: " if self._rng.random() < 0.3 else ""

    def _labelled(self, label: str, depth: int, name: str) -> Piece:
        """The body of a loop."""
        self._labels.append(label.rstrip(": "))
        made = self._block(depth - 1, name)
        self._labels.pop()
        return made

    def _exit(self, _: int) -> Piece:
        # The innermost loop needs no label.
        label = self._rng.choice(["", *filter(None, self._labels)])
        word = self._rng.choice(("break", "continue"))
        text = f"if $0 {{\n{word} {label};\n}}"
        return _stmt(word, text, self._truth())

    def _if(self, depth: int) -> Piece:
        chance = self._rng.random()
        first = (self._truth(), self._block(depth - 1))
        if chance < 0.35:
            return _stmt("if", "if $0 {\n$1\n}", *first)
        if chance < 0.8:
            return _stmt("if-else", "if $0 {\n$1\n} else {\n$2\n}", *first, self._block(depth - 1))
        rest = (self._truth(), self._block(depth - 1), self._block(depth - 1))
        return _stmt("else-if", "if $0 {\n$1\n} else if $2 {\n$3\n} else {\n$4\n}", *first, *rest)

    def _match(self, depth: int) -> Piece:
        name = self._new("h")
        found: list[tuple[str, str, bool]] = []
        if self._index:
            found.append(("o", name, True))
        if self._best:
            found.append(("best", f"({name}, _)", True))
        found += [(f"{vector}.last().copied()", name, False) for vector in self._vecs]
        text, bound, whole = self._rng.choice(found)
        reals = self._reals
        if not whole:
            self._reals = [*self._reals, name]
        inner = [self._block(depth - 1, *([name] if whole else [])) for _ in range(2)]
        with self._inside(*([name] if whole else [])):
            guard = self._truth()
        self._reals = reals
        other = self._block(depth - 1)
        bound = bound if whole else f"mut {name}"
        arms = f"Some({bound}) if $0 => {{\n$1\n}}\nSome({bound}) => {{\n$2\n}}\n_ => {{\n$3\n}}"
        return _stmt("match", f"match {text} {{\n{arms}\n}}", guard, *inner, other)


def tangle(seed: int) -> GeneratedFunction:
    """The tangled function of a seed."""
    return Tangle(seed).make()
