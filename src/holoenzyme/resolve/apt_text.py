"""apt's own words: the files that it would download, and its lists of packages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from debian.deb822 import Packages

from holoenzyme.errors import InfrastructureError
from holoenzyme.resolve.model import LockedPackage


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
