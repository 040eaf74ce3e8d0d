"""Docker behind the protocol: what it answers, whose business an error is, and builds that fail."""

from __future__ import annotations

import logging
import re
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.engine_server import HANG_UP, EngineServer, Reply, error, serving
from tests.fakes import FakeRunner

from holoenzyme.engine.api import Api
from holoenzyme.engine.base import (
    BuildFailed,
    BuildRequest,
    ContainerInfo,
    ImageInfo,
    ImageInUse,
    Mount,
    RunRequest,
    Secret,
    Usage,
)
from holoenzyme.engine.docker import RUN_LABEL, DockerEngine
from holoenzyme.engine.trouble import EngineRefused, NoEngine, Trouble
from holoenzyme.errors import InfrastructureError, InternalError
from holoenzyme.process import Command

# Docker's package leaves the sockets of connections that failed to the collector.
pytestmark = [pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"), pytest.mark.usefixtures("collected")]

NAME = "holoenzyme/stage/rustc:1"
ID = "sha256:" + "1" * 64
DONE = Reply(status=204)


@pytest.fixture(params=["20.10", "29.0"])
def server(request: pytest.FixtureRequest) -> Iterator[EngineServer]:
    """An engine, an old and a new one."""
    with serving(request.param) as server:
        yield server


@pytest.fixture
def engine(server: EngineServer) -> Iterator[DockerEngine]:
    api = Api(server.environ)
    yield DockerEngine(FakeRunner(), api)
    api.close()


# Images


def test_images_are_listed(server: EngineServer, engine: DockerEngine) -> None:
    server.replies["GET /images/json"] = Reply(
        body=[
            {"Id": ID, "RepoTags": [NAME], "Labels": {"a": "b"}, "Size": 5, "Created": 7},
            {"Id": "sha256:2", "RepoTags": ["<none>:<none>"], "Labels": None, "Size": 6, "Created": 8},
            {"Id": "sha256:3", "RepoTags": [], "Size": 6, "Created": 8},
        ]
    )
    first, *others = engine.images()
    assert first == ImageInfo(id=ID, tags=(NAME,), labels={"a": "b"}, size=5, created=7.0)
    assert [(image.tags, image.labels) for image in others] == [((), {}), ((), {})]


@pytest.mark.parametrize("config", [{"Labels": None}, {}, None])
def test_an_image_without_labels_and_time(
    server: EngineServer, engine: DockerEngine, config: dict[str, object] | None
) -> None:
    server.replies[f"GET /images/{NAME}/json"] = Reply(body={"Id": ID, "RepoTags": None, "Size": 5, "Config": config})
    assert engine.image(NAME) == ImageInfo(id=ID, tags=(), labels={}, size=5, created=0.0)


def test_an_image_by_its_name(server: EngineServer, engine: DockerEngine) -> None:
    server.replies[f"GET /images/{NAME}/json"] = Reply(
        body={
            "Id": ID,
            "RepoTags": [NAME],
            "Size": 5,
            "Config": {"Labels": {"a": "b"}},
            "RootFS": {"Type": "layers", "Layers": ["sha256:a", "sha256:b"]},
            "Created": "1970-01-01T00:00:07.123456789Z",
        }
    )
    layers = ("sha256:a", "sha256:b")
    assert engine.image(NAME) == ImageInfo(id=ID, tags=(NAME,), labels={"a": "b"}, size=5, created=7.0, layers=layers)


def test_an_image_that_is_not_there_is_none_and_an_engine_that_fails_is_no_absence(
    server: EngineServer, engine: DockerEngine
) -> None:
    server.replies[f"GET /images/{NAME}/json"] = error(404, f"No such image: {NAME}")
    assert engine.image(NAME) is None
    server.replies[f"GET /images/{NAME}/json"] = error(500, "layer store is damaged")
    with pytest.raises(EngineRefused, match=f"looking at {NAME}: the engine failed"):
        engine.image(NAME)
    server.replies[f"GET /images/{NAME}/json"] = HANG_UP
    with pytest.raises(NoEngine):
        engine.image(NAME)


def test_an_engine_that_is_there_and_one_that_went(server: EngineServer, engine: DockerEngine) -> None:
    server.replies["GET /_ping"] = Reply(raw=b"OK")
    engine.ping()
    server.replies["GET /_ping"] = HANG_UP
    with pytest.raises(NoEngine):
        engine.ping()


def test_an_image_that_is_gone_before_it_is_named(server: EngineServer, engine: DockerEngine) -> None:
    server.replies[f"POST /images/{ID}/tag"] = Reply(status=201)
    engine.tag(ID, NAME)
    server.replies[f"POST /images/{ID}/tag"] = error(404, "no such image")
    with pytest.raises(InfrastructureError, match="it is gone") as caught:
        engine.tag(ID, NAME)
    assert caught.value.fix == "run the command again"


def test_removing(server: EngineServer, engine: DockerEngine) -> None:
    delete = f"DELETE /images/{NAME}"
    server.replies[delete] = Reply(body=[])
    engine.remove(NAME)
    server.replies[delete] = error(404, "no such image")
    engine.remove(NAME)
    assert server.asked.count(delete) == 2
    server.replies[delete] = error(409, "conflict: container 123 is using it")
    with pytest.raises(ImageInUse) as caught:
        engine.remove(NAME)
    assert caught.value.why == "conflict: container 123 is using it"
    server.replies[delete] = error(500, "device busy")
    with pytest.raises(EngineRefused, match=f"removing {NAME}: the engine failed"):
        engine.remove(NAME)


@pytest.mark.parametrize("status", [404, 409])
def test_a_container_that_is_gone_or_going_needs_no_removal(
    server: EngineServer, engine: DockerEngine, status: int
) -> None:
    server.replies["DELETE /containers/c1"] = error(status, "removal of container c1 is already in progress")
    engine.remove_container("c1")
    server.replies["DELETE /containers/c1"] = error(500, "driver failed")
    with pytest.raises(EngineRefused):
        engine.remove_container("c1")


def test_housekeeping(server: EngineServer, engine: DockerEngine) -> None:
    server.replies |= {
        "GET /containers/json": Reply(
            body=[
                {"Id": "1", "ImageID": ID, "State": "running", "Labels": {RUN_LABEL: "here:7"}},
                {"Id": "2", "ImageID": ID, "State": "exited", "Labels": None},
            ]
        ),
        "GET /system/df": Reply(
            body={
                "LayersSize": 50,
                "BuildCache": [
                    {"Size": 1, "InUse": True, "Shared": False},
                    {"Size": 2, "InUse": False, "Shared": True},
                    {"Size": 4, "InUse": False, "Shared": False},
                ],
            }
        ),
        "POST /build/prune": Reply(body={"SpaceReclaimed": 4}),
        f"GET /images/{ID}/history": Reply(body=[{"CreatedBy": "RUN last"}, {"CreatedBy": "RUN first"}]),
    }
    assert engine.containers() == (
        ContainerInfo(id="1", image=ID, running=True, owner="here:7"),
        ContainerInfo(id="2", image=ID, running=False, owner=None),
    )
    assert engine.usage() == Usage(layers=50, build_cache=4)
    assert engine.free_build_cache() == 4
    assert engine.history(ID) == ("RUN first", "RUN last")


# Registries


PULLED = f"debian@{ID}"


def test_pulling(server: EngineServer, engine: DockerEngine) -> None:
    server.replies["POST /images/create"] = Reply(raw=b'{"status": "Pulling"}\n{"status": "Done"}\n')
    server.replies[f"GET /images/{PULLED}/json"] = Reply(body={"Id": ID, "Size": 5})
    assert engine.pull(PULLED) == ID


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (error(404, "manifest unknown"), "manifest unknown"),
        (error(500, "Get https://registry-1.docker.io/v2/: no such host"), "no such host"),
        (Reply(raw=b'{"status": "Pulling"}\n{"error": "unexpected EOF"}\n'), "unexpected EOF"),
    ],
)
def test_a_registry_that_does_not_give_it(server: EngineServer, engine: DockerEngine, reply: Reply, why: str) -> None:
    server.replies["POST /images/create"] = reply
    server.replies[f"GET /images/{PULLED}/json"] = error(404, "no such image")
    with pytest.raises(InfrastructureError) as caught:
        engine.pull(PULLED)
    assert caught.value.what == f"{PULLED} could not be pulled"
    assert caught.value.why is not None and why in caught.value.why


