"""Reads a YAML file into a frozen pydantic model; every mistake is told with file, line and column.

All problems of a file are told at once, in the order in which they stand in it. Rules that reach across a file (a name
that must exist elsewhere) are checked by validators of the model, which call `refuse` with a `Problem` for each.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from holoenzyme.errors import UserError

M = TypeVar("M", bound=BaseModel)
#: Where something stands in a file: keys and list positions from the top.
Loc = tuple[str | int, ...]

_STRING = "tag:yaml.org,2002:str"
_PROBLEMS = "holoenzyme_problems"
#: pydantic's type of error → what was expected, in words.
_EXPECTED = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "bool": "true or false",
    "date": "a date such as 2027-01-31",
    "dict": "a mapping (`key: value`)",
    "model": "a mapping (`key: value`)",
    "mapping": "a mapping (`key: value`)",
    "tuple": "a list",
    "list": "a list",
}
#: pydantic's type of error → the limit that a number or a list did not keep.
_LIMITS = {
    "greater_than": "must be greater than {gt}, is {got}",
    "greater_than_equal": "must be at least {ge}, is {got}",
    "less_than": "must be less than {lt}, is {got}",
    "less_than_equal": "must be at most {le}, is {got}",
    "too_short": "too few entries: {actual_length}, at least {min_length}",
    "string_too_short": "too short: {got}, at least {min_length} characters",
}


@dataclass(frozen=True, kw_only=True)
class Words:
    """What a pattern allows, in words for messages: `Annotated[str, StringConstraints(pattern=...), Words(...)]`."""

    allowed: str


#: Stands in `Problem.why` where the place of `Problem.second` belongs.
SECOND = "{second}"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong in a file: where, what, what is allowed, what to do. `on_key` points at the key.

    `second` is the other place of two that contradict each other; `SECOND` in `why` stands for its line and column.
    """

    at: Loc
    what: str
    why: str | None = None
    fix: str | None = None
    on_key: bool = False
    second: Loc | None = None


def refuse(problems: Iterable[Problem]) -> None:
    """To be called by a validator of a model, with places counted from that model; raises where there are problems."""
    found = list(problems)
    if found:
        summary = "; ".join(f"{_dotted(problem.at)}: {problem.what}" for problem in found)
        raise PydanticCustomError(_PROBLEMS, "{summary}", {"summary": summary, "problems": found})


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A question that names the nearest of `known`, or None where nothing is near."""
    candidates = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), candidates, n=3, cutoff=0.6)
    names = [f"'{candidates[name]}'" for name in near]
    if not names:
        return None
    return "did you mean " + (" or ".join([", ".join(names[:-1]), names[-1]]) if names[1:] else names[0]) + "?"


def _shown(path: Path) -> str:
    """What messages call a file."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def tell(problems: Mapping[Path, Iterable[Problem]]) -> None:
    """Raise `UserError` with problems of files that can be read into their models; nothing where there are none."""
    errors: list[UserError] = []
    for path, found in problems.items():
        name = _shown(path)
        document = _Document(path.read_text(encoding="utf-8"), name)
        places = sorted((document.locate(problem) for problem in found), key=lambda finding: finding.where)
        errors += [finding.error(name) for finding in places]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise UserError("\n".join([f"{len(errors)} problems", *map(str, errors)]))


