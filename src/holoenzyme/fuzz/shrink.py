"""Making a failing function smaller while it fails in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from holoenzyme.fuzz.model import Binding, GeneratedFunction, Passing, Piece, Shape
from holoenzyme.fuzz.oracle import FunctionOutcome, Judgement
from holoenzyme.fuzz.patterns import block

#: Judges functions; answers in their order.
Test = Callable[[Sequence[GeneratedFunction]], Sequence[Judgement]]

_HALF = Piece("literal", "real", "%L{0.5}", sure=False)
_SIMPLE = {
    "real": (_HALF, Piece("", "real", "p[0]"), Piece("", "real", "a")),
    "int": (Piece("", "int", "0"), Piece("", "int", "1")),
    "bool": (Piece("", "bool", "true"), Piece("", "bool", "false"), Piece("", "bool", "k")),
}


def shrink(
    program: GeneratedFunction, judgement: Judgement, test: Test, *, group: int = 8, rounds: int = 30
) -> GeneratedFunction:
    """The smallest that was found within so many rounds of `group` candidates that fails as `judgement` says."""
    best, spent = program, 0
    while spent < rounds:
        tried = {best}
        for candidates in _grouped(candidate for candidate in smaller(best, judgement) if candidate not in tried):
            spent += 1
            good = [
                each for each, got in zip(candidates, test(candidates), strict=True) if same_failure(judgement, got)
            ]
            if good:
                best = min(good, key=GeneratedFunction.weight)
                break
            if spent >= rounds:
                break
        else:
            return best
    return best


def _grouped(candidates: Iterator[GeneratedFunction], size: int = 8) -> Iterator[list[GeneratedFunction]]:
    group: list[GeneratedFunction] = []
    for each in candidates:
        if each not in group:
            group.append(each)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def same_failure(wanted: Judgement, got: Judgement) -> bool:
    """Whether two judgements tell of one failure: the outcome, and where it is one of the compiler, its message."""
    if got.outcome is not wanted.outcome:
        return False
    compiler = (FunctionOutcome.COMPILER_CRASH, FunctionOutcome.UNPLACED, FunctionOutcome.REFUSED)
    return got.outcome not in compiler or message_kind(got.detail) == message_kind(wanted.detail)


def message_kind(message: str) -> str:
    """A message without what differs from program to program: names, numbers, places."""
    words = []
    for word in message.replace("`", " ").split():
        if any(letter.isdigit() for letter in word) or "/" in word or "_R" in word or word.startswith(("%", "@", "{")):
            continue
        words.append(word)
    return " ".join(words[:8])


def smaller(program: GeneratedFunction, judgement: Judgement) -> Iterator[GeneratedFunction]:
    """Functions with one thing less, the boldest first."""
    yield from _fewer_checks(program, judgement)
    for count in dict.fromkeys((max(1, len(program.items) // 2), 1)):
        yield from _without_items(program, count)
    for body in edits(program.body):
        yield program.with_body(body)
    yield from _plainer(program)
    for index, item in enumerate(program.items):
        for edited in edits(item):
            yield replace(program, items=(*program.items[:index], edited, *program.items[index + 1 :]))


def _fewer_checks(program: GeneratedFunction, judgement: Judgement) -> Iterator[GeneratedFunction]:
    if len(program.modes) > 1:
        if judgement.mode in program.modes:
            yield replace(program, modes=(judgement.mode,))
        for mode in program.possible_modes():
            if mode != judgement.mode:
                yield replace(program, modes=(mode,))
    if len(program.points) > 1:
        for point in program.points:
            yield replace(program, points=(point,))


def _without_items(program: GeneratedFunction, count: int) -> Iterator[GeneratedFunction]:
    for start in range(0, len(program.items), count):
        items = program.items[:start] + program.items[start + count :]
        if items != program.items:
            yield replace(program, items=items)


def _plainer(program: GeneratedFunction) -> Iterator[GeneratedFunction]:
    if program.attribute:
        yield replace(program, attribute="")
    if program.single:
        yield replace(program, single=False)
    for index in range(len(program.arguments)):
        keep = [i for i in range(len(program.arguments)) if i != index]
        fewer = replace(
            program,
            arguments=tuple(program.arguments[i] for i in keep),
            points=tuple(tuple(point[i] for i in keep) for point in program.points),
        )
        if fewer.input_count and fewer.output_count:
            yield fewer
    for index, (name, size) in enumerate(program.sizes):
        if size > 2:
            sizes = (*program.sizes[:index], (name, size - 1), *program.sizes[index + 1 :])
            yield _resized(program, sizes)
    for index, argument in enumerate(program.arguments):
        if argument.shape is None and argument.type == "usize":
            for value in (1.0, 2.0):
                points = tuple((*point[:index], (value,), *point[index + 1 :]) for point in program.points)
                if any(point[index][0] > value for point in program.points):
                    yield replace(program, points=points)
        if argument.shape is not None and argument.active and argument.passing is not Passing.VALUE:
            plain = tuple(
                (*point[:index], tuple(1.0 + i / 2 for i in range(len(point[index]))), *point[index + 1 :])
                for point in program.points
            )
            if plain != program.points:
                yield replace(program, points=plain)


def _resized(program: GeneratedFunction, sizes: tuple[tuple[str, int], ...]) -> GeneratedFunction:
    """The same with other sizes, and with as many values as they ask for."""
    new = dict(sizes)

    def fitted(shape: Shape | None, values: tuple[float, ...]) -> tuple[float, ...]:
        return values if shape is None else values[: shape.count(new)]

    points = tuple(
        tuple(fitted(argument.shape, values) for argument, values in zip(program.arguments, point, strict=True))
        for point in program.points
    )
    return replace(program, sizes=sizes, points=points)


def edits(node: Piece) -> Iterator[Piece]:
    """The same tree with one edit, deletions of many statements first, then deeper ones."""
    if node.sort == "block":
        count = len(node.kids)
        length = count // 2
        while length:
            for start in range(0, count - length + 1, length):
                yield block(node.kids[:start] + node.kids[start + length :])
            length //= 2
    for index, kid in enumerate(node.kids):
        for other in _instead(kid):
            yield _with_kid(node, index, other)
    for index, kid in enumerate(node.kids):
        for other in edits(kid):
            yield _with_kid(node, index, other)


def _with_kid(node: Piece, index: int, kid: Piece) -> Piece:
    return replace(node, kids=(*node.kids[:index], kid, *node.kids[index + 1 :]))


def _instead(node: Piece) -> Iterator[Piece]:
    """The pieces that may replace another."""
    if node.sort == "stmt":
        inner = [kid for kid in node.kids if kid.sort == "block"]
        for kid in inner:
            first = (Piece("", "stmt", f"let {node.binds} = 0;"),) if node.binds else ()
            yield block((*first, *kid.kids))
        return
    for kid in node.kids:
        if kid.sort == node.sort:
            yield replace(kid, level=Binding.LOOSE) if kid.level > node.level else kid
    for simple in _SIMPLE.get(node.sort, ()):
        if node.size() > 1 and simple.text != node.text:
            yield simple
