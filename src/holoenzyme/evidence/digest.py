"""The digest of a proof: it changes when, and only when, an input changes that decides the outcome.

That is the judge (every module of its package, whatever is added there), what is run and how, what is demanded of it,
and the files of the programs, their oracles among them. Text that Python or the judge does not see is no part of it:
comments, docstrings, and how code is laid out.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from holoenzyme.evidence import judge
from holoenzyme.evidence.judge.verdict import Check

#: The package that judges.
JUDGE = Path(str(judge.__file__)).parent


@dataclass(frozen=True, kw_only=True)
class ProofPart:
    """A check of a proof, the containers that are run for it (as data), and the files that are there (name → content).

    The names of Python files end in `.py`.
    """

    check: Check
    requests: Sequence[Mapping[str, object]]
    files: Mapping[str, bytes]


def proof_digest(parts: Sequence[ProofPart], judge: Path | None = None) -> str:
    """The SHA-256 of a proof, in hex digits; `judge` is the folder of the package that judges, if not `JUDGE`."""
    judge = judge or JUDGE
    covered = {
        "judge": {
            path.relative_to(judge).as_posix(): canonical(path.read_text(encoding="utf-8"))
            for path in sorted(judge.rglob("*.py"))
        },
        "parts": [
            {
                "target": part.check.target,
                "executes": part.check.executes,
                # The class of a demand says what it means.
                "demands": [
                    [name, type(demand).__name__, dataclasses.asdict(demand)]
                    for name, demand in part.check.demands.items()
                ],
                "requests": part.requests,
                "files": {name: _file(name, content) for name, content in part.files.items()},
            }
            for part in parts
        ],
    }
    return hashlib.sha256(json.dumps(covered, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=256)
def canonical(source: str) -> str:
    """What Python code does, as text that is the same for every layout, with other comments and docstrings.

    Every version of Python gives the same text. Raises `SyntaxError` for what is no Python.
    """
    return json.dumps(_node(ast.parse(source)))


def _file(name: str, content: bytes) -> str:
    """A hash of a file. That of a program's source is over every byte: compilers name lines in their messages."""
    if name.endswith(".py"):
        # What is no Python counts as it is; the oracle's reader says what is wrong with it.
        with suppress(SyntaxError, ValueError, RecursionError):
            content = canonical(content.decode()).encode()
    return hashlib.sha256(content).hexdigest()


def _node(value: object) -> object:
    match value:
        case ast.Constant():
            return ["Constant", ascii(value.value)]
        case ast.AST():
            # Fields without a value are left out, because versions of Python differ in those that there are.
            fields = [[name, _node(field)] for name, field in ast.iter_fields(value) if field not in (None, [])]
            return [type(value).__name__, *fields]
        case list():
            # A string that stands alone does nothing: it is a docstring, or a comment of another kind.
            return [_node(item) for item in value if not _is_text(item)]
        case str():
            return value
        case _:
            return ascii(value)


def _is_text(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
