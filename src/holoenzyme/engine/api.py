"""The engine's API: the version of it is negotiated, and every error becomes one of the classes of `errors`."""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from holoenzyme.engine.trouble import no_answer, refusal
from holoenzyme.engine.versions import OLDEST, ApiVersion, Negotiated, negotiate, read_engine
from holoenzyme.errors import UserError

if TYPE_CHECKING:
    from docker import DockerClient

log = logging.getLogger(__name__)

_USUAL_ADDRESS = "unix:///var/run/docker.sock"
#: Seconds for the first question: an engine that hangs is told from one that works hard.
_FIRST_TIMEOUT = 30
#: Seconds for every other question, but where a container is waited for.
_TIMEOUT = 600


class Api:
    """The way to an engine: the one that `DOCKER_HOST` names, or the one at the usual socket."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self.address = environ.get("DOCKER_HOST") or _USUAL_ADDRESS

    @cached_property
    def negotiated(self) -> Negotiated:
        """Who answers, and the version of the API that is taken; asked once.

        Raises `NoEngine` where nobody answers, `UnfitVersion` where there is no version that both sides speak, and
        `UserError` where `DOCKER_HOST` cannot be used.
        """
        client = self._connect(OLDEST, timeout=_FIRST_TIMEOUT)
        self._do("asking for its version", self._knock)
        try:
            # Without a version in its path this is answered by engines of every age.
            answer = self._do("asking for its version", lambda: client.api.version(api_version=False))
        finally:
            client.close()
        taken = negotiate(read_engine(answer, self.address))
        log.info("%s at %s", taken, self.address)
        return taken

    def _knock(self) -> None:
        """Connect to a socket of this machine, and close it again: docker-py leaves one open where nobody answers."""
        scheme, _, path = self.address.partition("://")
        if scheme == "unix":
            with socket.socket(socket.AF_UNIX) as door:
                door.settimeout(_FIRST_TIMEOUT)
                door.connect(f"/{path.lstrip('/')}")

    def ask(self, doing: str, question: Callable[[DockerClient], Any]) -> Any:
        """Ask something and return the answer; `doing` says what, for messages (`tagging x`).

        Raises `NoEngine`, `Absent` (404), `Conflict` (409), `UnfitVersion`, `Refused` for whatever else is the
        engine's fault, and `InternalError` where the question is at fault.
        """
        client = self._client
        return self._do(doing, lambda: question(client))

    def close(self) -> None:
        """Close the connections; what is asked next opens them again."""
        if "_client" in self.__dict__:
            self._client.close()

    @cached_property
    def _client(self) -> DockerClient:
        return self._connect(self.negotiated.api, timeout=_TIMEOUT)

    def _connect(self, version: ApiVersion, *, timeout: int) -> DockerClient:
        import docker
        from docker.errors import DockerException

        if self.address.startswith("ssh://"):
            raise UserError(
                f"an engine cannot be used through {self.address}",
                why="it is reached by unix, tcp, http or https only",
                fix="forward its socket to a local one (`ssh -L`), and set DOCKER_HOST to that",
            )
        # An empty environment would mean that of this process.
        environment = {"DOCKER_HOST": "", **self._environ}
        try:
            return docker.from_env(version=str(version), timeout=timeout, environment=environment)
        except (DockerException, ValueError) as error:
            raise UserError(
                f"there is no way to an engine at {self.address}",
                why=str(error),
                fix="correct DOCKER_HOST (unix://, tcp:// or http://) and DOCKER_TLS_VERIFY, or unset them",
            ) from error

    def _do(self, doing: str, question: Callable[[], Any]) -> Any:
        from docker.errors import APIError, DockerException
        from requests.exceptions import RequestException
        from urllib3.exceptions import HTTPError

        try:
            return question()
        except APIError as error:
            raise refusal(error.status_code, str(error.explanation or ""), doing) from error
        except (DockerException, RequestException, HTTPError, OSError, KeyError, json.JSONDecodeError) as error:
            raise no_answer(error, self.address) from error
