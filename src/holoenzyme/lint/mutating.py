"""Mutations of a module: a list of them, and the module with one. mutmut's operators, and some of the house.

Text goes in, text comes out. A change is known by the text that it replaces, so a list of changes is readable and does
not go out of date when lines move.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, cast

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

from holoenzyme.errors import HoloenzymeError, UserError

#: A kind of node, and the nodes that may stand in its place.
Operator = tuple[type, Callable[[Any], Iterable[cst.CSTNode]]]

_ERRORS = tuple(sorted(error.__name__ for error in HoloenzymeError.__subclasses__()))
#: Slips of units are larger than the one more that mutmut makes of a number.
_FACTOR = 100


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """What stands there, what comes in its place, and the text of the whole module then.

    `was` and `becomes` are the lines that differ, with single spaces for line ends and indentation; `within` is the
    function or class around the first of them, as `Class.method`, and empty at the module's top.
    """

    was: str
    becomes: str
    within: str
    text: str


def changes(text: str, was: str | None = None) -> Iterator[Mutation]:
    """Every change of a module, each once, or those that replace the text `was`."""
    wrapper = MetadataWrapper(cst.parse_module(text))
    operators = [*mutation_operators, *_operators(text)]
    lines, scopes = text.splitlines(), _scopes(text)
    seen = {text}
    for node, place in wrapper.resolve(PositionProvider).items():
        # Most of the time goes into what is not asked for: a change lies within its node.
        if was is not None and not _could_be(was, lines[place.start.line - 1 : place.end.line]):
            continue
        for mutated in _mutated(node, operators):
            changed = cast("cst.Module", wrapper.module.deep_replace(node, mutated)).code
            if changed not in seen and _compiles(changed):
                seen.add(changed)
                yield _change(text, changed, place, scopes)


def change(text: str, was: str, becomes: str, within: str | None = None) -> Mutation:
    """The one change that replaces `was` by `becomes`, in the function or class `within` where that is given.

    Raises `UserError` where there is none, or more than one.
    """
    found = [each for each in changes(text, was) if each.was == was and (within is None or each.within == within)]
    fitting = [each for each in found if each.becomes == becomes]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        places = ", ".join(each.within or "the module" for each in fitting)
        raise UserError(f"{was!r} stands in {len(fitting)} places: {places}", fix="name the function with `within`")
    others = "".join(f"\n{each.becomes!r}" for each in found)
    raise UserError(
        f"{was!r} does not become {becomes!r}", why=f"it may become:{others}" if found else "it is not there"
    )


def _mutated(node: cst.CSTNode, operators: Iterable[Operator]) -> Iterator[cst.CSTNode]:
    for kind, operator in operators:
        if isinstance(node, kind):
            yield from operator(node)


def _could_be(was: str, lines: list[str]) -> bool:
    return was in " ".join(line.strip() for line in lines)


def _compiles(text: str) -> bool:
    """Whether it is Python: some operators make what is not, as an attribute of None."""
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def _change(text: str, changed: str, place: CodeRange, scopes: list[tuple[int, int, str]]) -> Mutation:
    old, new = text.splitlines(), changed.splitlines()
    head = _shared(old, new)
    tail = _shared(old[head:][::-1], new[head:][::-1])
    line = max(head + 1, place.start.line)
    inside = [name for start, end, name in scopes if start <= line <= end]
    return Mutation(
        was=" ".join(part.strip() for part in old[head : len(old) - tail]),
        becomes=" ".join(part.strip() for part in new[head : len(new) - tail]),
        within=inside[-1] if inside else "",
        text=changed,
    )


def _shared(one: list[str], other: list[str]) -> int:
    """How many lines two texts have in common from their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _scopes(text: str) -> list[tuple[int, int, str]]:
    """First line, last line and qualified name of every function and class, outer ones before inner ones."""
    found: list[tuple[int, int, str]] = []

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.append((child.lineno, child.end_lineno or child.lineno, prefix + child.name))
                visit(child, f"{prefix}{child.name}.")
            else:
                visit(child, prefix)

    visit(ast.parse(text), "")
    return found


# The operators of the house: what mutmut has none for


def _operators(text: str) -> tuple[Operator, ...]:
    # A class that the module does not know would end every test of it, and say nothing.
    known = [name for name in _ERRORS if name in text]

    def other_error(node: cst.Call) -> Iterator[cst.CSTNode]:
        if isinstance(node.func, cst.Name) and node.func.value in known:
            for name in known:
                if name != node.func.value:
                    yield node.with_changes(func=cst.Name(name))

    return (
        (cst.Call, other_error),
        (cst.Integer, _scaled),
        (cst.Float, _scaled),
        (cst.If, _negated),
        (cst.CompIf, _negated),
        (cst.SimpleStatementLine, _left_out),
        (cst.Dict, _shortened),
        (cst.Set, _shortened),
        (cst.List, _shortened),
        (cst.Tuple, _shortened),
    )


def _scaled(node: cst.Integer | cst.Float) -> Iterator[cst.CSTNode]:
    yield node.with_changes(value=repr(node.evaluated_value * _FACTOR))


def _negated(node: cst.If | cst.CompIf) -> Iterator[cst.CSTNode]:
    bare = cst.UnaryOperation(
        operator=cst.Not(),
        expression=node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()]),
    )
    yield node.with_changes(test=bare)


def _left_out(node: cst.SimpleStatementLine) -> Iterator[cst.CSTNode]:
    """Calls for their effect, and what is raised; other statements are changed by mutmut."""
    match node.body:
        case [cst.Expr(value=cst.Call() | cst.Yield())] | [cst.Raise()] | [cst.AugAssign()]:
            yield node.with_changes(body=[cst.Pass()])


def _shortened(node: cst.Dict | cst.Set | cst.List | cst.Tuple) -> Iterator[cst.CSTNode]:
    """Without one of its elements; without its last one only where others are left, for a set needs one."""
    elements: list[cst.CSTNode] = list(node.elements)
    if len(elements) > 1:
        for index in range(len(elements)):
            yield node.with_changes(elements=[*elements[:index], *elements[index + 1 :]])
