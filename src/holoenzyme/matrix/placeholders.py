"""Placeholders in recipes, images and smoke tests: Jinja's `{{ name }}`, and nothing else. Pure.

Whoever declares a text with placeholders says what stands in their place by an example (`Names`), so that a name that
is not there is refused where it is written, before anything is rendered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from holoenzyme.matrix.yamlfile import Loc, Problem

if TYPE_CHECKING:
    from jinja2 import Environment

#: Values by name; a mapping among them has names of its own, as in `{{ llvm.major }}`.
Names = Mapping[str, object]
#: What only Jinja reads.
_MARKS = ("{{", "{%", "{#")


class PlaceholderError(ValueError):
    """A text names what is not there, or is not Jinja."""


def fill(text: str, names: Names) -> str:
    """The text with values in place of names; raises `PlaceholderError` for a name that is not among them."""
    if not any(mark in text for mark in _MARKS):
        return text
    from jinja2 import TemplateError

    try:
        return _environment().from_string(text).render(names)
    except TemplateError as error:
        raise PlaceholderError(error.message or str(error)) from error


def wrong_placeholders(at: Loc, texts: Iterable[str] | str, names: Names) -> Iterator[Problem]:
    """A problem for each text at `at` (one, or a list) that cannot be filled; `names` is an example of what will be."""
    listed = [(at, texts)] if isinstance(texts, str) else [((*at, number), text) for number, text in enumerate(texts)]
    for place, text in listed:
        try:
            fill(text, names)
        except PlaceholderError as error:
            yield Problem(at=place, what=f"{text!r}: {error}", fix=_known(names))
        # The dollar tells what a shell reads.
        for word in re.findall(r"(?<![{$])\{([a-z_.]+)\}(?!\})", text):
            if word in _paths(names) or word in names:
                yield Problem(
                    at=place,
                    what=f"{text!r}: {{{word}}} is no placeholder, and stays as it is",
                    fix=f"write {{{{ {word} }}}}" if word in _paths(names) else _known(names),
                )


def wrong_values(at: Loc, value: object, names: Names) -> Iterator[Problem]:
    """The same for every text in a value of any form, keys among them."""
    match value:
        case str():
            yield from wrong_placeholders(at, value, names)
        case Mapping():
            for key, item in value.items():
                for problem in wrong_placeholders((*at, key), str(key), names):
                    yield Problem(at=problem.at, what=problem.what, fix=problem.fix, on_key=True)
                yield from wrong_values((*at, key), item, names)
        case list() | tuple():
            for number, item in enumerate(value):
                yield from wrong_values((*at, number), item, names)


def _known(names: Names) -> str:
    return "there are " + ", ".join(f"{{{{ {path} }}}}" for path in _paths(names))


def _paths(names: Names, above: str = "") -> list[str]:
    found: list[str] = []
    for name, value in names.items():
        found += _paths(value, f"{above}{name}.") if isinstance(value, Mapping) else [above + name]
    return found


@cache
def _environment() -> Environment:
    from jinja2 import Environment, StrictUndefined

    return Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
