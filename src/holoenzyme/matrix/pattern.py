"""Patterns of names, everywhere the same: globs, with alternatives in braces (`patched-*-{host,sm_90}`)."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache

import bracex

from holoenzyme.errors import UserError

#: Alternatives that one pattern may stand for.
_LIMIT = 1000


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name matches any of the patterns. Raises `UserError` for one that stands for too many."""
    return any(fnmatchcase(name, glob) for pattern in patterns for glob in alternatives(pattern))


def is_pattern(text: str) -> bool:
    """Whether a text may stand for other names than itself."""
    return any(sign in text for sign in "*?[") or alternatives(text) != (text,)


@lru_cache(maxsize=1024)
def alternatives(pattern: str) -> tuple[str, ...]:
    """The globs that a pattern stands for: one for each choice in its braces. Raises `UserError` for too many."""
    try:
        return tuple(bracex.expand(pattern, keep_escapes=True, limit=_LIMIT))
    except bracex.ExpansionLimitException:
        raise UserError(
            f"{pattern!r} stands for more than {_LIMIT} patterns", fix="use `*`, or name fewer alternatives"
        ) from None
