"""The places in the project's files where the version of a pin is written. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from holoenzyme.matrix.model import MATRIX_NAME
from holoenzyme.matrix.yamlfile import Loc, scalar_span


@dataclass(frozen=True, kw_only=True)
class Mention:
    """A version as it is written in a file: from the character `start` up to `end` of its text."""

    path: str
    text: str
    start: int
    end: int

    @property
    def version(self) -> str:
        """The version as it is written."""
        return self.text[self.start : self.end]

    def __str__(self) -> str:
        line = self.text.count("\n", 0, self.start) + 1
        return f"{self.path}:{line}:{self.start - self.text.rfind(chr(10), 0, self.start)}"


def in_matrix(files: Mapping[str, str], at: Loc) -> Mention | None:
    """The value at `at` in matrix.yaml; none where that file is not among `files` (path → text)."""
    text = files.get(MATRIX_NAME)
    span = scalar_span(text, at) if text is not None else None
    return None if text is None or span is None else _mention(MATRIX_NAME, text, *span)


def in_lock(files: Mapping[str, str], path: str, name: str, version: str) -> Mention | None:
    """The first place where matrix.lock (`path`) has this version of a package, crate or wheel."""
    pattern = rf'^ *"{re.escape(name)}": \{{.*"version": ({re.escape(json.dumps(version))})'
    found = _first(pattern, files, path)
    return found and _mention(path, found.text, found.start + 1, found.end - 1)


def in_cargo_lock(files: Mapping[str, str], path: str, name: str) -> Mention | None:
    """The version of a crate in a Cargo.lock."""
    return _first(rf'^name = "{re.escape(name)}"\nversion = "([^"]+)"$', files, path)


def manifest_of(lockfile: str) -> str:
    """The Cargo.toml beside a Cargo.lock."""
    return str(PurePosixPath(lockfile).with_name("Cargo.toml"))


def in_manifest(files: Mapping[str, str], path: str, name: str) -> Mention | None:
    """The version of a crate that a Cargo.toml asks for exactly (`=1.2.3`); none where it leaves a choice."""
    return _first(rf'^{re.escape(name)} *= *(?:\{{ *version *= *)?" *= *([^"\s]+)"', files, path)


def in_requirements(files: Mapping[str, str], path: str, name: str) -> Mention | None:
    """The version of a wheel in a requirements.txt."""
    return _first(rf"^{re.escape(name)}\s*==\s*([^\s\\;]+)", files, path)


def rewrite(text: str, versions: Iterable[tuple[Mention, str]]) -> str:
    """The text with another version at each place; all places are of this very text."""
    for mention, version in sorted(versions, key=lambda item: item[0].start, reverse=True):
        text = text[: mention.start] + version + text[mention.end :]
    return text


def _first(pattern: str, files: Mapping[str, str], path: str) -> Mention | None:
    text = files.get(path)
    found = re.search(pattern, text, re.MULTILINE) if text is not None else None
    return None if text is None or found is None else _mention(path, text, *found.span(1))


def _mention(path: str, text: str, start: int, end: int) -> Mention:
    return Mention(path=path, text=text, start=start, end=end)
