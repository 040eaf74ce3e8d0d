"""An engine's errors, classified: whose fault each is, and its mend.

An engine that is away, an engine that refuses, and the output of a build that failed each have their function here.
Nothing is asked of anybody.
"""

from __future__ import annotations

import errno
import http.client
import json
import re
import socket
from enum import StrEnum
from http import HTTPStatus

from holoenzyme.engine.versions import UnfitVersion
from holoenzyme.errors import HoloenzymeError, InfrastructureError, InternalError

#: How an engine refuses a client's version of the API, and how a client (since 29.0) refuses an engine's.
UNFIT_VERSION = re.compile(
    r"client version \S+ is too (?:old|new)\. \w+ supported API version is [0-9.]*[0-9]"
    r"|API version \S+ is not supported by this client: the minimum supported API version is [0-9.]*[0-9]"
)
_NO_SPACE = "no space left on device"
_SPACE_FIX = "free some space: `nox -s clean` (what this project made), or `docker system prune` (of all projects)"

#: What a build's output says when the machine is at fault, or its network, and not the recipe.
_HOST_TROUBLE = re.compile(
    "|".join(
        (
            _NO_SPACE,
            "Could not resolve",
            "Temporary failure (in name resolution|resolving)",
            "Connection (timed out|refused)",
            "Cannot connect to the Docker daemon",
            "failed to connect to the docker API",
            "permission denied while trying to connect to the docker",
            "error during connect",
            UNFIT_VERSION.pattern,
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
#: Lines at the end of a build's output in which its cause is looked for.
_LINES_OF_CAUSE = 200


class Trouble(StrEnum):
    """Why an engine does not answer."""

    ABSENT = "there is no such socket"
    REFUSED = "nobody listens there"
    PERMISSION = "permission denied"
    UNKNOWN_HOST = "there is no such host"
    LATE = "no answer in time"
    CUT = "it cut the connection before its answer was complete"
    GARBLED = "its answer cannot be read: it ended early, or comes from something else than an engine"
    OTHER = "the connection failed"


class NoEngine(InfrastructureError):
    """The engine does not answer."""

    def __init__(self, what: str, *, trouble: Trouble, address: str, why: str, fix: str) -> None:
        self.trouble = trouble
        self.address = address
        super().__init__(what, why=why, fix=fix)


class EngineRefused(InfrastructureError):
    """The engine answers that it does not do what it was asked; `text` is what it says."""

    def __init__(self, what: str, *, text: str, fix: str | None = None) -> None:
        self.text = text
        super().__init__(what, why=text, fix=fix)


class Absent(EngineRefused):
    """404: the engine does not have what it was asked about."""


class Conflict(EngineRefused):
    """409: the engine cannot do it now, for what else is there or goes on."""


def no_answer(error: BaseException, address: str) -> NoEngine:
    """The error for an engine that does not answer, or not to the end; `address` is where it was asked."""
    trouble, cause = _trouble(error)
    why = trouble if trouble is not Trouble.OTHER else f"{trouble}: {cause}"
    match trouble:
        case Trouble.PERMISSION:
            what = f"the Docker engine does not let this user in at {address}"
            fix = "become a member of its group: sudo usermod --append --groups docker $USER (then log in again)"
        case Trouble.CUT | Trouble.GARBLED:
            what = f"the Docker engine at {address} did not answer to the end"
            fix = "see whether it was restarted or died (`journalctl -u docker`), and run the command again"
        case _:
            what = f"the Docker engine does not answer at {address}"
            fix = "`nox -s doctor` says how to mend that"
    return NoEngine(what, trouble=trouble, address=address, why=why, fix=fix)


def refusal(status: int | None, text: str, doing: str) -> HoloenzymeError:
    """The error for a status of HTTP that an engine answers with; `doing` says what it was asked (`tagging x`)."""
    said = text.strip() or f"HTTP status {status}"
    if UNFIT_VERSION.search(said):
        return UnfitVersion(
            f"{doing}: the engine does not speak this version of its API any more",
            why=said,
            fix="it was updated just now: run the command again",
        )
    if _NO_SPACE in said.lower():
        return EngineRefused(f"{doing}: the engine's disk is full", text=said, fix=_SPACE_FIX)
    match status:
        case HTTPStatus.NOT_FOUND:
            return Absent(f"{doing}: the engine does not have it", text=said)
        case HTTPStatus.CONFLICT:
            return Conflict(f"{doing}: the engine cannot do that now", text=said)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN | HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            return EngineRefused(f"{doing}: the engine does not allow it", text=said, fix="ask whoever runs the engine")
        case HTTPStatus.REQUEST_TIMEOUT | HTTPStatus.TOO_MANY_REQUESTS:
            return EngineRefused(f"{doing}: the engine is busy", text=said, fix="run the command again later")
        case int() if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return InternalError(
                f"{doing}: the engine cannot do what it was asked",
                why=said,
                fix="this is a fault of the project, in what it asked or in the image that it asked it of",
            )
        case _:
            return EngineRefused(
                f"{doing}: the engine failed",
                text=said,
                fix="its log says more (`journalctl -u docker`); `nox -s doctor` looks for the usual causes",
            )


def host_trouble(lines: list[str]) -> str | None:
    """The words of a failed build's output that put the blame on the machine or its network; none where none do."""
    found = _HOST_TROUBLE.search("\n".join(lines[-_LINES_OF_CAUSE:]))
    return found[0] if found else None


def _trouble(error: BaseException) -> tuple[Trouble, BaseException]:
    """Why an engine does not answer, from the innermost error that says it; packages wrap it several times."""
    if isinstance(error, KeyError):
        return Trouble.GARBLED, error
    chain = _chain(error)
    for cause in chain:
        match cause:
            case PermissionError():
                return Trouble.PERMISSION, cause
            case FileNotFoundError() | NotADirectoryError():
                return Trouble.ABSENT, cause
            case ConnectionRefusedError():
                return Trouble.REFUSED, cause
            case socket.gaierror():
                return Trouble.UNKNOWN_HOST, cause
            case TimeoutError():
                return Trouble.LATE, cause
            case ConnectionError() | http.client.IncompleteRead() | http.client.BadStatusLine():
                return Trouble.CUT, cause
            case json.JSONDecodeError():
                return Trouble.GARBLED, cause
            case OSError() if cause.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
                return Trouble.REFUSED, cause
            case _:
                continue
    return Trouble.OTHER, chain[0]


def _chain(error: BaseException) -> list[BaseException]:
    """An error with all that it was made of, the innermost first."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and one not in seen:
            seen.append(one)
            # urllib3 and requests keep what they wrap in `args` and `reason`, not only as the cause.
            waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return seen[::-1]
