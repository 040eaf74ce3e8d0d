"""Versions newer than the pinned ones, and those of them that may be written. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum

from debian.debian_support import Version as DebianVersion
from packaging.version import Version as PythonVersion
from semver import Version as CrateVersion

from holoenzyme.errors import InfrastructureError
from holoenzyme.matrix.model import MATRIX_NAME, Matrix
from holoenzyme.matrix.yamlfile import Loc
from holoenzyme.resolve.mentions import in_manifest, rewrite
from holoenzyme.resolve.model import LOCK_NAME, Resolution
from holoenzyme.resolve.reconcile import compare, upstream_of, with_shared


class Fate(Enum):
    """The fate of a newer version."""

    WRITTEN = "is written"
    BY_HAND = "has to be taken by hand"
    HELD = "is not what the pin allows"


@dataclass(frozen=True, kw_only=True)
class NewerVersion:
    """Something newer: of which kind, which name, the versions (none where it comes or goes), and what becomes of it.

    `where` names the files that it is written to; `why` says why it is not.
    """

    kind: str
    name: str
    old: str | None
    new: str | None
    fate: Fate = Fate.WRITTEN
    where: tuple[str, ...] = ()
    why: str | None = None

    def __str__(self) -> str:
        then = f"not written: {self.why}" if self.why else ", ".join(self.where)
        return f"{self.kind} {self.name} {self.old or '-'} -> {self.new or '-'} ({then})"


def newer_crate(new: str, old: str) -> bool:
    """Whether a crate's version comes after another in semver's order."""
    return bool(CrateVersion.parse(new) > CrateVersion.parse(old))


def newer_wheel(new: str, old: str) -> bool:
    """Whether a Python package's version comes after another in the order of PEP 440."""
    return PythonVersion(new) > PythonVersion(old)


def newer_releases(matrix: Matrix, offered: Mapping[str, str]) -> tuple[list[NewerVersion], dict[Loc, str]]:
    """Newer releases, by the packages of an archive (name → Debian version) that follow them.

    Returns what is newer, and the places in matrix.yaml with the releases to write there.
    """
    found: list[NewerVersion] = []
    edits: dict[Loc, str] = {}
    for at, item in matrix.releases():
        section, version = str(at[0]), str(at[1])
        upstream = {name: upstream_of(offered[name]) for name in item.followers.values() if name in offered}
        if item.release is None or not upstream:
            continue
        newest = max(upstream.values(), key=DebianVersion)
        if not DebianVersion(newest) > DebianVersion(item.release):
            continue
        fate, why = Fate.BY_HAND, None
        if len(set(upstream.values())) > 1:
            each = ", ".join(f"{name} {of}" for name, of in upstream.items())
            why = f"the archive is between two releases: {each}"
        elif not newest.startswith((f"{version}.", f"{version}-")):
            why = f"it is another version on the axis {section} than {version}, with cells and patches of its own"
        else:
            fate, edits[*at, "release"] = Fate.WRITTEN, newest
        where = (MATRIX_NAME, LOCK_NAME) if fate is Fate.WRITTEN else ()
        found.append(
            NewerVersion(kind=section, name=version, old=item.release, new=newest, fate=fate, where=where, why=why)
        )
    return found, edits


def narrow(locked: Resolution, offered: Resolution, names: Collection[str]) -> Resolution:
    """The lock with only what `names` (packages, or the base of a place as `BASE`) ask for taken as it is offered.

    What shares a package with a set that moves comes along. Sets are offered on top of the base as it is offered: where
    that has moved, all of the place is taken.
    """
    wanted = set(names)
    bases, sets = dict(locked.bases), dict(locked.sets)
    for key, base in offered.bases.items():
        old = {name: locked.sets.get(key, {}).get(name, item) for name, item in offered.sets[key].items()}
        named = {name for name, item in offered.sets[key].items() if wanted & {*item.packages, *old[name].packages}}
        moving = {name for name in named if old[name] != offered.sets[key][name]}
        of_base = key.rpartition("-")[0] in wanted or wanted & set(base.packages)
        if of_base or (moving and base.packages != locked.bases[key].packages):
            bases[key], sets[key] = base, offered.sets[key]
            continue
        taken = with_shared(old, offered.sets[key], moving)
        sets[key] = {name: offered.sets[key][name] if name in taken else item for name, item in old.items()}
    return locked.model_copy(update={"bases": bases, "sets": sets})