def test_an_engine_that_goes_away_in_a_pull_is_no_registry(server: EngineServer, engine: DockerEngine) -> None:
    server.replies["POST /images/create"] = Reply(raw=b'{"status": "Pulling"}\n', missing=100)
    with pytest.raises(NoEngine) as caught:
        engine.pull(PULLED)
    assert caught.value.trouble is Trouble.CUT


def test_a_digest_of_today(server: EngineServer, engine: DockerEngine) -> None:
    path = "GET /distribution/debian:bookworm/json"
    server.replies[path] = Reply(body={"Descriptor": {"digest": ID}})
    assert engine.digest("debian:bookworm") == ID
    for status in (401, 403, 404, 429, 500):
        server.replies[path] = error(status, "no")
        assert engine.digest("debian:bookworm") is None
    server.replies[path] = HANG_UP
    with pytest.raises(NoEngine):
        engine.digest("debian:bookworm")


def test_importing_an_archive(server: EngineServer, engine: DockerEngine, tmp_path: Path) -> None:
    archive = tmp_path / "base.tar"
    archive.write_bytes(b"files")
    server.replies['POST /images/create changes=CMD+["bash"]'] = Reply(raw=f'{{"status": "{ID}"}}'.encode())
    assert engine.import_archive(archive, ('CMD ["bash"]',)) == ID
    server.replies = {"POST /images/create": Reply(raw=b'{"error": "no space left on device"}')}
    with pytest.raises(InfrastructureError, match="did not import") as caught:
        engine.import_archive(archive, ())
    assert caught.value.why is not None and "no space left" in caught.value.why


