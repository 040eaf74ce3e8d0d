"""Engines of every age: the version that is taken, who is refused, and what each error means."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from requests.exceptions import ConnectionError as Wrapped
from tests.engine_server import HANG_UP, RELEASES, EngineServer, Reply, error, serving
from urllib3.exceptions import ProtocolError

from holoenzyme.cli import main as cli
from holoenzyme.engine.api import Api
from holoenzyme.engine.trouble import Absent, Conflict, EngineRefused, NoEngine, Trouble, no_answer
from holoenzyme.engine.versions import NEEDS, NEWEST, OLDEST, ApiVersion, EngineVersion, UnfitVersion, negotiate
from holoenzyme.errors import ExitCode, HoloenzymeError, InfrastructureError, InternalError, UserError

# Docker's package leaves the sockets of connections that failed to the collector.
pytestmark = [pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"), pytest.mark.usefixtures("collected")]


def ask(engine: EngineServer) -> object:
    """Ask something with the version that is taken."""
    api = Api(engine.environ)
    try:
        return api.ask("listing images", lambda client: client.api.images())
    finally:
        api.close()


def failed(engine: EngineServer) -> HoloenzymeError:
    with pytest.raises(HoloenzymeError) as caught:
        ask(engine)
    return caught.value


# Versions


@pytest.mark.parametrize(
    ("release", "taken"),
    [
        ("20.10", "1.41"),
        ("23.0", "1.42"),
        ("24.0", "1.43"),
        ("25.0", "1.44"),
        ("28.5", "1.51"),
        ("29.0", "1.52"),
        ("29.1", "1.52"),
        ("29.7", "1.52"),
        ("podman", "1.41"),
    ],
)
def test_the_newest_version_that_both_speak_is_taken(
    release: str, taken: str, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(release) as engine, caplog.at_level(logging.INFO, "holoenzyme.engine.api"):
        engine.replies["GET /images/json"] = Reply(body=[])
        assert ask(engine) == []
        assert engine.versions == {None, taken}, "the first question has no version, and every other has this one"
    says = RELEASES[release]
    name = "Podman Engine" if release == "podman" else "Docker Engine"
    assert caplog.messages == [
        f"{name} {says.release}, API {taken} (it speaks {says.oldest} to {says.api}) at {engine.address}"
    ]


def test_a_server_refuses_what_docker_refuses() -> None:
    """The server of these tests: what it says to a fixed 1.41 is what made Docker 29.0 a bug of the project."""
    with serving("29.0") as engine:
        refused = engine.answer("GET", "/v1.41/images/json")
        assert refused.status == 400
        assert refused.body == {
            "message": "client version 1.41 is too old. Minimum supported API version is 1.44, please upgrade your "
            "client to a newer version"
        }
        assert "too new. Maximum supported API version is 1.52" in engine.answer("GET", "/v1.53/x").body["message"]


def test_the_version_is_asked_once() -> None:
    with serving() as engine:
        engine.replies["GET /images/json"] = Reply(body=[])
        api = Api(engine.environ)
        for _ in range(3):
            api.ask("listing images", lambda client: client.api.images())
        api.close()
        assert engine.asked.count("GET /version") == 1


def test_an_engine_that_is_too_old_is_named() -> None:
    with serving("19.03") as engine:
        refused = failed(engine)
    assert isinstance(refused, UnfitVersion)
    assert refused.what == "Docker Engine 19.03.15 is too old: it speaks the API up to 1.40, and 1.41 is needed"
    assert refused.why is not None and "`RUN --mount`" in refused.why and "20.10" in refused.why
    assert refused.fix == "install Docker Engine 20.10 or newer: https://docs.docker.com/engine/install/"


def test_an_engine_that_is_too_new_is_named() -> None:
    with serving("later") as engine:
        refused = failed(engine)
    assert isinstance(refused, UnfitVersion)
    assert refused.what == (
        "Docker Engine 40.0.0 is too new: it wants API 1.60 or newer, and this project speaks 1.41 to 1.52"
    )
    assert refused.fix is not None and '"min-api-version": "1.52"' in refused.fix


@pytest.mark.parametrize(("oldest", "newest", "taken"), [("1.0", OLDEST, OLDEST), (NEWEST, "1.80", NEWEST)])
def test_one_version_in_common_is_enough(oldest: ApiVersion | str, newest: ApiVersion | str, taken: ApiVersion) -> None:
    span = {"oldest": ApiVersion.parse(str(oldest)), "newest": ApiVersion.parse(str(newest))}
    assert negotiate(EngineVersion(name="Docker Engine", release="1", **span)).api == taken


def test_an_engine_that_was_updated_since_it_was_asked() -> None:
    with serving("20.10") as engine:
        api = Api(engine.environ)
        assert api.negotiated.api == ApiVersion(1, 41)
        engine.says = RELEASES["29.0"]
        with pytest.raises(UnfitVersion, match="does not speak this version") as caught:
            api.ask("listing images", lambda client: client.api.images())
        api.close()
    assert caught.value.why is not None and "client version 1.41 is too old" in caught.value.why
    assert caught.value.exit_code is ExitCode.INFRASTRUCTURE


@pytest.mark.parametrize(
    "body", [{"message": "hello"}, {"Version": "1", "ApiVersion": "newest"}, {"Version": "1", "ApiVersion": 2}, {}]
)
def test_what_is_no_engine_is_said_to_be_none(body: dict[str, object]) -> None:
    with serving() as engine:
        engine.replies["GET /version"] = Reply(body=body)
        refused = failed(engine)
    assert isinstance(refused, InfrastructureError)
    assert refused.what == f"what answers at {engine.address} is no container engine"


def test_versions_are_numbers() -> None:
    assert ApiVersion.parse("1.9") < ApiVersion.parse("1.41")
    assert str(ApiVersion(1, 41)) == "1.41"


def test_what_is_needed_decides_how_old_an_engine_may_be(root: Path) -> None:
    assert max(need.api for need in NEEDS) == OLDEST <= NEWEST
    text = (root / "docs/building.md").read_text()
    row = r"^\| (.+?) \| (.+?) \| (engine(?: and client)?) ([\d.]+) \(API ([\d.]+)\) \|$"
    rows = re.findall(row, text, re.MULTILINE)
    assert rows == [
        (need.what, need.why, "engine and client" if need.of_client else "engine", str(need.release), str(need.api))
        for need in NEEDS
    ]
    assert f"API {OLDEST} to {NEWEST}" in text


# Errors


@pytest.mark.parametrize(
    ("status", "text", "kind", "said"),
    [
        (400, "invalid reference format", InternalError, "the engine cannot do what it was asked"),
        (401, "unauthorized", EngineRefused, "the engine does not allow it"),
        (403, "authorization denied by plugin", EngineRefused, "the engine does not allow it"),
        (404, "no such image: x", Absent, "the engine does not have it"),
        (405, "method not allowed", InternalError, "the engine cannot do what it was asked"),
        (409, "conflict: it is in use", Conflict, "the engine cannot do that now"),
        (429, "toomanyrequests: slow down", EngineRefused, "the engine is busy"),
        (500, "something broke", EngineRefused, "the engine failed"),
        (500, "write /var/lib/docker/x: no space left on device", EngineRefused, "the engine's disk is full"),
        (502, "bad gateway", EngineRefused, "the engine failed"),
        (503, "", EngineRefused, "the engine failed"),
    ],
)
def test_every_status_has_its_class(status: int, text: str, kind: type[HoloenzymeError], said: str) -> None:
    with serving(replies={"GET /images/json": error(status, text)}) as engine:
        refused = failed(engine)
    assert type(refused) is kind
    assert refused.what == f"listing images: {said}"
    assert refused.why == (text or f"HTTP status {status}")
    assert isinstance(refused, InternalError) != (refused.exit_code is ExitCode.INFRASTRUCTURE)
    if "space" in text:
        assert refused.fix is not None and "nox -s clean" in refused.fix


def test_an_error_that_is_no_json_is_told_as_it_is() -> None:
    with serving(replies={"GET /images/json": Reply(status=502, raw=b"<html>Bad Gateway</html>")}) as engine:
        assert failed(engine).why == "<html>Bad Gateway</html>"


@pytest.mark.parametrize(
    ("reply", "trouble"),
    [
        (HANG_UP, Trouble.CUT),
        (Reply(body=[{"Id": "1"}], missing=500), Trouble.CUT),
        (Reply(raw=b'[{"Id": "1"'), Trouble.GARBLED),
        (Reply(status=500, body={"error": "not in the engine's words"}), Trouble.GARBLED),
    ],
)
@pytest.mark.parametrize("path", ["GET /version", "GET /images/json"])
def test_an_answer_that_does_not_come_to_its_end(reply: Reply, trouble: Trouble, path: str) -> None:
    with serving(replies={path: reply}) as engine:
        refused = failed(engine)
    assert isinstance(refused, NoEngine)
    assert refused.trouble is trouble
    assert refused.what == f"the Docker engine at {engine.address} did not answer to the end"
    assert refused.fix is not None and "journalctl -u docker" in refused.fix


def test_no_socket_at_all(tmp_path: Path) -> None:
    address = f"unix://{tmp_path}/none.sock"
    refused = failed(EngineServer(RELEASES["20.10"], address))
    assert isinstance(refused, NoEngine) and refused.trouble is Trouble.ABSENT
    assert str(refused) == (
        f"the Docker engine does not answer at {address}\n"
        "  why: there is no such socket\n"
        "  fix: `nox -s doctor` says how to mend that"
    )


def test_a_socket_that_nobody_listens_at(tmp_path: Path) -> None:
    """What an engine that was killed leaves."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    refused = failed(EngineServer(RELEASES["20.10"], f"unix://{path}"))
    assert isinstance(refused, NoEngine) and refused.trouble is Trouble.REFUSED
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        refused = failed(EngineServer(RELEASES["20.10"], f"tcp://127.0.0.1:{taken.getsockname()[1]}"))
    assert isinstance(refused, NoEngine) and refused.trouble is Trouble.REFUSED


