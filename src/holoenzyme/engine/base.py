"""The protocol of engines, with its requests and answers; Docker, Podman and the fake of the tests stand behind it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from holoenzyme.engine.versions import Negotiated
from holoenzyme.errors import InfrastructureError, InternalError


@dataclass(frozen=True, kw_only=True)
class ImageInfo:
    """An image of the local engine. `size` is in bytes, uncompressed; `created` in seconds since the epoch.

    `layers` are the digests of its uncompressed layers, from the lowest up; lists of images come without them.
    """

    id: str
    tags: tuple[str, ...]
    labels: Mapping[str, str]
    size: int
    created: float
    layers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Secret:
    """A file of the host that steps of a build may read, and that stays in no layer."""

    id: str
    path: Path


@dataclass(frozen=True, kw_only=True)
class BuildRequest:
    """A build: the context's folder (with its Dockerfile), labels, secrets, build arguments. `timeout` is in seconds.

    With `no_cache` the engine's own cache is not used; what a stage keeps beyond that is told by `args`. With
    `dockerfile` that file is used instead of the context's own. With `output` the result's files go into that
    folder, and there is no image.
    """

    context: Path
    labels: Mapping[str, str]
    secrets: tuple[Secret, ...]
    timeout: float
    no_cache: bool = False
    args: Mapping[str, str] = field(default_factory=dict)
    output: Path | None = None
    dockerfile: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A folder of the host inside a container."""

    source: Path
    target: str
    read_only: bool = False


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """A container to run to its end: by default with a read-only root and without network. `timeout` is in seconds."""

    image: str
    argv: tuple[str, ...]
    timeout: float
    mounts: tuple[Mount, ...] = ()
    user: str | None = None
    workdir: str | None = None
    network: bool = False
    read_only: bool = True
    env: Mapping[str, str] = field(default_factory=dict)

    def replay(self) -> str:
        """The `docker run` line that does the same by hand, shell-quoted."""
        words = ["docker", "run", "--rm"]
        if self.read_only:
            words += ["--read-only", "--tmpfs", "/tmp:exec"]
        if not self.network:
            words += ["--network", "none"]
        if self.user:
            words += ["--user", self.user]
        for mount in self.mounts:
            words += ["-v", f"{mount.source}:{mount.target}{':ro' if mount.read_only else ''}"]
        if self.workdir:
            words += ["-w", self.workdir]
        for key, value in sorted(self.env.items()):
            # The URL of a proxy may hold a password, and this line goes into logs and records: docker takes the value
            # from the environment of whoever runs it again.
            words += ["-e", key if key.lower().endswith("_proxy") else f"{key}={value}"]
        return shlex.join([*words, self.image, *self.argv])


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """The end of a container. `returncode` is that of its first process; `duration` is in seconds."""

    request: RunRequest
    returncode: int
    stdout: str
    stderr: str
    duration: float
    timed_out: bool


@dataclass(frozen=True, kw_only=True)
class ContainerInfo:
    """A container: its id and that of its image. `owner` is the process of ours that waits for it, as `HOST:PID`."""

    id: str
    image: str
    running: bool
    owner: str | None


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Disk that an engine uses, in bytes: all images' layers, each once, and the build cache that can be freed."""

    layers: int
    build_cache: int


class ImageInUse(InfrastructureError):
    """A container needs an image that was to be removed."""


class BuildFailed(InternalError):
    """A step of a build failed.

    `tail` is the end of its output, `step` its name in the engine's own words, `command` the line that runs the build
    again by hand, `context` the folder that was built.
    """

    def __init__(self, what: str, *, step: str | None, tail: str, command: str, context: Path) -> None:
        self.context = context
        self.step = step
        self.tail = tail
        self.command = command
        super().__init__(what, why=f"the end of its output:\n{tail}", fix=f"run it again by hand:\n{command}")


class Images(Protocol):
    """The images of an engine.

    Every method, here and below, raises `InfrastructureError` where the engine does not answer, fails or has no version
    of its API in common with this project, and `InternalError` where it cannot do what it was asked.
    """

    @property
    def negotiated(self) -> Negotiated:
        """Who answers, and the version of the API that is spoken; asked once."""
        ...

    def ping(self) -> None:
        """See that the engine answers now."""
        ...

    def images(self) -> tuple[ImageInfo, ...]:
        """All images with our stage label, in one question."""
        ...

    def image(self, reference: str) -> ImageInfo | None:
        """One image by tag or id, or none."""
        ...

    def remove(self, reference: str) -> None:
        """Take a name away, and the image with its last name; raises `ImageInUse` where a container needs it."""
        ...


class Housekeeping(Images, Protocol):
    """The requests to an engine that tidying up needs."""

    def images_named(self, repository: str) -> tuple[ImageInfo, ...]:
        """All images of a repository (`holoenzyme/unnamed`), whatever their labels."""
        ...

    def history(self, image: str) -> tuple[str, ...]:
        """The instructions that made an image, those of the images below included, from the lowest up."""
        ...

    def containers(self) -> tuple[ContainerInfo, ...]:
        """All containers, running or not, whoever made them."""
        ...

    def remove_container(self, container: str) -> None:
        """Kill and remove one."""
        ...

    def usage(self) -> Usage:
        """The disk that is used now."""
        ...

    def free_build_cache(self) -> int:
        """Free all of the build cache that is not in use, whoever filled it; returns the bytes."""
        ...


class Engine(Housekeeping, Protocol):
    """A container engine."""

    name: str

    @property
    def command(self) -> str:
        """The `docker` command that was chosen, for what a person runs by hand; raises what `find_client` does."""
        ...

    @property
    def builder(self) -> str:
        """The builder in words: the command that was chosen, the engine, and the version of its API."""
        ...

    def build(self, request: BuildRequest, *, on_line: Callable[[str], None], log_file: Path) -> str:
        """Build without tagging and return the image's id; raises `BuildFailed` where a step fails."""
        ...

    def build_command(self, request: BuildRequest) -> str:
        """The line that runs the same steps by hand."""
        ...

    def import_archive(self, archive: Path, changes: Sequence[str]) -> str:
        """Make an image of one layer from a tar archive of a root file system and return its id.

        `changes` are instructions of a Dockerfile for its configuration.
        """
        ...

    def pull(self, reference: str) -> str:
        """Pull an image by digest and return its id; raises `InfrastructureError` where no registry answers."""
        ...

    def digest(self, reference: str) -> str | None:
        """The digest that a registry has for a tag today; none where no registry answers."""
        ...

    def tag(self, image: str, reference: str) -> None:
        """Give an image a name."""
        ...

    def run(self, request: RunRequest) -> RunResult:
        """Run a container to its end or time limit; it is gone afterwards, whatever happened."""
        ...