# Containers

REQUEST = RunRequest(image=NAME, argv=("true",), timeout=20, mounts=(Mount(source=Path("/src"), target="/src"),))
REMOVED = "DELETE /containers/c1"


def frame(stream: int, text: bytes) -> Reply:
    """What a container wrote to one of its streams, as the engine sends it."""
    return Reply(raw=struct.pack(">BxxxI", stream, len(text)) + text)


def ready(server: EngineServer, **replies: Reply) -> None:
    """Have a container c1 that ends with 3; `replies` are for another end of some step."""
    server.replies |= {
        "POST /containers/create": Reply(status=201, body={"Id": "c1"}),
        "GET /containers/c1/json": Reply(body={"Id": "c1", "Config": {"Tty": False}}),
        "POST /containers/c1/start": replies.get("start", DONE),
        "POST /containers/c1/wait": replies.get("wait", Reply(body={"StatusCode": 3})),
        "POST /containers/c1/kill": replies.get("kill", DONE),
        "GET /containers/c1/logs stdout=1": replies.get("logs", frame(1, b"out")),
        "GET /containers/c1/logs stderr=1": frame(2, b"err"),
        REMOVED: replies.get("remove", DONE),
    }


def test_a_container_that_ends(server: EngineServer, engine: DockerEngine) -> None:
    ready(server)
    done = engine.run(REQUEST)
    assert (done.returncode, done.stdout, done.stderr, done.timed_out) == (3, "out", "err", False)
    assert server.asked[-1] == REMOVED


@pytest.mark.parametrize("kill", [DONE, error(409, "container c1 is not running"), error(404, "no such container")])
def test_a_container_that_runs_past_its_time(server: EngineServer, engine: DockerEngine, kill: Reply) -> None:
    never = threading.Event()
    ready(server, wait=Reply(body={"StatusCode": 0}, after=never), kill=kill)
    try:
        done = engine.run(RunRequest(image=NAME, argv=("sleep", "99"), timeout=0.2))
    finally:
        never.set()
    assert (done.returncode, done.timed_out, done.stdout) == (124, True, "out")
    assert "POST /containers/c1/kill" in server.asked
    assert server.asked[-1] == REMOVED