def newer_packages(locked: Resolution, offered: Resolution, *, by_hand: str | None = None) -> list[NewerVersion]:
    """How the Debian packages of a resolution differ from the locked ones.

    `by_hand` is why they are not written. Raises `InfrastructureError` where the archive is behind the lock.
    """
    changes = compare(locked, offered.model_copy(update={"crates": locked.crates, "wheels": locked.wheels}))
    older = [
        str(change)
        for change in changes
        if change.locked and change.offered and DebianVersion(change.offered) < DebianVersion(change.locked)
    ]
    if older:
        fix = "use an up-to-date mirror of the distribution"
        raise InfrastructureError(f"the archive is behind {LOCK_NAME}", why="; ".join(older), fix=fix)
    seen: dict[tuple[str, str | None, str | None], list[str]] = {}
    for change in changes:
        seen.setdefault((change.package, change.locked, change.offered), []).append(change.where)
    fate = Fate.BY_HAND if by_hand else Fate.WRITTEN
    return [
        NewerVersion(
            kind="package",
            name=name,
            old=old,
            new=new,
            fate=fate,
            where=(f"{LOCK_NAME}: {', '.join(where)}",),
            why=by_hand,
        )
        for (name, old, new), where in seen.items()
    ]


def newer_in_cargo_lock(path: str, old: str, new: str) -> list[NewerVersion]:
    """How the crates of a Cargo.lock differ from those of another."""
    before, after = _crates_in(old), _crates_in(new)
    return [
        NewerVersion(
            kind="crate",
            name=name,
            old=", ".join(sorted(before.get(name, set()) - after.get(name, set()))) or None,
            new=", ".join(sorted(after.get(name, set()) - before.get(name, set()))) or None,
            where=(path,),
        )
        for name in sorted({*before, *after})
        if before.get(name, set()) != after.get(name, set())
    ]


def _crates_in(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for item in tomllib.loads(text).get("package", []):
        if "checksum" in item:
            found.setdefault(item["name"], set()).add(item["version"])
    return found


def newer_in_requirements(path: str, old: str, new: str) -> list[NewerVersion]:
    """How the Python packages of a requirements file differ from those of another."""
    before, after = requirements_in(old), requirements_in(new)
    return [
        NewerVersion(kind="requirement", name=name, old=before.get(name), new=after.get(name), where=(path,))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def requirements_in(text: str) -> dict[str, str]:
    """The pinned Python packages of a requirements file: name → version."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s\\;]+)", text, re.MULTILINE))


def with_wheel(text: str, name: str, version: str, sums: Collection[str]) -> str:
    """A requirements.txt with another version of a wheel, and the SHA-256 of its files in place of the old ones."""
    pinned = re.compile(rf"^{re.escape(name)}\s*==(?:[^\n]*\\\n)*[^\n]*$", re.MULTILINE)
    hashes = "".join(f" \\\n    --hash=sha256:{each}" for each in sorted(sums))
    return pinned.sub(lambda _: f"{name}=={version}{hashes}", text)


def with_exact(path: str, manifest: str, versions: Mapping[str, str]) -> str:
    """A Cargo.toml (`path`) that asks for other exact versions of some crates."""
    places = [(in_manifest({path: manifest}, path, name), version) for name, version in versions.items()]
    return rewrite(manifest, [(at, version) for at, version in places if at is not None])


def direct_crates(manifest: str) -> dict[str, str]:
    """The crates of the registry that a Cargo.toml names, for itself or for members: name → requirement of cargo's."""
    data = tomllib.loads(manifest)
    found: dict[str, str] = {}
    sections = [data.get(name, {}) for name in ("dependencies", "dev-dependencies", "build-dependencies")]
    for section in (*sections, data.get("workspace", {}).get("dependencies", {})):
        for name, value in section.items():
            words = {"version": value} if isinstance(value, str) else value
            if "version" in words and not {"path", "git"} & set(words):
                found[words.get("package", name)] = words["version"].strip()
    return found


def rust_of(manifest: str) -> str | None:
    """The version of Rust that a Cargo.toml says it needs, or that its members need."""
    data = tomllib.loads(manifest)
    package = data.get("package") or data.get("workspace", {}).get("package", {})
    version = package.get("rust-version")
    return version if isinstance(version, str) else None