def load_model(path: Path, model: type[M]) -> M:
    """Read the file `path` into `model`; raises `UserError` with every problem of the file."""
    name = _shown(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{name}: is not UTF-8 text", why=str(error), fix="save the file as UTF-8") from error
    except FileNotFoundError as error:
        raise UserError(f"{name}: there is no such file") from error
    except OSError as error:
        raise UserError(f"{name}: cannot be read", why=error.strerror) from error
    return parse_model(text, name, model)


def scalar_span(text: str, at: Loc) -> tuple[int, int] | None:
    """Where the text of the scalar at `at` begins and ends, in characters and without quotes; none where it is not."""
    node = _composed(text)
    for part in at:
        if isinstance(node, MappingNode):
            node = next((value for key, value in node.value if key.value == part), None)
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
        else:
            return None
    if not isinstance(node, ScalarNode):
        return None
    quote = 1 if node.style in ("'", '"') else 0
    return node.start_mark.index + quote, node.end_mark.index - quote


@lru_cache(maxsize=1)
def _composed(text: str) -> Node | None:
    """The nodes of a YAML text that can be read."""
    node: Node | None = YAML(typ="safe", pure=True).compose(text)
    return node


def parse_model(text: str, name: str, model: type[M]) -> M:
    """Read YAML text into `model`; `name` is what messages call the file.

    Raises `UserError` with every problem, in the order of their places.
    """
    document = _Document(text, name)
    findings = list(document.findings)
    try:
        # JSON on the way: pydantic's strict mode takes text for dates and names, and lists for tuples, only from JSON.
        result = model.model_validate_json(json.dumps(document.data, default=str), strict=True)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            findings += [
                document.locate(problem)
                for problem in _translate(details, model, document)
                if not document.is_lost(problem.at)
            ]
    else:
        if not findings:
            return result
    errors = [finding.error(name) for finding in sorted(findings, key=lambda finding: finding.where)]
    if len(errors) == 1:
        raise errors[0]
    raise UserError("\n".join([f"{name}: {len(errors)} problems", *map(str, errors)]))


@dataclass(frozen=True, kw_only=True)
class _Finding:
    """A problem with its line and column (from 1)."""

    where: tuple[int, int]
    at: Loc
    what: str
    why: str | None = None
    fix: str | None = None

    def error(self, name: str) -> UserError:
        path = f"{_dotted(self.at)}: " if self.at else ""
        return UserError(f"{name}:{self.where[0]}:{self.where[1]}: {path}{self.what}", why=self.why, fix=self.fix)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Line and column (from 1) of a key and of its value; of a scalar also how it is written."""

    key: tuple[int, int]
    value: tuple[int, int]
    written: str | None


class _Document:
    """A YAML document as plain data, with the place of everything in it and what was wrong on the way."""

    def __init__(self, text: str, name: str) -> None:
        """Raises `UserError` where the text is not YAML, or not a mapping."""
        yaml = YAML(typ="safe", pure=True)
        try:
            root = yaml.compose(text)
        except YAMLError as error:
            raise _syntax_error(name, text, error) from error
        if root is None:
            raise UserError(f"{name}:1:1: the file is empty")
        if not isinstance(root, MappingNode):
            kind = "a list" if isinstance(root, SequenceNode) else "a single value"
            why = f"expected a mapping (`key: value`) at the top of the file, got {kind}"
            raise _Finding(where=_mark(root), at=(), what="the file is not a mapping", why=why).error(name)
        self._name = name
        self._construct = yaml.constructor.construct_object
        self._places: dict[Loc, _Place] = {}
        self._anchors: set[int] = set()
        self._lost: set[Loc] = set()
        self.findings: list[_Finding] = []
        self.data = self._take(root, (), _mark(root))

    def _take(self, node: Node, loc: Loc, key: tuple[int, int]) -> Any:
        """The plain data of a node; notes its place and those of all below it."""
        # A value that is not written at all is noted by the reader where the next thing begins.
        where = key if node.start_mark.index == node.end_mark.index else _mark(node)
        written = str(node.value) if isinstance(node, ScalarNode) else None
        self._places[loc] = _Place(key=key, value=where, written=written)
        if node.anchor:
            self._lost.add(loc)
            if id(node) not in self._anchors:  # an alias is the same node again
                self._anchors.add(id(node))
                why = "every value is written out where it is used"
                self._find(loc, _mark(node), "anchors and aliases are not allowed", why=why)
            return None
        if isinstance(node, MappingNode):
            return self._take_mapping(node, loc)
        if isinstance(node, SequenceNode):
            return [self._take(item, (*loc, index), _mark(item)) for index, item in enumerate(node.value)]
        try:
            return self._construct(node)
        except (YAMLError, ValueError) as error:
            why = error.problem if isinstance(error, MarkedYAMLError) else str(error)
            self._lost.add(loc)
            self._find(loc, _mark(node), f"{node.value!r} cannot be read", why=why)
            return None

    def _take_mapping(self, node: MappingNode, loc: Loc) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key, value in node.value:
            where = _mark(key)
            if not isinstance(key, ScalarNode):
                self._find(loc, where, "a list or mapping cannot be a key", why="keys are text")
                continue
            name = str(key.value)
            if name in data:
                why = f"it is on line {self._places[*loc, name].key[0]} too"
                self._find(loc, where, f"key {name!r} is here twice", why=why, fix="remove one")
                continue
            data[name] = self._take(value, (*loc, name), where)
            if key.tag != _STRING:
                fix = f'put it in quotes: "{name}"'
                self._find(loc, where, f"key {name} is not text", why="keys are text", fix=fix)
        return data

    def _find(self, at: Loc, where: tuple[int, int], what: str, *, why: str | None, fix: str | None = None) -> None:
        self.findings.append(_Finding(where=where, at=at, what=what, why=why, fix=fix))

    def locate(self, problem: Problem) -> _Finding:
        """The problem with its line and column: those of what would hold it, where it is not in the file."""
        why = problem.why
        if why and problem.second is not None:
            line, column = self._where(problem.second)
            why = why.replace(SECOND, f"{self._name}:{line}:{column} ({_dotted(problem.second)})")
        where = self._where(problem.at, on_key=problem.on_key)
        return _Finding(where=where, at=problem.at, what=problem.what, why=why, fix=problem.fix)

    def _where(self, at: Loc, *, on_key: bool = False) -> tuple[int, int]:
        loc = at
        while loc not in self._places:
            loc = loc[:-1]
        return self._places[loc].key if on_key or loc != at else self._places[loc].value

    def is_lost(self, loc: Loc) -> bool:
        """Whether the value at `loc` could not be read, so that what else is said of it is only a consequence."""
        return any(loc[: len(lost)] == lost for lost in self._lost)

    def written(self, loc: Loc) -> str | None:
        """How the scalar at `loc` is written in the file."""
        return self._places[loc].written if loc in self._places else None


def _mark(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _syntax_error(name: str, text: str, error: YAMLError) -> UserError:
    if isinstance(error, ReaderError):
        before = text[: error.position]
        where = before.count("\n") + 1, error.position - before.rfind("\n")
        what = f"the character U+{ord(text[error.position]):04X} is not allowed in YAML"
        return _Finding(where=where, at=(), what=what, fix="remove it").error(name)
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    if not isinstance(error, MarkedYAMLError) or mark is None:
        return UserError(f"{name}: this is not YAML", why=str(error))
    where = mark.line + 1, mark.column + 1
    problem = (error.problem or "it cannot be read").removeprefix("but ")
    if r"'\t'" in problem:
        return _Finding(where=where, at=(), what="a tab is not allowed here", fix="use spaces").error(name)
    begun = f", begun on line {error.context_mark.line + 1}" if error.context_mark else ""
    why = f"{error.context}{begun}" if error.context else None
    return _Finding(where=where, at=(), what=f"this is not YAML: {problem}", why=why).error(name)


def _dotted(loc: Loc) -> str:
    """`cells[3].target`, `rust["1.96"].llvm`."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[A-Za-z_][\w-]*", part):
            text += f".{part}" if text else part
        else:
            text += f'["{part}"]'
    return text


