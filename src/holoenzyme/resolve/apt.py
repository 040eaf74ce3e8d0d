"""The distribution's archive, asked by this machine's apt in a folder of its own; nothing is installed."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from holoenzyme.errors import InfrastructureError, UserError
from holoenzyme.matrix.model import Architecture, Base
from holoenzyme.matrix.recipe import BaseRule
from holoenzyme.process import Command, Completed, Runner
from holoenzyme.resolve.apt_text import downloads_in, files_in, locked_files
from holoenzyme.resolve.archives import PlaceOffer
from holoenzyme.resolve.model import LockedSet

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
        "Dir::Etc::Preferences": "/dev/null",
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

    `folder` keeps apt's lists. `sources` and `auth` are the user's files in place of the usual sources.
    """

    runner: Runner
    folder: Path
    sources: Path | None = None
    auth: Path | None = None

    def offer(self, base: Base, arch: Architecture, rule: BaseRule, sets: Mapping[str, tuple[str, ...]]) -> PlaceOffer:
        """The base's packages and the closure of each set beyond them, at the newest versions that the archive has.

        Raises `InfrastructureError` where there is no apt or the archive does not answer, and `UserError` where it has
        no package of a name.
        """
        if rule.variant not in _VARIANTS:
            known = ", ".join(_VARIANTS)
            raise UserError(f"what the variant {rule.variant!r} installs is not known", fix=f"known are {known}")
        place = self.folder / f"{base.suite}-{arch.debian}"
        for name in ("state/lists/partial", "cache/archives/partial"):
            (place / name).mkdir(parents=True, exist_ok=True)
        if self.sources is None:
            (place / "sources.list").write_text(sources_list(base))
        else:
            shutil.copyfile(self.sources, place / "sources.list")
        (place / "apt.conf").write_text(configuration(place, arch.debian, auth=self.auth))
        (place / "status").write_text("")
        what = f"asking the archive of {base.suite} ({arch.debian}) with apt"
        fix = "packages can be asked for where apt is and the archive answers; `nox -s lock` asks from inside the base"
        self._run(place, ("apt-get", "update", "-q")).check(what, fix=fix)
        roots = (*_VARIANTS[rule.variant], *rule.include)
        files = self._files(place, what, roots)
        stanzas = self._show(place, what, files)
        (place / "status").write_text(as_installed(stanzas))
        found = {name: self._files(place, what, wanted) for name, wanted in sets.items()}
        every = sorted({file for each in found.values() for file in each})
        available = downloads_in(self._show(place, what, every)) if every else {}
        return PlaceOffer(
            packages=dict(files),
            sets={
                name: LockedSet(roots=sets[name], packages=locked_files(each, available))
                for name, each in found.items()
            },
        )

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
