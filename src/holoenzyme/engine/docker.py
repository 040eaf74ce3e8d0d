"""The Docker engine: BuildKit through the `docker` command, everything else through the engine's API."""

from __future__ import annotations

import logging
import os
import platform
import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holoenzyme.engine.base import (
    BuildFailed,
    BuildRequest,
    ContainerInfo,
    ImageInfo,
    ImageInUse,
    RunRequest,
    RunResult,
    Usage,
)
from holoenzyme.engine.client import Client, find_client
from holoenzyme.errors import InfrastructureError
from holoenzyme.plan.graph import LABEL, STAGE_LABEL
from holoenzyme.process import Command, Runner

if TYPE_CHECKING:
    from docker import DockerClient

log = logging.getLogger(__name__)

#: Marks containers of ours with the process that waits for them, so that `clean` finds those that one left behind.
RUN_LABEL = f"{LABEL}.run"
_FAILED_STEP = re.compile(r"^ > (\[.*?\] .*?):?$")
_HOST_TROUBLE = re.compile(
    "|".join(
        (
            "no space left on device",
            "Could not resolve",
            "Temporary failure (in name resolution|resolving)",
            "Connection (timed out|refused)",
            "Cannot connect to the Docker daemon",
            "network is unreachable",
            "no such host",
            "failed to create endpoint",
            "could not find bridge",
            "spurious network error",
            "SSL certificate problem",
        )
    ),
    re.IGNORECASE,
)
_TAIL_LINES = 30


