"""Small programs that making bases and copying images need: their purposes, and installing them.

`Host` is what is asked of the machine for that, and by `doctor`.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from holoenzyme.console import say
from holoenzyme.engine.api import Api
from holoenzyme.engine.versions import Negotiated
from holoenzyme.errors import InfrastructureError
from holoenzyme.process import Command, Completed, Runner

_INSTALL_TIMEOUT = 600.0

#: Small programs that the project can install itself, and what each is for. Debian's packages have the same names.
TOOLS = {
    "mmdebstrap": "makes the base image where no registry answers",
    "skopeo": "copies images to and from stores (--store, --save) and measures them",
}

#: How a system's packages are installed, by its ID, or one of its ID_LIKE, in os-release.
INSTALLERS = {
    "debian": ("apt-get", "install", "-y"),
    "fedora": ("dnf", "install", "-y"),
    "suse": ("zypper", "install", "-y"),
    "arch": ("pacman", "-S"),
}


class Host(Protocol):
    """The questions to the machine; replaced by a fake in unit tests."""

    @property
    def python(self) -> tuple[int, int]:
        """The version of the Python that runs this."""

    @property
    def uid(self) -> int:
        """The user's number; 0 is root."""

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment."""

    @property
    def runner(self) -> Runner:
        """The runner of commands."""

    @property
    def os_release(self) -> Mapping[str, str]:
        """The fields of the system's os-release file; empty where it has none."""

    def engine(self) -> Negotiated:
        """Who answers as the engine, and the version of the API that is taken; raises as `Api.negotiated` does."""

    def which(self, program: str) -> Path | None:
        """Where a program lies on PATH."""

    def exists(self, path: Path) -> bool:
        """Whether there is such a file, device or folder."""

    def disk_free(self, path: Path) -> int:
        """Bytes free for this user on the path's file system; raises `OSError` where the path cannot be reached."""


class ThisHost:
    """The machine that this runs on."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.python = sys.version_info[:2]
        self.uid = os.getuid()
        self.environ: Mapping[str, str] = os.environ
        self._api = Api(self.environ)

    @property
    def os_release(self) -> Mapping[str, str]:
        """See `Host`."""
        try:
            return platform.freedesktop_os_release()
        except OSError:
            return {}

    def engine(self) -> Negotiated:
        """See `Host`."""
        return self._api.negotiated

    def which(self, program: str) -> Path | None:
        """See `Host`."""
        found = shutil.which(program)
        return Path(found) if found else None

    def exists(self, path: Path) -> bool:
        """See `Host`."""
        return os.path.lexists(path)

    def disk_free(self, path: Path) -> int:
        """See `Host`."""
        return shutil.disk_usage(path).free


def ensure(tools: Iterable[str], host: Host) -> None:
    """See that small programs (of `TOOLS`) are there: root on Debian gets them installed, and is told so.

    Raises `InfrastructureError` with the command to run elsewhere, and where the installation fails.
    """
    absent = [tool for tool in tools if host.which(tool) is None]
    if not absent:
        return
    names = " and ".join(absent)
    line = install_line(host, *absent)
    why = "; ".join(f"{tool} {TOOLS[tool]}" for tool in absent)
    if not can_install(host):
        raise InfrastructureError(f"{names} cannot be found", why=why, fix=line)
    say(f"installing {names} with apt-get: {why}")
    done = _apt_get(host, "install", "-y", "--no-install-recommends", *absent)
    if not done.ok:
        say("trying again with fresh package lists")
        _apt_get(host, "update").check("apt-get update", fix=f"run by hand: {line}")
        done = _apt_get(host, "install", "-y", "--no-install-recommends", *absent)
    done.check(f"installing {names}", fix=f"run by hand: {line}")
    if any(host.which(tool) is None for tool in absent):
        raise InfrastructureError(f"{names} was installed and is not on PATH", fix="add the folder that has it to PATH")


def _apt_get(host: Host, *words: str) -> Completed:
    argv = ("apt-get", "-o", "DPkg::Lock::Timeout=120", *words)
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    return host.runner.run(Command(argv=argv, timeout=_INSTALL_TIMEOUT, env=environment))


def families(host: Host) -> tuple[str, ...]:
    """The system's ID, and those that it is like."""
    return (host.os_release.get("ID", ""), *host.os_release.get("ID_LIKE", "").split())


def can_install(host: Host) -> bool:
    """Whether programs are installed without being asked: for root on Debian."""
    return host.uid == 0 and "debian" in families(host) and host.which("apt-get") is not None


def as_root(host: Host, *words: str) -> str:
    """The command line that runs this as root."""
    return shlex.join(words if host.uid == 0 else ("sudo", *words))


def install_line(host: Host, *packages: str) -> str:
    """The command line that installs packages on this system."""
    for family in families(host):
        if family in INSTALLERS:
            return as_root(host, *INSTALLERS[family], *packages)
    return f"install with the system's package manager: {' '.join(packages)}"
