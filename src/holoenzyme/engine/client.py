"""Finding a `docker` command for builds: several may be installed, and not every one can drive BuildKit."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from holoenzyme.engine.trouble import UNFIT_VERSION
from holoenzyme.engine.versions import CLIENT_NEED, DockerRelease, UnfitVersion
from holoenzyme.errors import InfrastructureError
from holoenzyme.process import Command, Runner

#: From this release on the client has no BuildKit of its own and needs the buildx plugin.
_NEEDS_BUILDX = 23
_TIMEOUT = 20.0


@dataclass(frozen=True, kw_only=True)
class Client:
    """A `docker` command. `usable` says whether builds can use it, `why` what makes it so."""

    path: Path
    version: str
    usable: bool
    why: str

    def __str__(self) -> str:
        return f"{self.path} {self.version}: {self.why}"


def find_clients(runner: Runner, search_path: str | None = None) -> tuple[Client, ...]:
    """All `docker` commands on the search path (PATH by default), in its order, each file once."""
    clients: dict[Path, Client] = {}
    for folder in (search_path if search_path is not None else os.environ.get("PATH", os.defpath)).split(os.pathsep):
        candidate = Path(folder or ".") / "docker"
        if candidate.is_file() and os.access(candidate, os.X_OK) and candidate.resolve() not in clients:
            clients[candidate.resolve()] = _inspect(runner, candidate)
    return tuple(clients.values())


def choose(clients: tuple[Client, ...]) -> Client | None:
    """The one that is used: the first that builds can use, otherwise the first; none where there is none."""
    return next((client for client in clients if client.usable), clients[0] if clients else None)


def find_client(runner: Runner, search_path: str | None = None) -> Client:
    """The client that builds use.

    Raises `InfrastructureError` where there is none, and `UnfitVersion`, which names them all, where none can be used.
    """
    clients = find_clients(runner, search_path)
    client = choose(clients)
    if client is None:
        raise InfrastructureError(
            "no `docker` command was found",
            why="PATH holds none",
            fix="install Docker: on Debian `apt-get install docker.io`",
        )
    if not client.usable:
        raise UnfitVersion(
            f"{client.path} {client.version} cannot be used for builds",
            why="\n".join(map(str, clients)),
            fix="`nox -s doctor` says what to install",
        )
    return client


def _inspect(runner: Runner, path: Path) -> Client:
    answer = runner.run(Command(argv=(str(path), "--version"), timeout=_TIMEOUT))
    found = re.search(r"(\d+)\.(\d+)(\.\d+)?\S*?(?=,|\s|$)", answer.output)
    if not answer.ok or found is None:
        return Client(path=path, version="unknown", usable=False, why="it does not say its version")
    usable, why = _judge(runner, path, DockerRelease(int(found[1]), int(found[2])))
    return Client(path=path, version=found[0], usable=usable, why=why)


def _judge(runner: Runner, path: Path, release: DockerRelease) -> tuple[bool, str]:
    if release < CLIENT_NEED.release:
        return False, f"older than {CLIENT_NEED.release}, the first with {CLIENT_NEED.what}"
    why = "BuildKit is built in"
    if release.major >= _NEEDS_BUILDX:
        plugin = runner.run(Command(argv=(str(path), "buildx", "version"), timeout=_TIMEOUT))
        if not plugin.ok:
            return False, "it lacks the buildx plugin"
        why = "it has the buildx plugin"
    # Clients have a range of API versions as engines do, and tell only its upper end: whether the two meet is asked.
    asked = runner.run(Command(argv=(str(path), "version", "--format", "{{.Server.Version}}"), timeout=_TIMEOUT))
    if refused := UNFIT_VERSION.search(asked.stderr):
        return False, f"it and the engine do not understand each other: {refused[0]}"
    return True, why
