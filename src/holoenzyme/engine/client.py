"""Finding a `docker` command that can drive BuildKit: several may be installed, and not every one can."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from holoenzyme.errors import InfrastructureError
from holoenzyme.process import Command, Runner

#: From this release on the client has no BuildKit of its own and needs the buildx plugin.
_NEEDS_BUILDX = 23
_FIRST_WITH_BUILDKIT = (18, 9)


@dataclass(frozen=True, kw_only=True)
class Client:
    """A `docker` command. `buildkit` says whether `docker build` can use BuildKit, `why` what makes it so."""

    path: Path
    version: str
    buildkit: bool
    why: str


def find_clients(runner: Runner, search_path: str | None = None) -> tuple[Client, ...]:
    """All `docker` commands on the search path (PATH by default), in its order, each file once."""
    clients: dict[Path, Client] = {}
    for folder in (search_path if search_path is not None else os.environ.get("PATH", os.defpath)).split(os.pathsep):
        candidate = Path(folder or ".") / "docker"
        if candidate.is_file() and os.access(candidate, os.X_OK) and candidate.resolve() not in clients:
            clients[candidate.resolve()] = _inspect(runner, candidate)
    return tuple(clients.values())


def find_client(runner: Runner, search_path: str | None = None) -> Client:
    """The first client that can do BuildKit, otherwise the first at all.

    Raises `InfrastructureError` where there is none.
    """
    clients = find_clients(runner, search_path)
    if not clients:
        raise InfrastructureError(
            "no `docker` command was found",
            why="PATH holds none",
            fix="install Docker: on Debian `apt-get install docker.io`",
        )
    return next((client for client in clients if client.buildkit), clients[0])


def _inspect(runner: Runner, path: Path) -> Client:
    answer = runner.run(Command(argv=(str(path), "--version"), timeout=20))
    found = re.search(r"(\d+)\.(\d+)(\.\d+)?\S*?(?=,|\s|$)", answer.output)
    if not answer.ok or found is None:
        return Client(path=path, version="unknown", buildkit=False, why="it does not say its version")
    major, minor = int(found[1]), int(found[2])
    version = found[0]
    if (major, minor) < _FIRST_WITH_BUILDKIT:
        return Client(path=path, version=version, buildkit=False, why="older than 18.09")
    if major < _NEEDS_BUILDX:
        return Client(path=path, version=version, buildkit=True, why="BuildKit is built in")
    plugin = runner.run(Command(argv=(str(path), "buildx", "version"), timeout=20))
    if plugin.ok:
        return Client(path=path, version=version, buildkit=True, why="it has the buildx plugin")
    return Client(path=path, version=version, buildkit=False, why="it lacks the buildx plugin")
