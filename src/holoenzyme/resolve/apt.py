"""The distribution's archive, asked by this machine's apt in a folder of its own; nothing is installed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from holoenzyme.errors import InfrastructureError, UserError
from holoenzyme.matrix.model import Architecture, Base, Suite
from holoenzyme.matrix.recipe import BaseRule, PackageSet
from holoenzyme.process import Command, Completed, Runner
from holoenzyme.resolve.apt_text import (
    downloads_in,
    files_in,
    locked_files,
    origins_in,
    preferences,
    release_days,
    suite_list,
    with_suites,
)
from holoenzyme.resolve.archives import PlaceOffer
from holoenzyme.resolve.model import LockedPackage, LockedSet

#: What mmdebstrap's variants install, in apt's patterns.
_VARIANTS = {
    "essential": ("?essential",),
    "apt": ("?essential", "apt"),
    "minbase": ("?essential", "?priority(required)", "apt"),
}


def sources_list(base: Base) -> str:
    """The usual sources of a base; raises `UserError` for a distribution whose archive is not known."""
    if base.distribution != "debian":
        raise UserError(
            f"the archive of {base.distribution} {base.release} is not known",
            fix="set HOLOENZYME_APT_SOURCES to a file in the form of sources.list",
        )
    return "".join(
        f"deb http://deb.debian.org/{archive} {suite} main\n"
        for archive, suite in (
            ("debian", base.suite),
            ("debian", f"{base.suite}-updates"),
            ("debian-security", f"{base.suite}-security"),
        )
    )


def configuration(folder: Path, arch: str, *, auth: Path | None = None) -> str:
    """An apt.conf that keeps everything below `folder`, for one architecture; proxies stay those of the machine."""
    values = {
        "Dir::Etc::SourceList": str(folder / "sources.list"),
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::Etc::Preferences": str(folder / "preferences"),
        "Dir::Etc::PreferencesParts": "/dev/null",
        "Dir::State": str(folder / "state"),
        "Dir::State::status": str(folder / "status"),
        "Dir::Cache": str(folder / "cache"),
        "APT::Architecture": arch,
        "APT::Install-Recommends": "false",
        # As whoever runs it: apt's own user could not write here.
        "APT::Sandbox::User": "",
        # A list that could not be fetched is an error, and not a warning.
        "APT::Update::Error-Mode": "any",
        "Acquire::Languages": "none",
        "Acquire::Retries": "5",
    } | ({"Dir::Etc::netrc": str(auth)} if auth else {})
    lines = [f"{name} {json.dumps(value)};" for name, value in values.items()]
    return "\n".join(["#clear APT::Architectures;", f'APT::Architectures {{ "{arch}"; }};', *lines]) + "\n"


def as_installed(stanzas: str) -> str:
    """The output of `apt-cache show` for packages, as dpkg's status of a system that has them."""
    return re.sub(r"^(Package: .*)$", r"\1\nStatus: install ok installed", stanzas, flags=re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class AptArchive:
    """Asks with `apt-get` and `apt-cache`, for any base and architecture.

    `folder` keeps apt's lists. `sources` of every base, or `lists` of sources by suite, and `auth` are the user's files
    in place of the usual ones.
    """

    runner: Runner
    folder: Path
    sources: Path | None = None
    lists: Mapping[str, Path] = field(default_factory=dict)
    auth: Path | None = None

    def offer(
        self,
        base: Base,
        arch: Architecture,
        rule: BaseRule,
        sets: Mapping[str, PackageSet],
        suites: Mapping[str, Suite],
    ) -> PlaceOffer:
        """The base's packages and the closure of each set beyond them, at the newest versions that the archive has.

        Sets with packages of `suites` are asked for last: apt knows of those only then. Raises `InfrastructureError`
        where there is no apt or the archive does not answer, and `UserError` where it has no package of a name.
        """
        if rule.variant not in _VARIANTS:
            known = ", ".join(_VARIANTS)
            raise UserError(f"what the variant {rule.variant!r} installs is not known", fix=f"known are {known}")
        place = self.folder / f"{base.suite}-{arch.debian}"
        for name in ("state/lists/partial", "cache/archives/partial"):
            (place / name).mkdir(parents=True, exist_ok=True)
        own = self.sources.read_text("utf-8") if self.sources else self._list(base.suite) or sources_list(base)
        (place / "sources.list").write_text(own)
        (place / "preferences").write_text("")
        (place / "apt.conf").write_text(configuration(place, arch.debian, auth=self.auth))
        (place / "status").write_text("")
        what = f"asking the archive of {base.suite} ({arch.debian}) with apt"
        fix = "packages can be asked for where apt is and the archive answers; `nox -s lock` asks from inside the base"
        self._run(place, ("apt-get", "update", "-q")).check(what, fix=fix)
        roots = (*_VARIANTS[rule.variant], *rule.include)
        files = self._files(place, what, roots)
        stanzas = self._show(place, what, files)
        (place / "status").write_text(as_installed(stanzas))
        found = {name: self._files(place, what, item.roots) for name, item in sets.items() if not item.suites}
        offered = {
            name: LockedSet(roots=sets[name].roots, packages=each) for name, each in self._locked(place, what, found)
        }
        beside = {name: item for name, item in sets.items() if item.suites}
        gone = self._beside(place, own, beside, suites, offered) if beside else {}
        return PlaceOffer(packages=dict(files), sets=offered, gone=gone)

    def _list(self, suite: str) -> str | None:
        """The user's own sources of a suite."""
        path = self.lists.get(suite)
        return path.read_text("utf-8") if path else None

    def _locked(
        self, place: Path, what: str, found: Mapping[str, Sequence[tuple[str, str]]]
    ) -> Iterator[tuple[str, dict[str, LockedPackage]]]:
        """The files of each set with their checksums."""
        every = sorted({file for each in found.values() for file in each})
        available = downloads_in(self._show(place, what, every)) if every else {}
        return ((name, locked_files(each, available)) for name, each in found.items())

    def _beside(
        self,
        place: Path,
        own: str,
        sets: Mapping[str, PackageSet],
        suites: Mapping[str, Suite],
        offered: dict[str, LockedSet],
    ) -> dict[str, str]:
        """Add the sets with packages of other suites to what is `offered`; returns those that are gone, and why."""
        used = sorted({suite for item in sets.values() for suite in item.suites})
        lists = [self._list(name) or suite_list(name) for name in used]
        (place / "sources.list").write_text("".join((own, *lists)))
        what = f"asking the archive of {', '.join(used)} with apt"
        updated = self._run(place, ("apt-get", "update", "-q"))
        if updated.returncode != 0:
            return dict.fromkeys(sets, f"{updated.output}{updated.stderr}".strip())
        found: dict[str, list[tuple[str, str]]] = {}
        gone: dict[str, str] = {}
        for key, item in sets.items():
            (place / "preferences").write_text(preferences({name: suites[name] for name in used}, item.suites))
            done = self._run(place, ("apt-get", "install", "-qq", "-y", "--print-uris", *item.roots))
            if files := files_in(done.output.splitlines()) if done.returncode == 0 else []:
                found[key] = files
            else:
                gone[key] = f"{done.output}{done.stderr}".strip()
        names = sorted({name for files in found.values() for name, _ in files})
        table = self._run(place, ("apt-cache", "madison", *names)).check(what).output if names else ""
        days = release_days(self._releases(place))
        for key, packages in self._locked(place, what, found):
            offered[key] = with_suites(sets[key], packages, origins_in(table), days, suites)
        return gone

    @staticmethod
    def _releases(place: Path) -> str:
        """The fields of all release files that apt has fetched, without signatures."""
        lines = re.compile(r"^(?:Codename|Date): .*$", re.MULTILINE)
        texts = [path.read_text(encoding="utf-8") for path in sorted((place / "state/lists").glob("*Release"))]
        return "\n\n".join("\n".join(lines.findall(text)) for text in texts)

    def _files(self, place: Path, what: str, roots: Sequence[str]) -> list[tuple[str, str]]:
        done = self._run(place, ("apt-get", "install", "-qq", "-y", "--print-uris", *roots))
        said = f"{done.output}{done.stderr}".strip()
        if "Unable to locate package" in said:
            raise UserError(
                "a recipe asks for a package that the archive does not have", why=said, fix="correct `packages:`"
            )
        found = files_in(done.check(what).output.splitlines())
        if not found:
            raise InfrastructureError(f"{what} failed", why=f"it names no files: {done.command.replay()}")
        return found

    def _show(self, place: Path, what: str, files: Sequence[tuple[str, str]]) -> str:
        words = [f"{name}={version}" for name, version in files]
        return self._run(place, ("apt-cache", "show", *words)).check(what).output

    def _run(self, place: Path, argv: tuple[str, ...]) -> Completed:
        env = {"APT_CONFIG": str(place / "apt.conf"), "LC_ALL": "C.UTF-8"}
        return self.runner.run(Command(argv=argv, timeout=900, env=env))
