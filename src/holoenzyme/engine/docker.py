"""The Docker engine: BuildKit through the `docker` command, everything else through the engine's API."""

from __future__ import annotations

import json
import logging
import os
import platform
import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holoenzyme.engine.api import Api
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
from holoenzyme.engine.trouble import Absent, Conflict, EngineRefused, NoEngine, Trouble, host_trouble
from holoenzyme.engine.versions import Negotiated
from holoenzyme.errors import HoloenzymeError, InfrastructureError
from holoenzyme.plan.graph import LABEL, STAGE_LABEL
from holoenzyme.process import Command, Runner

if TYPE_CHECKING:
    from docker import DockerClient

log = logging.getLogger(__name__)

#: Marks containers of ours with the process that waits for them, so that `clean` finds those that one left behind.
RUN_LABEL = f"{LABEL}.run"
_FAILED_STEP = re.compile(r"^ > (\[.*?\] .*?):?$")
_TAIL_LINES = 30


class DockerEngine:
    """Docker behind the `Engine` protocol. Nothing is asked before it is needed: a no-op build costs one question."""

    name = "docker"

    def __init__(self, runner: Runner, api: Api | None = None) -> None:
        self._runner = runner
        self._api = api or Api()

    @cached_property
    def client(self) -> Client:
        """The `docker` command for builds; raises what `find_client` does."""
        return find_client(self._runner)

    @property
    def command(self) -> str:
        return str(self.client.path)

    @property
    def builder(self) -> str:
        return f"{self.client.path} {self.client.version} ({self.client.why}), {self._api.negotiated}"

    @property
    def negotiated(self) -> Negotiated:
        return self._api.negotiated

    def ping(self) -> None:
        self._api.ask("asking whether it is there", lambda api: api.ping())

    def images(self) -> tuple[ImageInfo, ...]:
        return self._images({"label": STAGE_LABEL})

    def images_named(self, repository: str) -> tuple[ImageInfo, ...]:
        return self._images({"reference": repository})

    def _images(self, filters: Mapping[str, str]) -> tuple[ImageInfo, ...]:
        answer = self._api.ask("listing images", lambda api: api.api.images(filters=dict(filters)))
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
        try:
            data = self._api.ask(f"looking at {reference}", lambda api: _untyped(api).inspect_image(reference))
        except Absent:
            return None
        return ImageInfo(
            id=data["Id"],
            tags=tuple(data.get("RepoTags") or ()),
            # From API 1.52 on what is not set is left out, and from 1.44 on the time where the image has none.
            labels=(data.get("Config") or {}).get("Labels") or {},
            size=data["Size"],
            created=_seconds(data["Created"]) if data.get("Created") else 0.0,
            layers=tuple((data.get("RootFS") or {}).get("Layers") or ()),
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
        if trouble := host_trouble(lines):
            return InfrastructureError(
                f"the build failed on this machine's account: {trouble}",
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
            answer = self._api.ask(
                f"importing {archive.name}",
                lambda api: api.api.import_image_from_data(stream, changes=list(changes)),
            )
        found = re.search(r"sha256:[0-9a-f]{64}", str(answer))
        if found is None:
            raise InfrastructureError("the engine did not import the base", why=str(answer)[-500:])
        return found[0]

    def pull(self, reference: str) -> str:
        def follow(api: DockerClient) -> None:
            # The engine says yes, and only then, a line for each step, what goes wrong on the way.
            for line in str(api.api.pull(reference)).splitlines():
                step = json.loads(line) if line.strip() else {}
                if "error" in step:
                    raise EngineRefused(f"pulling {reference}: it ended early", text=str(step["error"]))

        try:
            self._api.ask(f"pulling {reference}", follow)
        except EngineRefused as error:
            raise InfrastructureError(f"{reference} could not be pulled", why=error.text) from error
        image = self.image(reference)
        if image is None:
            raise InfrastructureError(f"{reference} was pulled, and is not there")
        return image.id

    def digest(self, reference: str) -> str | None:
        try:
            answer = self._api.ask(
                f"asking a registry for {reference}", lambda api: _untyped(api).inspect_distribution(reference)
            )
        except EngineRefused as error:
            log.info("no registry answers for %s: %s", reference, error)
            return None
        return str(answer["Descriptor"]["digest"])

    def tag(self, image: str, reference: str) -> None:
        repository, _, tag = reference.rpartition(":")
        try:
            self._api.ask(f"naming {image} {reference}", lambda api: api.api.tag(image, repository, tag))
        except Absent as error:
            raise InfrastructureError(
                f"{image} cannot be named {reference}: it is gone",
                why="somebody removed it since it was built or loaded",
                fix="run the command again",
            ) from error

    def remove(self, reference: str) -> None:
        try:
            self._api.ask(f"removing {reference}", lambda api: api.api.remove_image(reference))
        except Absent:
            log.debug("%s was gone already", reference)
        except Conflict as error:
            raise ImageInUse(f"{reference} is in use", why=error.text) from error

    def history(self, image: str) -> tuple[str, ...]:
        answer = self._api.ask(f"reading the history of {image}", lambda api: _untyped(api).history(image))
        return tuple(str(item["CreatedBy"]) for item in reversed(answer))

    def containers(self) -> tuple[ContainerInfo, ...]:
        found = self._api.ask("listing containers", lambda api: api.api.containers(all=True))
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
        try:
            self._api.ask(f"removing {container}", lambda api: api.api.remove_container(container, force=True))
        except (Absent, Conflict) as error:
            # A conflict says that it is being removed already.
            log.debug("%s was gone already: %s", container, error.text)

    def usage(self) -> Usage:
        answer = self._api.ask("asking for its use of disk", lambda api: api.df())
        cache = answer.get("BuildCache") or ()
        # What the cache shares with images is counted with their layers.
        return Usage(
            layers=answer["LayersSize"],
            build_cache=sum(item["Size"] for item in cache if not item["InUse"] and not item["Shared"]),
        )

    def free_build_cache(self) -> int:
        answer = self._api.ask("freeing the build cache", lambda api: _untyped(api).prune_builds(all=True))
        return int(answer["SpaceReclaimed"])

    def run(self, request: RunRequest) -> RunResult:
        log.info("%s", request.replay())
        start = time.monotonic()
        doing = f"running a container of {request.image}"
        container = self._create(request, doing)
        timed_out = False
        try:
            self._api.ask(doing, lambda api: container.start())
            try:
                answer = self._api.ask(doing, lambda api: container.wait(timeout=request.timeout))
                status = int(answer["StatusCode"])
            except NoEngine as error:
                if error.trouble is not Trouble.LATE:
                    raise
                timed_out, status = True, 124
                self._kill(container.id)
            stdout = self._api.ask(doing, lambda api: container.logs(stdout=True, stderr=False))
            stderr = self._api.ask(doing, lambda api: container.logs(stdout=False, stderr=True))
        finally:
            self._discard(container.id)
        return RunResult(
            request=request,
            returncode=status,
            stdout=stdout.decode(errors="replace"),
            stderr=stderr.decode(errors="replace"),
            duration=time.monotonic() - start,
            timed_out=timed_out,
        )

    def _create(self, request: RunRequest, doing: str) -> Any:
        try:
            return self._api.ask(
                doing,
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
                ),
            )
        except Absent as error:
            raise InfrastructureError(
                f"{request.image} cannot be run: the engine does not have it",
                why=error.text,
                fix="`nox -s build-image` loads or builds what is missing; run the command again after it",
            ) from error

    def _kill(self, container: str) -> None:
        try:
            self._api.ask(f"ending {container}", lambda api: api.api.kill(container))
        except (Absent, Conflict) as error:
            log.debug("%s ended by itself: %s", container, error.text)

    def _discard(self, container: str) -> None:
        """Remove a container that was waited for; where that fails, what was found out, or went wrong, is told."""
        try:
            self.remove_container(container)
        except HoloenzymeError as error:
            log.warning("%s is left behind, `nox -s clean` removes it: %s", container, error)


def _untyped(api: DockerClient) -> Any:
    # Some methods of the package have no type hints.
    return api.api


def _seconds(stamp: str) -> float:
    """Seconds since the epoch of the engine's time stamp (nanoseconds, more than Python reads)."""
    from datetime import datetime

    return datetime.fromisoformat(re.sub(r"\.\d+", "", stamp).replace("Z", "+00:00")).timestamp()