def test_an_engine_that_goes_away_is_no_container_that_hangs(server: EngineServer, engine: DockerEngine) -> None:
    ready(server, wait=Reply(raw=b"", missing=20))
    with pytest.raises(NoEngine) as caught:
        engine.run(REQUEST)
    assert caught.value.trouble is Trouble.CUT
    assert server.asked[-1] == REMOVED


@pytest.mark.parametrize(
    ("step", "reply", "kind", "said"),
    [
        ("start", error(400, "exec: no such file"), InternalError, "the engine cannot do what it was asked"),
        ("start", error(500, "cgroups: cannot fork"), InfrastructureError, "the engine failed"),
        ("start", error(500, "mkdir: no space left on device"), InfrastructureError, "the engine's disk is full"),
        ("wait", error(404, "no such container"), InfrastructureError, "the engine does not have it"),
        ("logs", error(500, "log driver failed"), InfrastructureError, "the engine failed"),
    ],
)
def test_a_container_that_fails_is_removed(
    server: EngineServer,
    engine: DockerEngine,
    step: str,
    reply: Reply,
    kind: type[InternalError | InfrastructureError],
    said: str,
) -> None:
    ready(server, **{step: reply})
    with pytest.raises(kind, match=f"running a container of {NAME}: {said}"):
        engine.run(REQUEST)
    assert server.asked[-1] == REMOVED


def test_an_image_that_is_not_there_cannot_be_run(server: EngineServer, engine: DockerEngine) -> None:
    server.replies["POST /containers/create"] = error(404, f"No such image: {NAME}")
    with pytest.raises(InfrastructureError, match="the engine does not have it") as caught:
        engine.run(REQUEST)
    assert caught.value.fix is not None and "nox -s build-image" in caught.value.fix


def test_what_was_found_out_is_kept_where_the_removal_fails(
    server: EngineServer, engine: DockerEngine, caplog: pytest.LogCaptureFixture
) -> None:
    ready(server, remove=error(500, "device busy"))
    with caplog.at_level(logging.WARNING):
        assert engine.run(REQUEST).returncode == 3
    assert "c1 is left behind, `nox -s clean` removes it" in caplog.text


# Builds


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, str], tuple[DockerEngine, FakeRunner]]:
    """An engine whose `docker build` ends with a status and an output."""
    (tmp_path / "docker").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    def make(status: int, output: str) -> tuple[DockerEngine, FakeRunner]:
        def docker(command: Command) -> tuple[int, str]:
            if command.argv[1] == "--version":
                return 0, "Docker version 20.10.24, build 297e128"
            if command.argv[1] != "build":
                return 0, ""
            if "--iidfile" in command.argv:
                Path(command.argv[command.argv.index("--iidfile") + 1]).write_text(ID)
            return status, output

        runner = FakeRunner(programs={"docker": docker})
        return DockerEngine(runner, Api({})), runner

    return make


def request(tmp_path: Path, **more: object) -> BuildRequest:
    usual = {"context": tmp_path, "labels": {"b": "2", "a": "1"}, "secrets": (), "timeout": 60.0}
    return BuildRequest(**{**usual, **more})  # type: ignore[arg-type]


def test_the_line_that_builds(tmp_path: Path, built: Callable[[int, str], tuple[DockerEngine, FakeRunner]]) -> None:
    engine, runner = built(0, "")
    asked = request(
        tmp_path,
        no_cache=True,
        args={"FRESH": "1", "A": "b"},
        secrets=(Secret(id="ca", path=Path("/ca")),),
        dockerfile=tmp_path / "other",
    )
    assert engine.build(asked, on_line=print, log_file=tmp_path / "log") == ID
    (build,) = [command for command in runner.commands if command.argv[1] == "build"]
    words = " ".join(build.argv)
    assert words.startswith(
        f"{tmp_path}/docker build --progress=plain --no-cache --build-arg A=b --build-arg FRESH=1 "
        f"--file {tmp_path}/other --secret id=ca,src=/ca --label a=1 --label b=2 --iidfile "
    )
    assert words.endswith(f" {tmp_path}")
    assert (build.env, build.timeout) == ({"DOCKER_BUILDKIT": "1"}, 60.0)
    assert "--build-arg" not in engine.build_command(request(tmp_path, no_cache=True)), "nothing but what is asked for"


