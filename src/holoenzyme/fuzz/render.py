"""Generated functions as Rust text: plain, with the attributes that differentiate it, and over dual numbers."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from importlib import resources

from holoenzyme.fuzz.model import Binding, GeneratedFunction, Parameter, Passing, Piece, Shape

#: The crate with the functions that are called across crates.
HELPERS = "helpers"
_PLACE = re.compile(r"\$([puma]?)(\d+)")
#: Variables made of literals alone (methods of a number without a type do not compile), numbers, numbers of whole
#: numbers, whole numbers of numbers, numbers as f32, and numbers of an f32: plain and dual.
_MARKERS = (
    (re.compile(r"\b(let (?:mut )?\w+) = ((?:[-+*/() ]|%L\{[^{}]*\})+);"), r"\1: %R = \2;", r"\1: %R = \2;"),
    (re.compile(r"%L\{([^{}]*)\}"), r"\1", r"%c(\1)"),
    (re.compile(r"%I\{([^{}]*)\}"), r"((\1) as %R)", r"%R::of(\1)"),
    (re.compile(r"%W\{([^{}]*)\}"), r"((\1) as usize)", r"(\1).whole()"),
    (re.compile(r"%F\{([^{}]*)\}"), r"(\1 as f32)", r"narrow(\1)"),
    (re.compile(r"%G\{([^{}]*)\}"), r"(\1 as %R)", r"%R::of_single(\1)"),
)
_ALLOWED = {"": Binding.LOOSE, "p": Binding.POSTFIX, "u": Binding.UNARY, "m": Binding.PRODUCT, "a": Binding.SUM}
#: What generated code is full of, on purpose.
ALLOW = "#![allow(warnings)]"
LANES = 4
_COMPOUND = re.compile(r"^( *)([^={}|;\n]*[\w\])]) ([-+*/])= (.*);$", re.MULTILINE)


def rust(name: str) -> str:
    """A file of Rust text that comes with this package."""
    return resources.files("holoenzyme.fuzz").joinpath("rust", name).read_text(encoding="utf-8")


def text_of(node: Piece, *, dual: bool = False) -> str:
    """The text of a piece, markers of types and sizes still in it."""

    def part(match: re.Match[str]) -> str:
        kid = node.kids[int(match[2])]
        text = text_of(kid, dual=dual)
        return text if kid.level <= _ALLOWED[match[1]] else f"({text})"

    return _PLACE.sub(part, node.dual if dual and node.dual is not None else node.text)


def fill(text: str, program: GeneratedFunction, *, dual: bool = False) -> str:
    """Types and sizes for their markers."""
    bits = "32" if program.single else "64"
    names = {"%R": f"D{bits}" if dual else f"f{bits}", "%S": "D32" if dual else "f32", "%c": f"c{bits}"}
    names |= {f"%{name}": str(value) for name, value in program.sizes}
    for marker, plain, over_dual in _MARKERS:
        text = marker.sub(over_dual if dual else plain, text)
    return re.sub(r"%[A-Za-z]\b", lambda match: names.get(match[0], match[0]), text)


def type_of(argument: Parameter) -> str:
    """The type of an argument, markers still in it."""
    if argument.shape is None:
        return argument.type
    kind = argument.shape.name or "%R"
    for depth, size in reversed(list(enumerate(argument.shape.sizes))):
        kind = f"[{kind}]" if argument.slice and depth == 0 else f"[{kind}; %{size}]"
    match argument.passing:
        case Passing.VALUE:
            return kind
        case Passing.SHARED:
            return f"&{kind}"
        case Passing.MUTABLE:
            return f"&mut {kind}"


def function(program: GeneratedFunction, *, dual: bool = False) -> str:
    """The items and the function itself."""
    items = [text_of(item, dual=dual) for item in program.items]
    arguments = ", ".join(f"{a.name}: {type_of(a)}" for a in program.arguments)
    result = " -> %R" if program.returns else ""
    attribute = "" if dual or not program.attribute else f"{program.attribute}\n"
    attributes = "" if dual else "".join(f"{line}\n" for line in _attributes(program))
    body = text_of(program.body, dual=dual)
    head = f"{attributes}{attribute}pub fn f({arguments}){result} {{"
    text = "\n".join([*items, f"{head}\n{_indented(body)}\n}}"])
    # Of numbers that are no machine's own, Rust borrows the place before the value that is added to it.
    return fill(_COMPOUND.sub(r"\1{ let rhs = \4; \2 \3= rhs; }", text) if dual else text, program, dual=dual)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else line for line in text.splitlines())


def _attributes(program: GeneratedFunction) -> Iterator[str]:
    for mode in program.possible_modes():
        forward = mode.startswith("forward")
        words = [f"d_{mode}", *(["4"] if mode.endswith("4") else [])]
        for argument in program.arguments:
            if argument.shape is None or not argument.active:
                words.append("Const")
            elif forward:
                words.append("Dual")
            else:
                words.append("Active" if argument.passing is Passing.VALUE else "Duplicated")
        if program.returns:
            words.append("Dual" if forward else "Active")
        yield f"#[autodiff_{'forward' if forward else 'reverse'}({', '.join(words)})]"


def directions(program: GeneratedFunction, point: int, lane: int) -> tuple[float, ...]:
    """A direction in the space of inputs; also what the shadows of what is written hold before a gradient."""
    chosen = random.Random(f"{program.seed} {point} {lane}")
    return tuple(chosen.randint(-8, 8) / 4 for _ in range(program.input_count))


def preset(program: GeneratedFunction, point: int, lane: int) -> tuple[float, ...]:
    """The shadows of inputs before a gradient is added to them, and the weights of outputs."""
    inputs = directions(program, point, lane + LANES + 1)
    result: list[float] = []
    rest = iter(inputs)
    sizes = program.size_map()
    for argument in _active(program):
        assert argument.shape is not None
        part = [next(rest) for _ in range(argument.shape.count(sizes))]
        keep = argument.passing is Passing.MUTABLE or (argument.passing is Passing.SHARED and point % 2 == 1)
        result += part if keep else [0.0] * len(part)
    return tuple(result)


def _active(program: GeneratedFunction) -> list[Parameter]:
    return [a for a in program.arguments if a.shape is not None and a.active]


def _value(shape: Shape, sizes: dict[str, int], words: Iterator[str]) -> str:
    """An expression of this shape, of words for its floats."""
    if shape.fields:
        fields = ", ".join(f"{name}: {_value(inner, sizes, words)}" for name, inner in shape.fields)
        return f"{shape.name} {{ {fields} }}"
    if not shape.sizes:
        return next(words)
    inner = Shape(sizes=shape.sizes[1:])
    return f"[{', '.join(_value(inner, sizes, words) for _ in range(sizes[shape.sizes[0]]))}]"


def _flat(shape: Shape, sizes: dict[str, int], name: str) -> list[str]:
    """The expressions of the floats of a variable of this shape."""
    if shape.fields:
        return [word for field, inner in shape.fields for word in _flat(inner, sizes, f"{name}.{field}")]
    if not shape.sizes:
        return [name]
    inner = Shape(sizes=shape.sizes[1:])
    return [word for i in range(sizes[shape.sizes[0]]) for word in _flat(inner, sizes, f"{name}[{i}]")]


def _number(value: float) -> str:
    return repr(float(value))


def _declared(program: GeneratedFunction, values: Sequence[float], suffix: str, *, opaque: bool = True) -> list[str]:
    """A `let` for each differentiated argument, named with a suffix; `values` are the floats of all, in order."""
    words = iter([_number(value) for value in values])
    sizes, lines = program.size_map(), []
    bits = "f32" if program.single else "f64"
    for argument in _active(program):
        assert argument.shape is not None
        kind = f": {bits}" if not argument.shape.sizes and not argument.shape.fields else ""
        text = _value(argument.shape, sizes, words)
        if argument.shape.sizes:
            kind = f": {_array(argument.shape, sizes, bits)}"
        lines.append(f"let mut {argument.name}{suffix}{kind} = {f'black_box({text})' if opaque else text};")
    return lines


def _array(shape: Shape, sizes: dict[str, int], bits: str) -> str:
    kind = bits
    for size in reversed(shape.sizes):
        kind = f"[{kind}; {sizes[size]}]"
    return kind


def inputs(program: GeneratedFunction, point: int) -> list[str]:
    """A `let` for each argument at a point."""
    lines, sizes = [], program.size_map()
    bits = "f32" if program.single else "f64"
    for argument, values in zip(program.arguments, program.points[point], strict=True):
        if argument.shape is None:
            value = str(bool(values[0])).lower() if argument.type == "bool" else str(int(values[0]))
            lines.append(f"let {argument.name}: {argument.type} = black_box({value});")
            continue
        text = _value(argument.shape, sizes, iter([_number(value) for value in values]))
        kind = argument.shape.name or _array(argument.shape, sizes, bits)
        lines.append(f"let mut {argument.name}: {kind} = black_box({text});")
    return lines


def _passed(argument: Parameter, suffix: str = "") -> str:
    return f"{'' if argument.passing is Passing.VALUE else f'{argument.passing.value} '}{argument.name}{suffix}"


def listed(words: Sequence[str]) -> str:
    """A slice of these expressions, as f64."""
    return "&[" + ", ".join(f"{word} as f64" for word in words) + "]"


def _written(program: GeneratedFunction, suffix: str = "") -> list[str]:
    """The floats of all that is written."""
    sizes = program.size_map()
    return [
        word
        for argument in _active(program)
        if argument.shape is not None and argument.passing is Passing.MUTABLE
        for word in _flat(argument.shape, sizes, f"{argument.name}{suffix}")
    ]


def call(program: GeneratedFunction, mode: str, point: int, seed: float) -> tuple[list[str], list[str]]:
    """The lines that call what a mode made, and the expressions of all that it gives."""
    if mode == "primal":
        arguments = ", ".join(_passed(a) for a in program.arguments)
        result = ["result"] if program.returns else []
        return [f"let result = f({arguments});"], [*result, *_written(program)]
    lanes = range(LANES) if mode.endswith("4") else range(1)
    forward = mode.startswith("forward")
    lines: list[str] = []
    for lane in lanes:
        values = directions(program, point, lane) if forward else preset(program, point, lane)
        lines += _declared(program, values, f"_{lane}")
    words: list[str] = []
    for argument in program.arguments:
        words.append(_passed(argument))
        if argument.shape is None or not argument.active:
            continue
        if forward or argument.passing is not Passing.VALUE:
            mutable = not forward or argument.passing is Passing.MUTABLE
            sign = "" if argument.passing is Passing.VALUE else "&mut " if mutable else "&"
            words += [f"{sign}{argument.name}_{lane}" for lane in lanes]
    if not forward and program.returns:
        words.append(_number(seed))
    lines.append(f"let result = d_{mode}({', '.join(words)});")
    return lines, _forward_given(program, lanes) if forward else _reverse_given(program, lanes)


def _forward_given(program: GeneratedFunction, lanes: range) -> list[str]:
    several = len(lanes) > 1
    value = [("result[0]" if several else "result.0")] if program.returns else []
    given = [*value, *_written(program)]
    for lane in lanes:
        tangent = [f"result[{lane + 1}]" if several else "result.1"] if program.returns else []
        given += [*tangent, *_written(program, f"_{lane}")]
    return given


def _reverse_given(program: GeneratedFunction, lanes: range) -> list[str]:
    sizes = program.size_map()
    scalars = [a for a in _active(program) if a.passing is Passing.VALUE]
    parts = (1 if program.returns else 0) + len(scalars)
    names = ["result"] if parts == 1 else [f"result.{i}" for i in range(parts)]
    given = [*([names.pop(0)] if program.returns else []), *_written(program)]
    returned = dict(zip([a.name for a in scalars], names, strict=True))
    for lane in lanes:
        for argument in _active(program):
            assert argument.shape is not None
            if argument.name in returned:
                given.append(returned[argument.name])
            else:
                given += _flat(argument.shape, sizes, f"{argument.name}_{lane}")
    return given


def _checks(program: GeneratedFunction, name: str, seed: float) -> Iterator[str]:
    for point in range(len(program.points)):
        yield "{"
        yield from inputs(program, point)
        for mode in ("primal", *program.possible_modes()):
            label = f"{name} {mode} {point}"
            lines, given = call(program, mode, point, seed)
            yield f'begin("{label}");'
            yield "{"
            yield from (f"let mut {a.name} = {a.name};" for a in program.arguments if a.passing is Passing.MUTABLE)
            yield from lines
            yield f'out("{label}", {listed(given)});'
            yield "}"
        yield "}"


def module(name: str) -> str:
    """The Rust module of a function with this name; compilers mention it in the names of symbols, between numbers."""
    return f"case_{name}_"


def uses(program: GeneratedFunction, *, dual: bool) -> Iterator[str]:
    """The `use` lines that a function needs."""
    for use in program.uses:
        if use == "simd":
            yield "use super::arch::*;" if dual else "use std::arch::x86_64::*;"
        elif use == HELPERS:
            yield "use super::helpers;" if dual else "use helpers;"
        else:
            yield f"use {use};"


def opened(name: str, program: GeneratedFunction) -> Iterator[str]:
    """The beginning of a module with a function and its derivatives."""
    yield f"mod {module(name)} {{"
    yield "use std::autodiff::{autodiff_forward, autodiff_reverse};"
    yield "use std::hint::black_box;"
    yield from uses(program, dual=False)
    yield function(program)


def subject(programs: Sequence[tuple[str, GeneratedFunction]], seed: float = 1.0) -> str:
    """The program that differentiates functions, each by its name, and prints what comes out."""
    parts = ["#![feature(autodiff)]", ALLOW]
    for name, program in programs:
        parts += [
            *opened(name, program),
            "use super::harness::{begin, out};",
            "pub fn check() {",
            *_checks(program, name, seed),
            "}",
            "}",
        ]
    calls = [f'harness::isolated("{name}", {module(name)}::check);' for name, _ in programs]
    return "\n".join([*parts, "mod harness {", rust("harness.rs").replace("//!", "//"), "}", *_main(calls)])


def _main(calls: Sequence[str]) -> list[str]:
    return ["fn main() {", *(f"    {line}" for line in calls), "}", ""]


def helpers(*, dual: bool = False) -> str:
    """The crate that functions call."""
    text = rust("helpers.rs")
    for marker, plain, over_dual in _MARKERS:
        text = marker.sub(over_dual if dual else plain, text)
    return text.replace("%R", "D64" if dual else "f64").replace("%c", "c64")


def oracle(programs: Sequence[tuple[str, GeneratedFunction]]) -> str:
    """The program that runs the same functions over dual numbers."""
    parts, calls = [ALLOW, "use dual::*;"], []
    for name, program in programs:
        parts += [f"mod {module(name)} {{", "use super::dual::*;", *uses(program, dual=True)]
        parts.append(function(program, dual=True))
        for point in range(len(program.points)):
            parts += [f"pub fn point_{point}() -> Vec<D64> {{", *_dual_point(program, point), "}"]
            calls.append(f'report("{name} {point}", {program.input_count}, {module(name)}::point_{point});')
        parts.append("}")
    own = rust("dual.rs").replace("//!", "//")
    calls.insert(0, "std::panic::set_hook(Box::new(|_| ()));")
    return "\n".join(
        [*parts, "mod helpers {", "use super::dual::*;", helpers(dual=True), "}", "mod dual {", own, "}", *_main(calls)]
    )


def _dual_point(program: GeneratedFunction, point: int) -> Iterator[str]:
    sizes, number = program.size_map(), 0
    bits = "32" if program.single else "64"
    for argument, values in zip(program.arguments, program.points[point], strict=True):
        if argument.shape is None:
            whole = str(bool(values[0])).lower() if argument.type == "bool" else str(int(values[0]))
            yield f"let {argument.name}: {argument.type} = {whole};"
            continue
        words = []
        for value in values:
            words.append(f"v{bits}({_number(value)}, {number})" if argument.active else f"c{bits}({_number(value)})")
            number += argument.active
        yield f"let mut {argument.name} = {_value(argument.shape, sizes, iter(words))};"
    lines, given = call(program, "primal", point, 1.0)
    yield from lines
    yield "vec![" + ", ".join(f"{word}.out()" for word in given) + "]"


def standalone(
    program: GeneratedFunction, header: Sequence[str], wanted: Sequence[tuple[str, int, Sequence[float]]]
) -> str:
    """A program of its own that shows what a function gives; `wanted` has modes, points and the right numbers."""
    lines = [*(f"// {line}" for line in header), "#![feature(autodiff)]", "#![allow(warnings)]"]
    modes = [mode for mode in ("forward", "reverse") if any(mode in word for word in program.possible_modes())]
    lines.append(f"use std::autodiff::{{{', '.join(f'autodiff_{mode}' for mode in modes)}}};")
    lines += ["use std::hint::black_box;", *(line.replace("super::", "") for line in uses(program, dual=False))]
    lines += [function(program), "fn main() {"]
    for mode, point, numbers in wanted:
        called, given = call(program, mode, point, 1.0)
        inside = [*inputs(program, point), *called, f"let got: &[f64] = {listed(given)};"]
        shown = ", ".join(f"{number!r}" for number in numbers).replace("nan", "NaN")
        inside.append(f'println!("{mode}: {{got:?}}, want [{shown}]");')
        lines += ["    {", *(f"        {line}" for line in inside), "    }"]
    return "\n".join([*lines, "}", ""])