class DockerEngine:
    """Docker behind the `Engine` protocol. Nothing is asked before it is needed: a no-op build costs one question."""

    name = "docker"

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    @cached_property
    def client(self) -> Client:
        """The `docker` command for builds; raises `InfrastructureError` where none can do BuildKit."""
        client = find_client(self._runner)
        if not client.buildkit:
            raise InfrastructureError(
                f"{client.path} {client.version} cannot build with BuildKit",
                why=client.why,
                fix="install the buildx plugin, or put a client that has BuildKit on PATH (Debian's docker.io has)",
            )
        return client

    @property
    def builder(self) -> str:
        return f"{self.client.path} {self.client.version} ({self.client.why})"

    @cached_property
    def _api(self) -> DockerClient:
        import docker
        from docker.errors import DockerException

        try:
            # The version is stated so that no question is spent on negotiating it; every engine since 20.10 speaks it.
            return docker.from_env(version="1.41", timeout=600)
        except DockerException as error:
            raise _unreachable(error) from error

    def _ask(self, question: Callable[[DockerClient], Any]) -> Any:
        from docker.errors import APIError, DockerException
        from requests.exceptions import ConnectionError as NoConnection

        try:
            return question(self._api)
        except APIError:
            raise
        except (DockerException, NoConnection) as error:
            raise _unreachable(error) from error

    def images(self) -> tuple[ImageInfo, ...]:
        return self._images({"label": STAGE_LABEL})

    def images_named(self, repository: str) -> tuple[ImageInfo, ...]:
        return self._images({"reference": repository})

    def _images(self, filters: Mapping[str, str]) -> tuple[ImageInfo, ...]:
        answer = self._ask(lambda api: api.api.images(filters=dict(filters)))
        return tuple(
            ImageInfo(
                id=item["Id"],
                tags=tuple(tag for tag in item.get("RepoTags") or () if tag != "<none>:<none>"),
                labels=item.get("Labels") or {},
                size=item["Size"],
                created=float(item["Created"]),
            )
            for item in answer
        )

    def image(self, reference: str) -> ImageInfo | None:
        from docker.errors import NotFound

        try:
            data = self._ask(lambda api: _untyped(api).inspect_image(reference))
        except NotFound:
            return None
        return ImageInfo(
            id=data["Id"],
            tags=tuple(data.get("RepoTags") or ()),
            labels=data["Config"].get("Labels") or {},
            size=data["Size"],
            created=_seconds(data["Created"]),
        )

    def _build_argv(self, request: BuildRequest, *, labels: bool = True) -> list[str]:
        argv = [str(self.client.path), "build", "--progress=plain"]
        if request.no_cache:
            argv += ["--no-cache"]
        for name, value in sorted(request.args.items()):
            argv += ["--build-arg", f"{name}={value}"]
        if request.dockerfile:
            argv += ["--file", str(request.dockerfile)]
        if request.output:
            argv += ["--output", f"type=local,dest={request.output}"]
        for secret in request.secrets:
            argv += ["--secret", f"id={secret.id},src={secret.path}"]
        if labels:
            for key, value in sorted(request.labels.items()):
                argv += ["--label", f"{key}={value}"]
        return argv

    def build_command(self, request: BuildRequest) -> str:
        # Labels change no step, and ours are thousands of characters long.
        argv = (*self._build_argv(request, labels=False), str(request.context))
        return Command(argv=argv, env={"DOCKER_BUILDKIT": "1"}, timeout=request.timeout).replay()

    def build(self, request: BuildRequest, *, on_line: Callable[[str], None], log_file: Path) -> str:
        with tempfile.TemporaryDirectory() as folder:
            iid = Path(folder) / "iid"
            command = Command(
                argv=(
                    *self._build_argv(request),
                    *(() if request.output else ("--iidfile", str(iid))),
                    str(request.context),
                ),
                env={"DOCKER_BUILDKIT": "1"},
                timeout=request.timeout,
            )
            done = self._runner.run(command, on_line=on_line, log_file=log_file, merge=True)
            if done.ok:
                return "" if request.output else iid.read_text().strip()
        raise self._failure(request, done.output, timed_out=done.timed_out, log_file=log_file)

    def _failure(
        self, request: BuildRequest, output: str, *, timed_out: bool, log_file: Path
    ) -> BuildFailed | InfrastructureError:
        lines = [line for line in output.splitlines() if line.strip()]
        tail = "\n".join(lines[-_TAIL_LINES:])
        step = next((found[1] for line in reversed(lines) if (found := _FAILED_STEP.match(line))), None)
        command = self.build_command(request)
        if timed_out:
            return InfrastructureError(
                f"the build ran past its limit of {request.timeout:.0f} s",
                why=f"the end of its output ({log_file}):\n{tail}",
                fix=f"run it again by hand:\n{command}",
            )
        if trouble := _HOST_TROUBLE.search("\n".join(lines[-200:])):
            return InfrastructureError(
                f"the build failed on this machine's account: {trouble[0]}",
                why=f"the end of its output ({log_file}):\n{tail}",
                fix=f"`nox -s doctor` looks for the cause; run it again by hand:\n{command}",
            )
        return BuildFailed(
            f"step {step or '(unknown)'} failed (full log: {log_file})",
            step=step,
            tail=tail,
            command=command,
            context=request.context,
        )

    def import_archive(self, archive: Path, changes: Sequence[str]) -> str:
        with archive.open("rb") as stream:
            answer = self._ask(lambda api: api.api.import_image_from_data(stream, changes=list(changes)))
        found = re.search(r"sha256:[0-9a-f]{64}", str(answer))
        if found is None:
            raise InfrastructureError("the engine did not import the base", why=str(answer)[-500:])
        return found[0]

    def pull(self, reference: str) -> str:
        from docker.errors import APIError

        try:
            self._ask(lambda api: api.images.pull(reference))
        except APIError as error:
            raise InfrastructureError(
                f"{reference} could not be pulled", why=str(error.explanation or error)
            ) from error
        image = self.image(reference)
        if image is None:
            raise InfrastructureError(f"{reference} was pulled, and is not there")
        return image.id

    def digest(self, reference: str) -> str | None:
        from docker.errors import APIError

        try:
            return str(self._ask(lambda api: _untyped(api).inspect_distribution(reference))["Descriptor"]["digest"])
        except APIError as error:
            log.info("no registry answers for %s: %s", reference, error)
            return None

    def tag(self, image: str, reference: str) -> None:
        repository, _, tag = reference.rpartition(":")
        self._ask(lambda api: api.api.tag(image, repository, tag))

    def remove(self, reference: str) -> None:
        from docker.errors import APIError, NotFound

        try:
            self._ask(lambda api: api.api.remove_image(reference))
        except NotFound:
            log.debug("%s was gone already", reference)
        except APIError as error:
            if error.status_code == HTTPStatus.CONFLICT:
                raise ImageInUse(f"{reference} is in use", why=str(error.explanation)) from error
            raise

    def history(self, image: str) -> tuple[str, ...]:
        answer = self._ask(lambda api: _untyped(api).history(image))
        return tuple(str(item["CreatedBy"]) for item in reversed(answer))

    def containers(self) -> tuple[ContainerInfo, ...]:
        found = self._ask(lambda api: api.api.containers(all=True))
        return tuple(
            ContainerInfo(
                id=item["Id"],
                image=item["ImageID"],
                running=item["State"] == "running",
                owner=(item.get("Labels") or {}).get(RUN_LABEL),
            )
            for item in found
        )

    def remove_container(self, container: str) -> None:
        from docker.errors import NotFound

        try:
            self._ask(lambda api: api.api.remove_container(container, force=True))
        except NotFound:
            log.debug("%s was gone already", container)

    def usage(self) -> Usage:
        answer = self._ask(lambda api: api.df())
        cache = answer.get("BuildCache") or ()
        # What the cache shares with images is counted with their layers.
        return Usage(
            layers=answer["LayersSize"],
            build_cache=sum(item["Size"] for item in cache if not item["InUse"] and not item["Shared"]),
        )

    def free_build_cache(self) -> int:
        return int(self._ask(lambda api: _untyped(api).prune_builds(all=True))["SpaceReclaimed"])

    def run(self, request: RunRequest) -> RunResult:
        from docker.errors import APIError
        from requests.exceptions import ConnectionError as WaitTooLong
        from requests.exceptions import ReadTimeout

        log.info("%s", request.replay())
        start = time.monotonic()
        try:
            container = self._ask(
                lambda api: api.containers.create(
                    request.image,
                    list(request.argv),
                    entrypoint=[],
                    user=request.user,
                    working_dir=request.workdir,
                    environment=dict(request.env),
                    network_mode=None if request.network else "none",
                    read_only=request.read_only,
                    tmpfs={"/tmp": "exec"} if request.read_only else None,
                    volumes={
                        str(mount.source): {"bind": mount.target, "mode": "ro" if mount.read_only else "rw"}
                        for mount in request.mounts
                    },
                    labels={RUN_LABEL: f"{platform.node()}:{os.getpid()}"},
                    init=True,
                )
            )
        except APIError as error:
            raise InfrastructureError(f"{request.image} could not be started", why=str(error)) from error
        timed_out = False
        try:
            container.start()
            try:
                status = int(container.wait(timeout=request.timeout)["StatusCode"])
            except (ReadTimeout, WaitTooLong):
                timed_out, status = True, 124
                container.kill()
            stdout = container.logs(stdout=True, stderr=False).decode(errors="replace")
            stderr = container.logs(stdout=False, stderr=True).decode(errors="replace")
        except APIError as error:
            raise InfrastructureError(f"a container of {request.image} failed", why=str(error)) from error
        finally:
            container.remove(force=True)
        return RunResult(
            request=request,
            returncode=status,
            stdout=stdout,
            stderr=stderr,
            duration=time.monotonic() - start,
            timed_out=timed_out,
        )


def _untyped(api: DockerClient) -> Any:
    # Some methods of the package have no type hints.
    return api.api


def _unreachable(error: Exception) -> InfrastructureError:
    return InfrastructureError(
        "the Docker engine does not answer",
        why=str(error),
        fix="`nox -s doctor` says whether it is down or you may not use it, and how to mend that",
    )


def _seconds(stamp: str) -> float:
    """Seconds since the epoch of the engine's time stamp (nanoseconds, more than Python reads)."""
    from datetime import datetime

    return datetime.fromisoformat(re.sub(r"\.\d+", "", stamp).replace("Z", "+00:00")).timestamp()
