"""apt's own words: the files that it would download, its lists of packages, and its preferences. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from debian.deb822 import Packages

from holoenzyme.errors import InfrastructureError
from holoenzyme.matrix.model import Suite
from holoenzyme.matrix.recipe import PackageSet
from holoenzyme.resolve.model import LockedPackage, LockedSet

#: Of a suite, what nobody named; and of a package that is named, every other suite. Never installed.
_NEVER = -1
#: Of a suite, what is named: before the base's own suites (500), never downwards (from 1000 on).
_NAMED = 990


def files_in(uris: Iterable[str]) -> list[tuple[str, str]]:
    """The packages (name, version) in lines of `apt-get --print-uris`; other lines are left out."""
    found = []
    for line in uris:
        if line.startswith("'"):
            name, version, _ = unquote(line.split("'")[2].split()[0]).split("_")
            found.append((name, version))
    return found


def downloads_in(stanzas: str) -> dict[tuple[str, str], LockedPackage]:
    """The packages that can be downloaded, by (name, version), as `apt-cache show` says."""
    available: dict[tuple[str, str], LockedPackage] = {}
    for stanza in Packages.iter_paragraphs(stanzas, use_apt_pkg=False):
        # A package that is only installed has no file: it cannot be downloaded.
        if "SHA256" in stanza:
            available[stanza["Package"], stanza["Version"]] = LockedPackage(
                version=stanza["Version"],
                architecture=stanza["Architecture"],
                sha256=stanza["SHA256"],
                size=int(stanza["Size"]),
            )
    return available


def locked_files(
    files: Iterable[tuple[str, str]], available: Mapping[tuple[str, str], LockedPackage]
) -> dict[str, LockedPackage]:
    """Packages (name, version) with their checksums; raises `InfrastructureError` where one has none."""
    found: dict[str, LockedPackage] = {}
    for name, version in files:
        if (name, version) not in available:
            raise InfrastructureError(f"the archive offers {name} {version} without a checksum")
        found[name] = available[name, version]
    return found


def suite_list(suite: str) -> str:
    """A sources.list of a suite beside the base's own; its release file may have expired, as that of any snapshot."""
    return f"deb [check-valid-until=no] http://deb.debian.org/debian {suite} main\n"


def preferences(suites: Mapping[str, Suite], named: Mapping[str, Collection[str]]) -> str:
    """apt's preferences, with which of some suites nothing is taken but the packages `named` (suite → packages).

    Those are taken from nowhere else, so that where one is gone nothing takes its place.
    """
    records = [("*", f"release n={suites[name].codename}", _NEVER) for name in sorted({*suites, *named})]
    for name, packages in sorted(named.items()):
        words = " ".join(sorted(packages))
        # The first record about a package that fits counts, and before those about all packages.
        records += [(words, f"release n={suites[name].codename}", _NAMED), (words, "version *", _NEVER)]
    return "\n".join(f"Package: {package}\nPin: {pin}\nPin-Priority: {number}\n" for package, pin, number in records)


def origins_in(table: str) -> dict[tuple[str, str], frozenset[str]]:
    """The suites that have a package, by (name, version), in the words of `apt-cache madison`."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for line in table.splitlines():
        # `rustc | 1.98.1 | http://archive.invalid/debian experimental/main amd64 Packages`
        columns = [column.strip() for column in line.split("|")]
        if len(columns) == 3 and len(words := columns[2].split()) >= 2:
            key = columns[0], columns[1]
            found[key] = found.get(key, frozenset()) | {words[1].partition("/")[0]}
    return found


def release_days(fields: str) -> dict[str, date]:
    """The days of release files by their codenames, from their fields `Codename` and `Date`, in any order."""
    days: dict[str, date] = {}
    for part in re.split(r"\n\s*\n", fields):
        values = dict(line.split(": ", 1) for line in part.splitlines() if ": " in line)
        if {"Codename", "Date"} <= values.keys():
            days[values["Codename"]] = parsedate_to_datetime(values["Date"]).date()
    return days


def with_suites(
    item: PackageSet,
    found: Mapping[str, LockedPackage],
    origins: Mapping[tuple[str, str], frozenset[str]],
    days: Mapping[str, date],
    suites: Mapping[str, Suite],
) -> LockedSet:
    """A set as it was found, with the suite of each package that is of none of the base's own, and the suites' days.

    Raises `InfrastructureError` for a package that came from a suite that nobody named it for: apt was to refuse that.
    """
    packages: dict[str, LockedPackage] = {}
    for name, package in found.items():
        has = origins.get((name, package.version), frozenset())
        wanted = item.suite_of(name)
        beside = {suite for suite, rule in suites.items() if {suite, rule.codename} & has}
        own = has - {word for suite, rule in suites.items() for word in (suite, rule.codename)}
        if wanted not in beside if wanted else not own:
            raise InfrastructureError(
                f"{name} {package.version} of set {item.key} comes from {', '.join(sorted(has)) or 'nowhere'}",
                why=f"it is to come from {wanted or 'a suite of the base'} and from nowhere else",
                fix="look at the sources of apt that are in use; a recipe names the packages of other suites",
            )
        packages[name] = package.model_copy(update={"suite": wanted})
    missing = sorted(name for name in item.suites if suites[name].codename not in days)
    if missing:
        raise InfrastructureError(f"the release file of {', '.join(missing)} does not say its codename and its date")
    return LockedSet(
        roots=item.roots, packages=packages, suites={name: days[suites[name].codename] for name in item.suites}
    )


def wanted_again(key: str, locked: LockedSet) -> PackageSet:
    """What a locked set asks the archive for: each package from the suite that it was locked from."""
    suites: dict[str, tuple[str, ...]] = dict.fromkeys(locked.suites, ())
    for name, item in locked.packages.items():
        if item.suite is not None:
            suites[item.suite] = (*suites.get(item.suite, ()), name)
    return PackageSet(key=key, roots=locked.roots, suites=suites)
