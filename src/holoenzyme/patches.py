"""A series of patches: headers, the files of each, whether all apply one after the other, and their burden.

The format of a header is in docs/developing.md. Everything that is wrong is found in one go: problems are words, not
exceptions.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from holoenzyme.errors import UserError
from holoenzyme.process import Command, Runner

SERIES = "series"
#: The fields of a header; each is needed, and no other may be there.
FIELDS = ("Subject", "What", "Why", "Upstream", "Crates", "Smoke-test")
#: Where a diff begins, with or without git's own line above it.
_DIFF = re.compile(r"^(diff |--- |Index: )")
_FIELD = re.compile(r"^([A-Z][A-Za-z-]*):[ \t]*(.*)$")
#: Instead of a reference or a smoke test; the reason follows.
_NONE = re.compile(r"^none\b(?:;\s*(\S.*))?", re.DOTALL)
#: All that `patch` says about a patch that fits exactly.
_APPLIED = re.compile(r"^patching file '?[^']+'?$")
#: Files of the root that belong to a crate.
_ROOT_FILES = {"bootstrap.example.toml": "src/bootstrap"}
_TIMEOUT = 60.0


@dataclass(frozen=True, kw_only=True)
class FileChange:
    """The lines that a patch adds to one file and takes from it."""

    path: str
    added: int
    removed: int

    @property
    def crate(self) -> str:
        """The crate that the file is of: `compiler/rustc_x`, `library/core`, `src/bootstrap`; else the file itself."""
        return crate_of(self.path)

    @property
    def changes_rustc(self) -> bool:
        """Whether it is a change of what rustc does: no test, no lock file, and not how rustc itself is built."""
        parts = PurePosixPath(self.path).parts
        return not (self.crate == "src/bootstrap" or parts[-1] == "Cargo.lock" or "tests" in parts)


@dataclass(frozen=True, kw_only=True)
class Patch:
    """One patch: the fields of its header by name, and what it changes."""

    name: str
    fields: dict[str, str]
    changes: tuple[FileChange, ...]

    @property
    def crates(self) -> tuple[str, ...]:
        """The crates that the header names, as `crate_of` does; `rustc_x` is short for `compiler/rustc_x`."""
        names = _words(self.fields.get("Crates", ""))
        return tuple(f"compiler/{name}" if name.startswith("rustc_") else name for name in names)

    @property
    def smoke_tests(self) -> tuple[str, ...]:
        """The smoke tests that fail without it; none where the header gives a reason instead."""
        text = self.fields.get("Smoke-test", "")
        return () if _NONE.match(text) else _words(text)


@dataclass(frozen=True, kw_only=True)
class Series:
    """The patches of a folder in their order, and what is wrong with the folder, its patches and their headers."""

    folder: Path
    patches: tuple[Patch, ...]
    problems: tuple[str, ...]


@dataclass(kw_only=True)
class Weight:
    """How much is changed: files (each counted once), lines added and lines removed."""

    files: set[str] = field(default_factory=set)
    added: int = 0
    removed: int = 0

    def add(self, change: FileChange) -> None:
        """Count a change too."""
        self.files.add(change.path)
        self.added += change.added
        self.removed += change.removed

    def to_json(self) -> dict[str, int]:
        """As plain data."""
        return {"files": len(self.files), "added": self.added, "removed": self.removed}


def crate_of(path: str) -> str:
    """The crate that a file of rustc's sources belongs to: two folders, or three below `src/tools`."""
    parts = PurePosixPath(path).parts
    if len(parts) < 3:
        return _ROOT_FILES.get(path, path)
    return "/".join(parts[: 3 if parts[:2] == ("src", "tools") else 2])


def weigh(changes: Iterable[FileChange]) -> dict[str, Weight]:
    """The burden by crate, in the order of their names."""
    found: dict[str, Weight] = {}
    for change in changes:
        found.setdefault(change.crate, Weight()).add(change)
    return dict(sorted(found.items()))


def total(changes: Iterable[FileChange]) -> Weight:
    """The burden of all changes."""
    weight = Weight()
    for change in changes:
        weight.add(change)
    return weight


def read_series(folder: Path, smoke_tests: Collection[str]) -> Series:
    """Read a folder with a file `series` and patches; `smoke_tests` are the names that headers may use.

    Raises `UserError` where there is no such folder or no file `series`.
    """
    try:
        lines = (folder / SERIES).read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(
            f"{folder} has no file {SERIES!r}", why=str(error), fix="name each patch in it, one a line, in order"
        ) from error
    names = [name for line in lines if (name := line.partition("#")[0].strip())]
    problems = list(_folder_problems(folder, names))
    patches = []
    for name in dict.fromkeys(names):
        if (folder / name).is_file():
            patch, found = _read(folder / name, smoke_tests)
            patches.append(patch)
            problems += found
    return Series(folder=folder, patches=tuple(patches), problems=tuple(problems))


def read_all(folder: Path, smoke_tests: Collection[str]) -> dict[str, Series]:
    """The series of each version of Rust, by version, the oldest first: each is a folder of that name.

    Raises `UserError` where there is none.
    """
    folders = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    if not folders:
        raise UserError(f"{folder} has no series of patches", fix="add a folder with the name of a version of Rust")
    ordered = sorted(folders, key=lambda path: [int(part) if part.isdigit() else 0 for part in path.name.split(".")])
    return {path.name: read_series(path, smoke_tests) for path in ordered}


