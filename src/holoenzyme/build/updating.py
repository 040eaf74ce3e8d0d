"""Newer versions of every pin: asked for archive by archive, and written as new texts of the files where they stand."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from holoenzyme.errors import InfrastructureError, UserError
from holoenzyme.matrix.model import MATRIX_NAME, Matrix
from holoenzyme.matrix.yamlfile import Loc, did_you_mean, parse_model
from holoenzyme.resolve.apt_text import wanted_again
from holoenzyme.resolve.archives import Archives
from holoenzyme.resolve.cargo import direct_versions
from holoenzyme.resolve.mentions import in_matrix, manifest_of, rewrite
from holoenzyme.resolve.model import LOCK_NAME, LockedBase, LockedSet, Resolution, lock_text, place
from holoenzyme.resolve.newer import (
    Fate,
    NewerVersion,
    direct_crates,
    narrow,
    newer_crate,
    newer_in_cargo_lock,
    newer_in_requirements,
    newer_packages,
    newer_releases,
    newer_wheel,
    requirements_in,
    rust_of,
    with_exact,
    with_wheel,
)
from holoenzyme.resolve.pinned import crate_in_lockfile, wheel_in_requirements
from holoenzyme.resolve.reconcile import check_fits
from holoenzyme.resolve.uv import REQUIREMENTS
from holoenzyme.session import Project


@dataclass(kw_only=True)
class Draft:
    """Newer versions, the files with them (path → new text), and the archives that did not answer (name, error)."""

    findings: list[NewerVersion] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    unanswered: list[tuple[str, InfrastructureError]] = field(default_factory=list)

    @property
    def newer(self) -> bool:
        """Whether something is newer that the pins allow."""
        return any(finding.fate is not Fate.HELD for finding in self.findings)


class Updater:
    """Asks for newer versions of a project's pins; nothing is written.

    `names` are those that are asked for: packages, bases, crates, wheels and requirements; all, where there are none.
    """

    def __init__(
        self, project: Project, archives: Archives, names: Collection[str], say: Callable[[str], None]
    ) -> None:
        self._project = project
        self._archives = archives
        self._names = frozenset(names)
        self._say = say
        self._draft = Draft()
        self._edits: dict[Loc, str] = {}
        self._resolution: Resolution = project.lock.resolution()

    def draft(self) -> Draft:
        """Ask every archive that has something of what is asked for.

        Raises `UserError` for a name that is no pin's; an archive that does not answer is kept in the draft.
        """
        self._check_names()
        for what, step in (
            ("packages", self._packages),
            ("bases", self._digests),
            ("crates", self._crates),
            ("wheels", self._wheels),
            ("requirements", self._requirements),
        ):
            try:
                step()
            except InfrastructureError as error:
                self._draft.unanswered.append((what, error))
        self._assemble()
        return self._draft

    # What there is to ask for

    def _check_names(self) -> None:
        resolution, matrix = self._resolution, self._project.matrix
        known = {
            *(name for base in resolution.bases.values() for name in base.packages),
            *(name for sets in resolution.sets.values() for item in sets.values() for name in item.packages),
            *(cell.base for cell in matrix.supported()),
            *(name for path in self._cargo_locks for name in self._crates_of(path)),
            *matrix.pins.wheels,
            *self._requirement_names,
        }
        for name in self._names:
            if name not in known:
                fix = did_you_mean(name, known) or "name a package, a base, a crate, a wheel or a requirement"
                raise UserError(f"{name!r} is pinned nowhere", fix=fix)

    @cached_property
    def _cargo_locks(self) -> tuple[str, ...]:
        """The project's own Cargo.lock files that have crates of the registry."""
        root = self._project.root
        found = []
        for path in sorted(root.rglob("Cargo.lock")):
            parts = path.relative_to(root).parts
            hidden = any(part.startswith(".") or part in ("target", "build") for part in parts)
            if not hidden and path.with_name("Cargo.toml").is_file() and "checksum = " in path.read_text("utf-8"):
                found.append("/".join(parts))
        return tuple(found)

    def _crates_of(self, path: str) -> set[str]:
        return {finding.name for finding in newer_in_cargo_lock(path, "", self._read(path))}

    @cached_property
    def _requirement_names(self) -> frozenset[str]:
        has = (self._project.root / REQUIREMENTS).is_file()
        return frozenset(requirements_in(self._read(REQUIREMENTS))) if has else frozenset()

    def _asked(self, names: Collection[str]) -> bool:
        """Whether any of these is asked for."""
        return not self._names or bool(self._names & set(names))

    def _read(self, path: str) -> str:
        return (self._project.root / path).read_text("utf-8")

    # The archives

    def _packages(self) -> None:
        """The distribution's packages: those of bases, those of sets, and the releases that packages follow."""
        project, locked = self._project, self._resolution
        names = {
            *(name for base in locked.bases.values() for name in base.packages),
            *(name for sets in locked.sets.values() for item in sets.values() for name in item.packages),
            *(cell.base for cell in project.matrix.supported()),
        }
        if not self._asked(names):
            return
        bases: dict[str, LockedBase] = dict(locked.bases)
        sets: dict[str, dict[str, LockedSet]] = dict(locked.sets)
        for key, (base, arch) in self._places.items():
            self._say(f"packages: asking the archive of {base} for {arch}")
            offer = self._archives.distribution.offer(
                project.matrix.bases[base],
                project.matrix.architectures[arch],
                project.cookbook.base_rule(),
                {name: wanted_again(name, item) for name, item in locked.sets[key].items()},
                project.matrix.suites,
            )
            if offer.gone:
                why = "; ".join(f"{name}: {said}" for name, said in offer.gone.items())
                raise InfrastructureError(
                    f"the archive of {base} does not have some sets of packages any more", why=why
                )
            bases[key] = bases[key].model_copy(update={"packages": dict(offer.packages)})
            sets[key] = dict(offer.sets)
        offered = locked.model_copy(update={"bases": bases, "sets": sets})
        if self._names:
            offered = narrow(locked, offered, self._names)
        versions = {
            name: item.version
            for of_place in offered.sets.values()
            for each in of_place.values()
            for name, item in each.packages.items()
        }
        releases, edits = newer_releases(project.matrix, versions)
        blocked = [finding for finding in releases if finding.fate is Fate.BY_HAND]
        by_hand = "; ".join(f"{item.kind} {item.name} is not written" for item in blocked) or None
        self._draft.findings += [*releases, *newer_packages(locked, offered, by_hand=by_hand)]
        if not blocked:
            self._edits |= edits
            self._resolution = offered

    def _digests(self) -> None:
        """The digests of the bases in a container registry."""
        for key, (base, _) in self._places.items():
            if not self._asked([base]):
                continue
            locked = self._resolution.bases[key]
            try:
                digest = self._archives.digest(locked.image)
            except InfrastructureError as error:
                self._say(f"base {base}: {locked.image} was not looked for: {error.what}")
                continue
            if digest is None:
                self._say(f"base {base}: no registry answers for {locked.image}; its digest was not looked at")
            elif digest != locked.digest:
                changed = locked.model_copy(update={"digest": digest, "digest_reason": None})
                self._resolution = self._resolution.model_copy(
                    update={"bases": {**self._resolution.bases, key: changed}}
                )
                finding = NewerVersion(kind="base", name=base, old=locked.digest, new=digest, where=(LOCK_NAME,))
                self._draft.findings.append(finding)

    @cached_property
    def _places(self) -> dict[str, tuple[str, str]]:
        """The bases and architectures of what can be built, by their key in the lock."""
        cells = self._project.matrix.supported()
        return {place(cell.base, cell.arch): (cell.base, cell.arch) for cell in cells}

    def _crates(self) -> None:
        for path in self._cargo_locks:
            if self._asked(self._crates_of(path)):
                self._say(f"crates: asking the registry about {path}")
                self._cargo_lock(path)

    def _cargo_lock(self, path: str) -> None:
        """One Cargo.lock, and what its Cargo.toml pins exactly."""
        manifest_path = manifest_of(path)
        manifest, registry = self._read(manifest_path), self._archives.crates
        asked = {name: words for name, words in direct_crates(manifest).items() if self._asked([name])}
        exact = {name: words.removeprefix("=").strip() for name, words in asked.items() if words.startswith("=")}
        rust = rust_of(manifest) or self._project.matrix.cell(self._project.matrix.defaults.cell).rust
        newest = registry.newest(dict.fromkeys(asked, "*"), rust)
        allowed = registry.newest({name: f"^{version}" for name, version in exact.items()}, rust)
        # Who names a crate wants the newest, whatever semver says of it.
        best = {name: newest[name] if name in self._names else allowed[name] for name in exact}
        moved = {name: best[name] for name, version in exact.items() if newer_crate(best[name], version)}
        changed = with_exact(manifest_path, manifest, moved)
        named = {*moved, *(self._names & self._crates_of(path))} if self._names else set()
        lock = registry.lockfile((self._project.root / path).parent, changed, named)
        self._draft.texts |= {path: lock, manifest_path: changed}
        self._draft.findings += [
            replace(finding, where=self._crate_places(path, finding.name, moved))
            for finding in newer_in_cargo_lock(path, self._read(path), lock)
        ]
        have = direct_versions(lock, set(asked))
        self._draft.findings += [
            NewerVersion(
                kind="crate",
                name=name,
                old=have[name],
                new=newest[name],
                fate=Fate.HELD,
                why="semver calls it incompatible; "
                + (f"`nox -s update -- {name}` takes it" if name in exact else f"{manifest_path} asks for {words}"),
            )
            for name, words in asked.items()
            if name in have and newer_crate(newest[name], have[name])
        ]

    def _crate_places(self, path: str, name: str, moved: Collection[str]) -> tuple[str, ...]:
        """The files that have the version of a crate of the Cargo.lock `path`."""
        pinned = self._resolution.crates.get(name)
        manifest = [manifest_of(path)] if name in moved else []
        return (path, *manifest, *([MATRIX_NAME, LOCK_NAME] if pinned and pinned.lockfile == path else []))

    def _wheels(self) -> None:
        for name, pin in self._project.matrix.pins.wheels.items():
            if not self._asked([name]):
                continue
            self._say(f"wheels: asking the index for {name}")
            index, archs = self._archives.index, sorted({arch for _, arch in self._places.values()})
            offers = [index.wheel(f"{name}{pin.within or ''}", arch) for arch in archs]
            versions = {offer.version for offer in offers}
            if len(versions) > 1:
                why = "the architectures have different versions: " + ", ".join(sorted(versions))
                self._draft.findings.append(
                    NewerVersion(kind="wheel", name=name, old=pin.version, new=None, fate=Fate.BY_HAND, why=why)
                )
                continue
            (new,) = versions
            path = self._resolution.wheels[name].lockfile
            if newer_wheel(new, pin.version):
                self._edits["pins", "wheels", name, "version"] = new
                text = self._draft.texts.get(path, self._read(path))
                self._draft.texts[path] = with_wheel(text, name, new, {offer.sha256 for offer in offers})
                where = (MATRIX_NAME, path, LOCK_NAME)
                self._draft.findings.append(
                    NewerVersion(kind="wheel", name=name, old=pin.version, new=new, where=where)
                )
            newest = index.wheel(name, archs[0]).version if pin.within else new
            if newer_wheel(newest, new):
                why = f"{MATRIX_NAME} allows {pin.within}"
                self._draft.findings.append(
                    NewerVersion(kind="wheel", name=name, old=new, new=newest, fate=Fate.HELD, why=why)
                )

    def _requirements(self) -> None:
        names = self._names & self._requirement_names
        if not self._requirement_names or (self._names and not names):
            return
        self._say(f"requirements: asking the index about {REQUIREMENTS}")
        old = self._read(REQUIREMENTS)
        new = self._archives.index.requirements(self._project.root, names)
        self._draft.findings += newer_in_requirements(REQUIREMENTS, old, new)
        # Hashes of files that were added to an old version, and words in the header, are no newer version.
        if requirements_in(old) != requirements_in(new):
            self._draft.texts[REQUIREMENTS] = new

    # What is written

    def _assemble(self) -> None:
        """matrix.yaml and matrix.lock with everything that was found; only what differs stays in the draft."""
        texts, resolution = self._draft.texts, self._resolution
        crates = {
            name: crate_in_lockfile(texts.get(crate.lockfile) or self._read(crate.lockfile), name, crate.lockfile)
            for name, crate in resolution.crates.items()
        }
        wheels = {
            name: wheel_in_requirements(texts.get(wheel.lockfile) or self._read(wheel.lockfile), name, wheel.lockfile)
            for name, wheel in resolution.wheels.items()
        }
        for name, crate in crates.items():
            if crate.version != resolution.crates[name].version:
                self._edits["pins", "crates", name, "version"] = crate.version
        resolution = resolution.model_copy(update={"crates": crates, "wheels": wheels})
        matrix_text = self._read(MATRIX_NAME)
        mentions = [(in_matrix({MATRIX_NAME: matrix_text}, at), version) for at, version in self._edits.items()]
        texts[MATRIX_NAME] = rewrite(matrix_text, [(at, version) for at, version in mentions if at is not None])
        if resolution != self._project.lock.resolution():
            texts[LOCK_NAME] = lock_text(resolution)
        files = self._project.pinning_files(resolution) | texts
        matrix = parse_model(texts[MATRIX_NAME], MATRIX_NAME, Matrix)
        check_fits(matrix, self._project.cookbook, resolution, files)
        self._draft.texts = {path: text for path, text in sorted(texts.items()) if text != self._read(path)}


def write(root: Path, texts: dict[str, str]) -> None:
    """Write the files of a draft below the project folder; each is whole, or as it was."""
    for path, text in texts.items():
        part = root / f"{path}.part"
        part.write_text(text, encoding="utf-8")
        part.replace(root / path)
