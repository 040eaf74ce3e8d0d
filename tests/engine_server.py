"""A small engine for tests: a real HTTP server on a unix socket that speaks of versions and errors as Docker's do.

What its releases say was read from real ones, or from reports of their users: the versions of `docker version`, the
refusals word by word.
"""

from __future__ import annotations

import json
import re
import socketserver
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Says:
    """What a release of the engine says of itself."""

    release: str
    api: str
    oldest: str
    name: str = "Engine"


#: By release. 29.0 raised the oldest version of the API to 1.44, 29.3 lowered it to 1.40.
RELEASES = {
    "19.03": Says("19.03.15", "1.40", "1.12"),
    "20.10": Says("20.10.24+dfsg1", "1.41", "1.12"),
    "23.0": Says("23.0.6", "1.42", "1.12"),
    "24.0": Says("24.0.9", "1.43", "1.12"),
    "25.0": Says("25.0.5", "1.44", "1.24"),
    "28.5": Says("28.5.2", "1.51", "1.24"),
    "29.0": Says("29.0.4", "1.52", "1.44"),
    "29.1": Says("29.1.3", "1.52", "1.44"),
    "29.7": Says("29.7.2", "1.55", "1.40"),
    "podman": Says("4.3.1", "1.41", "1.24", name="Podman Engine"),
    # Not there yet: one that has given up what this project speaks.
    "later": Says("40.0.0", "1.80", "1.60"),
}


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer: JSON, or `raw` bytes. `promised` is the length that it announces, more than it has where it is cut.

    With `after` the head is sent at once, and the body when that event comes.
    """

    status: int = 200
    body: Any = None
    raw: bytes | None = None
    missing: int = 0
    after: threading.Event | None = None

    def content(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return b"" if self.body is None else json.dumps(self.body).encode()


def error(status: int, message: str) -> Reply:
    """An error as the engine words it."""
    return Reply(status=status, body={"message": message})


#: The connection ends where an answer should begin.
HANG_UP = Reply(status=0)


@dataclass
class EngineServer:
    """`replies` maps `METHOD /path` (without the version) to answers; `asked` has every request in order.

    `METHOD /path a=b` is for requests with that in their query, and goes before one without.
    """

    says: Says
    address: str
    replies: dict[str, Reply] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    versions: set[str | None] = field(default_factory=set)

    @property
    def environ(self) -> Mapping[str, str]:
        return {"DOCKER_HOST": self.address}

    def answer(self, method: str, target: str) -> Reply:
        path = unquote(urlsplit(target).path)
        found = re.fullmatch(r"/v(\d+)\.(\d+)(/.*)", path)
        version, path = (f"{found[1]}.{found[2]}", found[3]) if found else (None, path)
        asked = f"{method} {path}"
        self.asked.append(asked)
        self.versions.add(version)
        for part in (*(f" {part}" for part in unquote(urlsplit(target).query).split("&")), ""):
            if asked + part in self.replies:
                return self.replies[asked + part]
        if version is not None and (refused := self._refusal(version)):
            return error(400, refused)
        if path == "/version":
            return Reply(body=self._version())
        return error(404, "page not found")

    def _refusal(self, version: str) -> str | None:
        number = _number(version)
        if number < _number(self.says.oldest):
            return (
                f"client version {version} is too old. Minimum supported API version is {self.says.oldest}, please "
                "upgrade your client to a newer version"
            )
        if number > _number(self.says.api):
            return f"client version {version} is too new. Maximum supported API version is {self.says.api}"
        return None

    def _version(self) -> dict[str, Any]:
        says = self.says
        versions = {"ApiVersion": says.api, "MinAPIVersion": says.oldest}
        return {
            "Platform": {"Name": ""},
            "Components": [
                {"Name": says.name, "Version": says.release, "Details": versions},
                {"Name": "containerd", "Version": "1.7.0"},
            ],
            "Version": says.release,
            **versions,
            "Os": "linux",
        }


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


@contextmanager
def serving(release: str = "20.10", replies: Mapping[str, Reply] | None = None) -> Iterator[EngineServer]:
    """A server that is there for the context; it refuses versions of the API as this release does."""
    # The path of a unix socket has at most 107 bytes: the folder of a test can be longer.
    with tempfile.TemporaryDirectory(prefix="engine-") as folder:
        path = Path(folder) / "docker.sock"
        engine = EngineServer(RELEASES[release], f"unix://{path}", dict(replies or {}))

        class Handler(_Handler):
            server_says = engine

        with _Server(str(path), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
            thread.start()
            try:
                yield engine
            finally:
                server.shutdown()
                thread.join()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False


class _Handler(BaseHTTPRequestHandler):
    server_says: EngineServer

    def do_GET(self) -> None:
        self._reply()

    def do_POST(self) -> None:
        self._reply()

    def do_DELETE(self) -> None:
        self._reply()

    def _reply(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        reply = self.server_says.answer(self.command, self.path)
        if reply is HANG_UP:
            return
        content = reply.content()
        self.send_response_only(reply.status)
        self.send_header("Content-Type", "application/json")
        if reply.status != 204:
            self.send_header("Content-Length", str(len(content) + reply.missing))
        self.end_headers()
        self.wfile.flush()
        if reply.after is not None:
            reply.after.wait(30)
        try:
            self.wfile.write(content)
        except BrokenPipeError:
            return  # who asked did not wait

    def log_message(self, *args: object) -> None:
        """Say nothing."""