def _folder_problems(folder: Path, names: Sequence[str]) -> Iterator[str]:
    if not names:
        yield f"{SERIES}: it names no patch"
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield f"{SERIES}: {name} stands there {names.count(name)} times: leave one line"
        if "/" in name or not (folder / name).is_file():
            yield f"{SERIES}: {name} is no file of the folder: add it, or remove the line"
    for path in sorted(folder.iterdir()):
        if path.name != SERIES and path.name not in names:
            what = "a patch that the series does not name" if path.suffix == ".patch" else "no patch"
            yield f"{path.name}: {what}: name it in {SERIES}, or remove it"


def _read(path: Path, smoke_tests: Collection[str]) -> tuple[Patch, list[str]]:
    """A patch, and what is wrong with it."""
    text = path.read_text(encoding="utf-8", errors="replace")
    fields, problems = _header(text)
    changes, wrong = _changes(text)
    patch = Patch(name=path.name, fields=fields, changes=changes)
    problems += wrong or _contradictions(patch, smoke_tests)
    return patch, [f"{path.name}: {problem}" for problem in problems]


def _header(text: str) -> tuple[dict[str, str], list[str]]:
    """The fields before the diff, with continued lines joined, and what is wrong with them."""
    fields: dict[str, str] = {}
    problems: list[str] = []
    current = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if _DIFF.match(line):
            break
        if match := _FIELD.match(line):
            current, value = match.groups()
            if current in fields:
                problems.append(f"line {number}: field {current!r} stands there twice: leave one")
            elif current not in FIELDS:
                problems.append(f"line {number}: unknown field {current!r}; the fields are {', '.join(FIELDS)}")
            fields.setdefault(current, value)
        elif line.startswith((" ", "\t")) and current:
            fields[current] = f"{fields[current]} {line.strip()}".strip()
        elif line.strip():
            problems.append(
                f"line {number}: {line[:60]!r} is no field: begin it with a field's name and a colon, "
                "or with a space where it goes on with the line above"
            )
    for name in FIELDS:
        if not fields.get(name):
            problems.append(f"field {name!r} is {'empty' if name in fields else 'missing'}: add `{name}: ...` above")
    for name in ("Upstream", "Smoke-test"):
        if (match := _NONE.match(fields.get(name, ""))) and not match[1]:
            problems.append(f"field {name!r} is none without a reason: write `{name}: none; REASON`")
    return fields, problems


def _changes(text: str) -> tuple[tuple[FileChange, ...], list[str]]:
    from unidiff.errors import UnidiffParseError
    from unidiff.patch import PatchSet

    lines = text.splitlines(keepends=True)
    begin = next((number for number, line in enumerate(lines) if _DIFF.match(line)), len(lines))
    try:
        files = PatchSet("".join(lines[begin:]))
    except UnidiffParseError as error:
        return (), [f"the diff cannot be read: {str(error).strip()}: make it again with `git diff`"]
    if not files:
        return (), ["there is no diff in it"]
    problems = [f"{file.path} is binary: only text can be patched" for file in files if file.is_binary_file]
    problems += [f"{file.path} is renamed: add one file and remove the other" for file in files if file.is_rename]
    return tuple(FileChange(path=file.path, added=file.added, removed=file.removed) for file in files), problems


def _contradictions(patch: Patch, smoke_tests: Collection[str]) -> list[str]:
    """Where the header says something that the diff, or the project, does not."""
    touched = set(weigh(patch.changes))
    named = set(patch.crates)
    problems = []
    if "Crates" in patch.fields:
        problems += [
            f"it touches {crate}, which field 'Crates' does not name: add it" for crate in sorted(touched - named)
        ]
        problems += [
            f"field 'Crates' names {crate}, which it does not touch: remove it" for crate in sorted(named - touched)
        ]
    problems += [
        f"field 'Smoke-test' names {name!r}, and there is no such smoke test: correct it, or add the test"
        for name in patch.smoke_tests
        if name not in smoke_tests
    ]
    return problems


def apply_series(series: Series, source: Path, runner: Runner) -> tuple[str, ...]:
    """Apply all patches, in order, to copies of the files of `source` that they touch; returns what did not fit.

    Nothing is forgiven: context that moved or changed is a problem. Ends at the first patch that does not apply, as
    those after it build on it. Raises `InfrastructureError` where `patch` cannot be started.
    """
    with tempfile.TemporaryDirectory(prefix="holoenzyme-patches-") as folder:
        tree = Path(folder)
        for path in sorted({change.path for patch in series.patches for change in patch.changes}):
            if (source / path).is_file():
                (tree / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / path, tree / path)
        problems: list[str] = []
        for patch in series.patches:
            words = ("--strip=1", "--fuzz=0", "--batch", "--forward", "--no-backup-if-mismatch")
            command = Command(
                argv=("patch", *words, f"--directory={tree}", f"--input={(series.folder / patch.name).absolute()}"),
                timeout=_TIMEOUT,
                env={"LC_ALL": "C"},
            )
            done = runner.run(command, merge=True)
            problems += [f"{patch.name}: {line}" for line in done.output.splitlines() if not _APPLIED.match(line)]
            if not done.ok:
                problems.append(f"{patch.name}: it does not apply; the patches after it were not tried")
                break
        return tuple(problems)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for part in text.split(",") if (word := part.strip()))