def test_a_socket_that_this_user_may_not_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modes do not bind root, who may run these tests: the kernel's answer to others is given in its place."""

    def forbidden(self: socket.socket, address: object) -> None:
        raise PermissionError(13, "Permission denied")

    with serving() as engine, monkeypatch.context() as patch:
        patch.setattr(socket.socket, "connect", forbidden)
        refused = failed(engine)
    assert isinstance(refused, NoEngine) and refused.trouble is Trouble.PERMISSION
    assert refused.what == f"the Docker engine does not let this user in at {engine.address}"
    assert refused.fix is not None and "usermod --append --groups docker" in refused.fix
    assert engine.asked == []


@pytest.mark.parametrize(
    ("cause", "trouble"),
    [
        (socket.gaierror(-2, "Name or service not known"), Trouble.UNKNOWN_HOST),
        (TimeoutError("timed out"), Trouble.LATE),
        (OSError(113, "No route to host"), Trouble.REFUSED),
        (OSError(5, "Input/output error"), Trouble.OTHER),
    ],
)
def test_what_a_network_says(cause: OSError, trouble: Trouble) -> None:
    error = no_answer(Wrapped(ProtocolError("Connection aborted.", cause)), "tcp://host:2375")
    assert error.trouble is trouble
    assert (str(cause) in str(error)) == (trouble is Trouble.OTHER)


