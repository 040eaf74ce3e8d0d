"""Versions of engines and `docker` commands that the project works with, and why; and the API's version that is taken.

Nothing is asked here: `api` asks the engine, `client` the commands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from holoenzyme.errors import InfrastructureError


class UnfitVersion(InfrastructureError):
    """An engine, or a program, that the project cannot work with, or that cannot work with each other."""


class ApiVersion(NamedTuple):
    """A version of the engine's API. 1.9 is older than 1.41."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> ApiVersion:
        """Read `1.41`; raises `ValueError` for anything else."""
        major, minor = text.split(".")
        return cls(int(major), int(minor))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


class DockerRelease(NamedTuple):
    """A release of Docker, by year and month, or by number since 23.0."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor:02}" if self.major < _FIRST_NUMBERED else f"{self.major}.{self.minor}"


_FIRST_NUMBERED = 23


@dataclass(frozen=True, kw_only=True)
class Need:
    """Something that the project uses: the first release of Docker that has it, and the API that came with that.

    `of_client` says whether it is the `docker` command that has to have it; the engine has to in any case.
    """

    what: str
    why: str
    release: DockerRelease
    api: ApiVersion
    of_client: bool


#: What decides how old an engine and a client may be; docs/building.md has the same as a table.
NEEDS = (
    Need(
        what="BuildKit, with `docker build --secret`",
        why="CA bundle, proxies and mirrors of the host get into a build, and into no layer",
        release=DockerRelease(18, 9),
        api=ApiVersion(1, 39),
        of_client=True,
    ),
    Need(
        what="`docker build --output`",
        why="what the distribution's archive offers comes out of a build as files",
        release=DockerRelease(19, 3),
        api=ApiVersion(1, 40),
        of_client=True,
    ),
    Need(
        what="`RUN --mount` without a `# syntax=` line",
        why="stages take secrets, caches and each other's files so; the line would be fetched from a registry",
        release=DockerRelease(20, 10),
        api=ApiVersion(1, 41),
        of_client=False,
    ),
)

#: The need that decides about engines, and the one that decides about clients.
ENGINE_NEED = max(NEEDS, key=lambda need: need.api)
CLIENT_NEED = max((need for need in NEEDS if need.of_client), key=lambda need: need.api)

OLDEST = ENGINE_NEED.api
#: The newest version whose changes were held against what is asked here. From 1.53 on `GET /system/df` no longer has
#: the fields that `usage` reads.
NEWEST = ApiVersion(1, 52)


#: skopeo before this release asks engines for this one version of the API, whatever they speak.
SKOPEO_NEGOTIATES = (1, 14, 2)
SKOPEO_API = ApiVersion(1, 22)


@dataclass(frozen=True, kw_only=True)
class EngineVersion:
    """An engine's own account: its name and release, and the versions of the API that it speaks."""

    name: str
    release: str
    oldest: ApiVersion
    newest: ApiVersion

    def __str__(self) -> str:
        return f"{self.name} {self.release}"


@dataclass(frozen=True, kw_only=True)
class Negotiated:
    """An engine, and the version of the API that is spoken with it."""

    engine: EngineVersion
    api: ApiVersion

    def __str__(self) -> str:
        return f"{self.engine}, API {self.api} (it speaks {self.engine.oldest} to {self.engine.newest})"


def read_engine(answer: Mapping[str, Any], address: str) -> EngineVersion:
    """Read what an engine answers to `GET /version`; raises `InfrastructureError` where it is no engine's answer."""
    # Podman answers in Docker's words, and names itself among the components.
    components = answer.get("Components") or ()
    name = next((str(part["Name"]) for part in components if str(part.get("Name", "")).endswith("Engine")), "Engine")
    try:
        return EngineVersion(
            name="Docker Engine" if name == "Engine" else name,
            release=str(answer["Version"]),
            oldest=ApiVersion.parse(answer.get("MinAPIVersion") or "1.0"),
            newest=ApiVersion.parse(answer["ApiVersion"]),
        )
    except (KeyError, ValueError, AttributeError) as error:
        raise InfrastructureError(
            f"what answers at {address} is no container engine",
            why=f"it says of itself: {str(dict(answer))[:300]}",
            fix="correct DOCKER_HOST, or unset it",
        ) from error


def check_skopeo(said: str, engine: EngineVersion) -> None:
    """See that skopeo and an engine understand each other, from what `skopeo --version` says.

    Raises `UnfitVersion`. What fails without this is told as a broken pipe, and would be blamed on what was copied.
    """
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", said)
    if found is None or engine.oldest <= SKOPEO_API or tuple(map(int, found.groups())) >= SKOPEO_NEGOTIATES:
        return
    needed = ".".join(map(str, SKOPEO_NEGOTIATES))
    raise UnfitVersion(
        f"skopeo {found[0]} is too old for {engine}",
        why=f"it speaks API {SKOPEO_API} alone, and the engine wants {engine.oldest} or newer",
        fix=f"install skopeo {needed} or newer, or go without stores (--store, --save)",
    )


def negotiate(engine: EngineVersion) -> Negotiated:
    """Take the newest version of the API that both sides speak; raises `UnfitVersion` where there is none."""
    if engine.newest < OLDEST:
        need = ENGINE_NEED
        raise UnfitVersion(
            f"{engine} is too old: it speaks the API up to {engine.newest}, and {OLDEST} is needed",
            why=f"{need.what} came with {need.release}: {need.why}",
            fix=f"install Docker Engine {need.release} or newer: https://docs.docker.com/engine/install/",
        )
    if engine.oldest > NEWEST:
        raise UnfitVersion(
            f"{engine} is too new: it wants API {engine.oldest} or newer, and this project speaks {OLDEST} to {NEWEST}",
            why="an engine gives up old versions of its API",
            fix=f'put "min-api-version": "{NEWEST}" into the engine\'s daemon.json, or update this project',
        )
    return Negotiated(engine=engine, api=min(engine.newest, NEWEST))
