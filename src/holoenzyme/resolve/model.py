"""`matrix.lock`, and the resolution that a build really uses: exact versions and checksums."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from holoenzyme.errors import UserError

LOCK_NAME = "matrix.lock"
RELOCK = "run `nox -s lock` and commit what it writes"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Sparse(_Strict):
    """What says nothing of suites where all packages are of the base's own: most lines of the lock."""

    @model_serializer(mode="wrap")
    def _without_suites(self, inner: SerializerFunctionWrapHandler) -> dict[str, object]:
        return {key: value for key, value in inner(self).items() if value or not key.startswith("suite")}


class LockedPackage(_Sparse):
    """One package of the distribution. `sha256` and `size` (bytes) are those of its .deb file.

    `suite` is the one that it comes from, where that is none of the base's own.
    """

    version: str
    architecture: str
    sha256: str
    size: int
    suite: str | None = None

    def file_name(self, name: str) -> str:
        """The file's name as apt writes it: a colon in the version is escaped."""
        return f"{name}_{self.version.replace(':', '%3a')}_{self.architecture}.deb"


class LockedSet(_Sparse):
    """The packages that a set asked for (`roots`) and needs, beyond the base: package name → package.

    `suites` are those beside the base's own that some come from: name → the day of its release file then.
    """

    roots: tuple[str, ...]
    packages: dict[str, LockedPackage]
    suites: dict[str, date] = Field(default_factory=dict)


class LockedBase(_Strict):
    """A base: the digest to pull it by, where one is known, and the packages (name → version) that identify it."""

    image: str
    digest: str | None
    digest_reason: str | None = None
    include: tuple[str, ...]
    packages: dict[str, str]


class LockedCrate(_Strict):
    """A crate, as a Cargo.lock of the project pins it."""

    version: str
    checksum: str
    lockfile: str


class LockedWheel(_Strict):
    """A Python wheel, as a requirements.txt of the project pins it; a SHA-256 for each architecture that it is for."""

    version: str
    sha256: tuple[str, ...]
    lockfile: str


class Resolution(_Strict):
    """Exact versions of everything: bases and package sets by `BASE-ARCH`, crates and wheels by name.

    A set that depends on the version of Rust stands in it as `SET/RUST`.
    """

    bases: dict[str, LockedBase]
    sets: dict[str, dict[str, LockedSet]]
    crates: dict[str, LockedCrate]
    wheels: dict[str, LockedWheel] = Field(default_factory=dict)

    def lockfiles(self) -> dict[str, str]:
        """The files of the project that pin crates and wheels: name → path."""
        crates = {name: crate.lockfile for name, crate in self.crates.items()}
        return crates | {name: wheel.lockfile for name, wheel in self.wheels.items()}

    def digest(self) -> str:
        """A hash of the whole content, independent of the order of keys."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


class Lock(Resolution):
    """`matrix.lock`: a resolution with a schema version and the name of its generator."""

    schema_version: Literal[1] = Field(alias="schema")
    generated_by: str

    def resolution(self) -> Resolution:
        """The resolution that the lock describes."""
        return Resolution(bases=self.bases, sets=self.sets, crates=self.crates, wheels=self.wheels)


def place(base: str, arch: str) -> str:
    """The key under which bases and package sets stand: the same base differs between architectures."""
    return f"{base}-{arch}"


def read_lock(path: Path) -> Lock:
    """Read `matrix.lock`.

    Raises `UserError` where it is absent, is no JSON, or has another form.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path.name} is missing", fix=RELOCK) from None
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{path.name}:{error.lineno}:{error.colno}: not JSON: {error.msg}", fix=RELOCK) from None
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != 1:
        raise UserError(f"{path.name}: schema version {schema!r}, this program reads 1", fix=RELOCK)
    try:
        return Lock.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path.name}: {where}: {first['msg']}", fix=RELOCK) from None


def lock_text(resolution: Resolution) -> str:
    """The text of `matrix.lock`: keys sorted, one package a line."""
    return _pretty({"schema": 1, "generated_by": "nox -s lock", **resolution.model_dump(mode="json")}) + "\n"


def write_lock(path: Path, resolution: Resolution) -> str:
    """Write `matrix.lock` and return its text."""
    text = lock_text(resolution)
    path.write_text(text, encoding="utf-8")
    return text


def _pretty(value: object, indent: int = 0) -> str:
    """JSON in which a mapping without containers inside stands on one line, so that a diff names one package a line."""
    if not isinstance(value, Mapping) or not value:
        return json.dumps(value)
    if indent and not any(isinstance(item, Mapping) for item in value.values()) and len(value) <= 6:
        return json.dumps(dict(sorted(value.items())))
    pad = "  " * (indent + 1)
    keys = list(value) if indent == 0 else sorted(value)
    inner = ",\n".join(f"{pad}{json.dumps(key)}: {_pretty(value[key], indent + 1)}" for key in keys)
    return "{\n" + inner + "\n" + "  " * indent + "}"