def _translate(details: ErrorDetails, model: type[BaseModel], document: _Document) -> Iterator[Problem]:
    """What pydantic found, in our words."""
    loc, kind, context = details["loc"], details["type"], details.get("ctx", {})
    if kind == _PROBLEMS:
        for problem in context["problems"]:
            second = problem.second if problem.second is None else (*loc, *problem.second)
            yield replace(problem, at=(*loc, *problem.at), second=second)
        return
    on_key = bool(loc) and loc[-1] == "[key]"
    loc = loc[:-1] if on_key else loc
    value = loc[-1] if on_key else details["input"]
    got = _describe(value, document.written(loc))
    family = kind.split("_")[0]
    why = fix = None
    if kind == "missing":
        what = "missing"
    elif kind == "extra_forbidden":
        on_key = True
        known = _keys(_type_at(model, loc[:-1])[0])
        what, why, fix = "unknown key", f"allowed: {', '.join(known)}", did_you_mean(str(loc[-1]), known)
    elif kind in ("literal_error", "enum"):
        known = re.findall(r"'([^']*)'", context["expected"])
        what, why = f"{got} is not allowed", f"allowed: {', '.join(known) or context['expected']}"
        fix = did_you_mean(str(value), known)
    elif kind == "string_pattern_mismatch":
        words = _type_at(model, loc, key=on_key)[1]
        what, why = f"{got} is not allowed", f"allowed: {words.allowed if words else context['pattern']}"
    elif kind in _LIMITS:
        what = _LIMITS[kind].format(**context, got=got)
    elif family in _EXPECTED:
        what = f"expected {_EXPECTED[family]}, got {got}"
        if family == "string" and isinstance(value, bool | int | float):
            fix = f'put it in quotes: "{document.written(loc)}"'
    else:
        message = details["msg"].removeprefix("Value error, ")
        what = message[:1].lower() + message[1:]
    yield Problem(at=loc, what=what, why=why, fix=fix, on_key=on_key)


def _describe(value: object, written: str | None) -> str:
    match value:
        case None:
            return "nothing"
        case bool() | int() | float():
            return str(value) if written is None else written
        case str():
            return repr(value)
        case list():
            return "a list"
        case _:
            return "a mapping"


def _keys(model: Any) -> list[str]:
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return []
    return [info.alias or name for name, info in model.model_fields.items()]


def _type_at(model: Any, loc: Loc, *, key: bool = False) -> tuple[Any, Words | None]:
    """The type that the model has at `loc`, or for the key there, and the words with it; (None, None) for neither."""
    kind, words = _plain(model)
    for depth, part in enumerate(loc, start=1):
        arguments = get_args(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            fields = {info.alias or name: info for name, info in kind.model_fields.items()}
            inner = fields[str(part)].rebuild_annotation() if part in fields else None
        elif arguments:
            of_values = isinstance(part, str) and not (key and depth == len(loc))
            inner = arguments[1] if of_values else arguments[0]
        else:
            inner = None
        kind, words = _plain(inner)
    return kind, words


def _plain(kind: Any) -> tuple[Any, Words | None]:
    """A type without `Annotated` and `| None`, and the words found on the way."""
    words = None
    while True:
        arguments = get_args(kind)
        if get_origin(kind) is Annotated:
            words = next((item for item in arguments if isinstance(item, Words)), words)
            kind = arguments[0]
        elif get_origin(kind) in (Union, UnionType) and NoneType in arguments:
            kind = next(item for item in arguments if item is not NoneType)
        else:
            return kind, words