@pytest.mark.parametrize("cause", [ConnectionResetError(104, "reset"), ProtocolError("broken", BrokenPipeError(32))])
def test_what_comes_past_the_packages_own_errors(cause: Exception) -> None:
    """While an answer is read, sockets and urllib3 raise errors of their own."""

    def question(client: object) -> None:
        raise cause

    with serving() as engine, pytest.raises(NoEngine) as caught:
        Api(engine.environ).ask("reading", question)
    assert caught.value.trouble is Trouble.CUT


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({"DOCKER_HOST": "ssh://somewhere"}, "by unix, tcp, http or https only"),
        ({"DOCKER_HOST": "ftp://somewhere:1"}, "Invalid bind address protocol"),
        ({"DOCKER_HOST": "tcp://somewhere:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/none"}, "TLS"),
    ],
)
def test_an_address_that_cannot_be_used_is_the_users(environ: dict[str, str], why: str) -> None:
    with pytest.raises(UserError, match=re.escape(environ["DOCKER_HOST"])) as caught:
        Api(environ).ask("pinging", lambda client: client.ping())
    assert caught.value.why is not None and why in caught.value.why
    assert caught.value.fix is not None and "DOCKER_HOST" in caught.value.fix


# A command, from end to end


def broken(reply: Reply) -> Callable[[EngineServer], None]:
    return lambda engine: engine.replies.update({"GET /images/json": reply})


def nothing(engine: EngineServer) -> None:
    """An engine that has nothing."""
    engine.replies |= {
        "GET /containers/json": Reply(body=[]),
        "GET /images/json": Reply(body=[]),
        "GET /system/df": Reply(body={"LayersSize": 0, "BuildCache": None}),
    }


@pytest.mark.parametrize(
    ("release", "change", "code"),
    [
        ("20.10", nothing, 0),
        ("29.0", nothing, 0),
        ("29.7", nothing, 0),
        ("19.03", nothing, 3),
        ("later", nothing, 3),
        ("29.0", broken(error(500, "no space left on device")), 3),
        ("29.0", broken(HANG_UP), 3),
        ("29.0", broken(error(400, "invalid filter")), 4),
    ],
)
def test_a_command_ends_with_the_code_of_who_is_at_fault(
    release: str,
    change: Callable[[EngineServer], None],
    code: int,
    root: Path,
    state: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with serving(release) as engine:
        nothing(engine)
        change(engine)
        monkeypatch.setenv("HOLOENZYME_ROOT", str(root))
        monkeypatch.setenv("DOCKER_HOST", engine.address)
        assert cli.main(["clean"]) == code
    said = capsys.readouterr().err
    assert "bug in the project" not in said
    (log,) = (state / "logs").glob("*-clean-*.log")
    if code == 0:
        assert f"Docker Engine {engine.says.release}, API 1." in log.read_text()
