"""The project's own files."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

#: Folders that hold no source but build results, wherever they stand, and at the top: further down `build` is a room.
BUILT = frozenset({"__pycache__", "target"})
BUILT_AT_TOP = BUILT | {"build"}


def project_files(root: Path) -> Iterator[Path]:
    """The project's own files, in order: hidden folders (but .ci and .github) and build results are left out."""
    yield from _files(root, BUILT_AT_TOP)


def _files(folder: Path, left_out: Collection[str]) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.is_symlink():
            continue
        if not entry.is_dir():
            yield entry
        elif entry.name not in left_out and (not entry.name.startswith(".") or entry.name in (".ci", ".github")):
            yield from _files(entry, BUILT)