@pytest.mark.parametrize(
    "said",
    [
        "#9 ERROR: failed to copy files: write /var/lib/docker/overlay2/x: no space left on device",
        "#5 0.2 Could not resolve 'deb.debian.org'",
        "#5 0.2 Temporary failure resolving 'deb.debian.org'",
        "#5 0.2 curl: (6) getaddrinfo: Temporary failure in name resolution",
        "#5 0.2 Could not connect to deb.debian.org:80 (146.75.118.132), connection timed out",
        "#5 0.2 connect to 127.0.0.1 port 3128 failed: Connection refused",
        "ERROR: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
        "ERROR: failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct",
        "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
        "permission denied while trying to connect to the docker API at unix:///var/run/docker.sock",
        "error during connect: Post http://engine:2375/build: EOF",
        "Error response from daemon: client version 1.41 is too old. Minimum supported API version is 1.44, please",
        "Error response from daemon: client version 1.50 is too new. Maximum supported API version is 1.41",
        "API version 1.41 is not supported by this client: the minimum supported API version is 1.44",
        "#5 0.2 dial tcp 1.2.3.4:443: connect: network is unreachable",
        "#2 ERROR: dial tcp: lookup registry-1.docker.io: no such host",
        "failed to create endpoint x on network bridge: operation not supported",
        "could not find bridge docker0: route ip+net: no such network interface",
        "#5 1.0 warning: spurious network error (3 tries remaining): [28] Timeout was reached",
        "#5 1.0 [60] SSL peer certificate or SSH remote key was not OK (SSL certificate problem: self-signed)",
    ],
)
def test_a_build_that_the_machine_lets_fail(
    tmp_path: Path, built: Callable[[int, str], tuple[DockerEngine, FakeRunner]], said: str
) -> None:
    engine, _ = built(1, f"#1 begins\n{said}\n > [2/3] RUN apt-get update:\n")
    with pytest.raises(InfrastructureError, match="the build failed on this machine's account") as caught:
        engine.build(request(tmp_path), on_line=print, log_file=tmp_path / "log")
    assert caught.value.why is not None and said in caught.value.why
    assert caught.value.what.rpartition("account: ")[2].lower() in said.lower()


def test_a_step_that_fails_is_the_projects_fault(
    tmp_path: Path, built: Callable[[int, str], tuple[DockerEngine, FakeRunner]]
) -> None:
    # What was said long before the end is not why it failed.
    early = "warning: spurious network error\n" + "compiling\n" * 300
    engine, _ = built(1, f"{early}error[E0308]: mismatched types\n > [2/3] RUN cargo build:\n")
    with pytest.raises(BuildFailed, match=re.escape("step [2/3] RUN cargo build failed")) as caught:
        engine.build(request(tmp_path), on_line=print, log_file=tmp_path / "log")
    assert "mismatched types" in caught.value.tail
    assert caught.value.command.startswith("DOCKER_BUILDKIT=1 ")


def test_what_builds_is_told_with_the_version_that_is_taken(
    tmp_path: Path, built: Callable[[int, str], tuple[DockerEngine, FakeRunner]]
) -> None:
    _, runner = built(0, "")
    with serving("29.0") as server:
        engine = DockerEngine(runner, Api(server.environ))
        assert engine.command == f"{tmp_path}/docker"
        assert engine.builder == (
            f"{tmp_path}/docker 20.10.24 (BuildKit is built in), "
            "Docker Engine 29.0.4, API 1.52 (it speaks 1.44 to 1.52)"
        )
