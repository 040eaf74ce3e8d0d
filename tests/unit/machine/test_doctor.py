"""The doctor on healthy and on broken machines: each state has its message and the command that mends it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fake_host import ANSWERS, FakeHost

from holoenzyme.cli import doctor
from holoenzyme.engine import secrets
from holoenzyme.engine.api import Api
from holoenzyme.engine.install import ThisHost, ensure
from holoenzyme.engine.trouble import no_answer
from holoenzyme.engine.versions import ApiVersion, UnfitVersion, negotiate
from holoenzyme.errors import ExitCode, InfrastructureError, UserError
from holoenzyme.machine.doctor import Condition, Diagnosis, examine
from holoenzyme.process import SubprocessRunner

UBUNTU = {"ID": "ubuntu", "ID_LIKE": "debian", "VERSION_ID": "24.04"}
REFUSED = (
    "Error response from daemon: client version 1.41 is too old. Minimum supported API version is 1.44, please upgrade "
    "your client to a newer version"
)
SOCKET = "unix:///var/run/docker.sock"
DOWN = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(folder=tmp_path)


def found(host: FakeHost, name: str) -> Diagnosis:
    (finding,) = [finding for finding in examine(host) if finding.name == name]
    return finding


def test_a_healthy_machine(host: FakeHost) -> None:
    assert [(finding.condition, finding.name, finding.message, finding.fix) for finding in examine(host)] == [
        ("ok", "python", "Python 3.11", None),
        (
            "ok",
            "docker client",
            f"{host.folder}/usr/docker is used ({host.folder}/usr/docker 20.10.24+dfsg1: BuildKit is built in)",
            None,
        ),
        ("ok", "engine", "Docker Engine 20.10.24, API 1.41 (it speaks 1.12 to 1.41)", None),
        ("ok", "disk", "50.0 GB free in /var/lib/docker", None),
        ("ok", "mmdebstrap", "/usr/bin/mmdebstrap", None),
        ("ok", "skopeo", "/usr/bin/skopeo", None),
        ("ok", "ca bundle", f"{host.folder}/ca.crt", None),
        ("ok", "gpu", "GPU 0: NVIDIA H100 80GB HBM3; GPU 1: NVIDIA H100 80GB HBM3", None),
    ]


def old_python(host: FakeHost) -> None:
    host.python = (3, 10)


def no_client(host: FakeHost) -> None:
    (host.folder / "usr/docker").unlink()


def no_client_elsewhere(host: FakeHost) -> None:
    no_client(host)
    host.os_release = {"ID": "fedora"}


def no_buildx(host: FakeHost) -> None:
    host.answers = {
        "docker --version": (0, "Docker version 28.2.2, build e6534b4"),
        "docker buildx": (1, "docker: 'buildx' is not a docker command."),
    } | host.answers
    host.answers["docker --version"] = (0, "Docker version 28.2.2, build e6534b4")


def no_buildx_on_ubuntu(host: FakeHost) -> None:
    no_buildx(host)
    host.os_release = UBUNTU


def old_client(host: FakeHost) -> None:
    host.answers["docker --version"] = (0, "Docker version 17.03.2-ce, build f5ec1e2")


def engine_down(host: FakeHost) -> None:
    host.answer = no_answer(ConnectionRefusedError(), SOCKET)


def no_socket(host: FakeHost) -> None:
    host.answer = no_answer(FileNotFoundError(), SOCKET)


def nothing_installed(host: FakeHost) -> None:
    no_client(host)
    no_socket(host)


def engine_down_without_systemd(host: FakeHost) -> None:
    engine_down(host)
    host.paths.clear()
    host.uid = 0


def engine_elsewhere(host: FakeHost) -> None:
    host.extra["DOCKER_HOST"] = "tcp://127.0.0.1:1"
    host.answer = no_answer(ConnectionRefusedError(), "tcp://127.0.0.1:1")


def no_permission(host: FakeHost) -> None:
    host.answer = no_answer(PermissionError(), SOCKET)


def old_engine(host: FakeHost) -> None:
    with pytest.raises(UnfitVersion) as caught:
        negotiate(replace(ANSWERS.engine, release="19.03.15", newest=ApiVersion(1, 40)))
    host.answer = caught.value


def address_of_nothing(host: FakeHost) -> None:
    host.extra["DOCKER_HOST"] = "ssh://host"
    with pytest.raises(UserError) as caught:
        _ = Api(host.environ).negotiated
    host.answer = caught.value


def client_of_another_age(host: FakeHost) -> None:
    host.answers["docker version"] = (1, REFUSED)


def full_disk(host: FakeHost) -> None:
    host.free = 11_960_000_000


def hidden_disk(host: FakeHost) -> None:
    host.free = FileNotFoundError(2, "No such file")


def silent_engine(host: FakeHost) -> None:
    host.answers["docker info"] = (1, DOWN)


def remote_engine(host: FakeHost) -> None:
    host.extra["DOCKER_HOST"] = "ssh://host"


def no_tools(host: FakeHost) -> None:
    host.programs = set()


def no_tools_as_root(host: FakeHost) -> None:
    host.programs, host.uid = {"apt-get"}, 0


def no_tools_on_fedora(host: FakeHost) -> None:
    host.programs, host.os_release = set(), {"ID": "rocky", "ID_LIKE": "rhel centos fedora"}


def no_tools_anywhere(host: FakeHost) -> None:
    host.programs, host.os_release = set(), {}


def stores_without_skopeo(host: FakeHost) -> None:
    host.programs, host.extra["HOLOENZYME_STORES"] = set(), "/store"


def wrong_ca(host: FakeHost) -> None:
    host.extra["SSL_CERT_FILE"] = "/nowhere/ca.crt"


def old_skopeo(host: FakeHost) -> None:
    host.answers["skopeo --version"] = (0, "skopeo version 1.9.3")
    host.answer = negotiate(
        replace(ANSWERS.engine, release="29.1.3", oldest=ApiVersion(1, 44), newest=ApiVersion(1, 52))
    )


def old_skopeo_and_no_engine(host: FakeHost) -> None:
    old_skopeo(host)
    engine_down(host)


def no_gpu(host: FakeHost) -> None:
    host.programs = set()


def broken_driver(host: FakeHost) -> None:
    host.answers["nvidia-smi"] = (9, "NVIDIA-SMI has failed")


def amd_gpu(host: FakeHost) -> None:
    host.programs, host.paths = set(), {"/dev/kfd"}


GPU_FIX = "for GPU cells, run on a machine with a GPU and its driver (`nvidia-smi` or /dev/kfd shows it)"
SKOPEO = "absent; it copies images to and from stores (--store, --save) and measures them"
MMDEBSTRAP = "absent; it makes the base image where no registry answers"
DOCKER_SITE = "install Docker Engine 20.10 or newer: https://docs.docker.com/engine/install/"


@pytest.mark.parametrize(
    ("broken", "name", "condition", "message", "fix"),
    [
        (old_python, "python", "missing", "this is Python 3.10; 3.11 or newer is needed", "uv python install 3.11"),
        (no_client, "docker client", "missing", "no `docker` command on PATH", "sudo apt-get install -y docker.io"),
        (
            nothing_installed,
            "engine",
            "missing",
            f"the Docker engine does not answer at {SOCKET}: there is no such socket",
            "sudo apt-get install -y docker.io",
        ),
        (no_client, "disk", "warn", "not looked at: the engine does not say where it is", None),
        (no_client_elsewhere, "docker client", "missing", "no `docker` command on PATH", DOCKER_SITE),
        (
            no_buildx,
            "docker client",
            "missing",
            "no `docker` command can be used for builds ({0}/usr/docker 28.2.2: it lacks the buildx plugin)",
            "sudo apt-get install -y docker.io",
        ),
        (
            no_buildx_on_ubuntu,
            "docker client",
            "missing",
            "no `docker` command can be used for builds ({0}/usr/docker 28.2.2: it lacks the buildx plugin)",
            "sudo apt-get install -y docker-buildx",
        ),
        (
            old_client,
            "docker client",
            "missing",
            "no `docker` command can be used for builds ({0}/usr/docker 17.03.2-ce: older than 19.03, the first with "
            "`docker build --output`)",
            "sudo apt-get install -y docker.io",
        ),
        (
            client_of_another_age,
            "docker client",
            "missing",
            "no `docker` command can be used for builds ({0}/usr/docker 20.10.24+dfsg1: it and the engine do not "
            "understand each other: client version 1.41 is too old. Minimum supported API version is 1.44)",
            "install the docker command that belongs to the engine's release: https://docs.docker.com/engine/install/",
        ),
        (
            engine_down,
            "engine",
            "missing",
            f"the Docker engine does not answer at {SOCKET}: nobody listens there",
            "sudo systemctl start docker",
        ),
        (
            no_socket,
            "engine",
            "missing",
            f"the Docker engine does not answer at {SOCKET}: there is no such socket",
            "sudo systemctl start docker",
        ),
        (
            engine_down_without_systemd,
            "engine",
            "missing",
            f"the Docker engine does not answer at {SOCKET}: nobody listens there",
            "service docker start",
        ),
        (
            engine_elsewhere,
            "engine",
            "missing",
            "the Docker engine does not answer at tcp://127.0.0.1:1: nobody listens there",
            "start the engine there, or unset DOCKER_HOST",
        ),
        (
            no_permission,
            "engine",
            "missing",
            f"the Docker engine does not let this user in at {SOCKET}: permission denied",
            "sudo usermod --append --groups docker ada (then log in again)",
        ),
        (
            old_engine,
            "engine",
            "missing",
            "Docker Engine 19.03.15 is too old: it speaks the API up to 1.40, and 1.41 is needed: `RUN --mount` "
            "without a `# syntax=` line came with 20.10: stages take secrets, caches and each other's files so; the "
            "line would be fetched from a registry",
            DOCKER_SITE,
        ),
        (
            address_of_nothing,
            "engine",
            "missing",
            "an engine cannot be used through ssh://host: it is reached by unix, tcp, http or https only",
            "forward its socket to a local one (`ssh -L`), and set DOCKER_HOST to that",
        ),
        (
            full_disk,
            "disk",
            "missing",
            "11.9 GB free in /var/lib/docker; 12 GB are needed",
            "nox -s clean (what this project made; it shows sizes first), or `docker system prune` (of all projects)",
        ),
        (
            hidden_disk,
            "disk",
            "warn",
            "not looked at: the engine's folder /var/lib/docker cannot be reached from here (No such file)",
            None,
        ),
        (silent_engine, "disk", "warn", "not looked at: the engine does not say where it is", None),
        (remote_engine, "disk", "warn", "not looked at: the engine is remote (ssh://host)", None),
        (no_tools, "mmdebstrap", "warn", MMDEBSTRAP, "sudo apt-get install -y mmdebstrap"),
        (no_tools, "skopeo", "warn", SKOPEO, "sudo apt-get install -y skopeo"),
        (
            no_tools_as_root,
            "skopeo",
            "warn",
            f"{SKOPEO}; the build installs it when it needs it",
            "apt-get install -y skopeo",
        ),
        (no_tools_on_fedora, "skopeo", "warn", SKOPEO, "sudo dnf install -y skopeo"),
        (no_tools_anywhere, "skopeo", "warn", SKOPEO, "install with the system's package manager: skopeo"),
        (
            old_skopeo,
            "skopeo",
            "warn",
            "skopeo 1.9.3 is too old for Docker Engine 29.1.3: it speaks API 1.22 alone, and the engine wants 1.44 or "
            "newer",
            "install skopeo 1.14.2 or newer, or go without stores (--store, --save)",
        ),
        (old_skopeo_and_no_engine, "skopeo", "ok", "/usr/bin/skopeo", None),
        (stores_without_skopeo, "skopeo", "missing", SKOPEO, "sudo apt-get install -y skopeo"),
        (
            wrong_ca,
            "ca bundle",
            "missing",
            "SSL_CERT_FILE names /nowhere/ca.crt, which is no file",
            "unset SSL_CERT_FILE",
        ),
        (no_gpu, "gpu", "warn", "none; cells for the host do not need one", GPU_FIX),
        (
            broken_driver,
            "gpu",
            "warn",
            "none; cells for the host do not need one; nvidia-smi says: NVIDIA-SMI has failed",
            GPU_FIX,
        ),
        (amd_gpu, "gpu", "ok", "/dev/kfd (AMD)", None),
    ],
)
def test_broken_machines(
    host: FakeHost, broken: Callable[[FakeHost], None], name: str, condition: str, message: str, fix: str | None
) -> None:
    broken(host)
    expected = Diagnosis(name=name, condition=Condition(condition), message=message.format(host.folder), fix=fix)
    assert found(host, name) == expected


def test_no_ca_bundle_at_all(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    del host.extra["SSL_CERT_FILE"]
    monkeypatch.setattr(secrets, "CA_PLACES", ())
    finding = found(host, "ca bundle")
    assert (finding.condition, finding.message) == ("missing", "none in the usual places")
    assert finding.fix == "sudo apt-get install -y ca-certificates"


def test_of_two_clients_the_one_with_buildkit_is_asked(host: FakeHost) -> None:
    first = host.client("a")
    host.answers = {f"{first} --version": (0, "Docker version 28.2.2, build 1"), "buildx": (1, "no")} | host.answers
    assert found(host, "docker client").message.startswith(f"{host.folder}/usr/docker is used ({first} 28.2.2: ")
    assert f"{host.folder}/usr/docker info --format '{{{{.DockerRootDir}}}}'" in host.commands


@pytest.mark.parametrize(
    ("broken", "code"), [(no_tools, ExitCode.OK), (no_permission, ExitCode.INFRASTRUCTURE), (wrong_ca, 3), (amd_gpu, 0)]
)
def test_the_exit_code_and_what_is_printed(
    host: FakeHost,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    broken: Callable[[FakeHost], None],
    code: int,
) -> None:
    broken(host)
    monkeypatch.setattr(doctor, "ThisHost", lambda runner: host)
    assert doctor.run([], Path()) == code
    text = capsys.readouterr().out
    for finding in examine(host):
        assert f"{finding.condition:8} {finding.name:14} {finding.message}\n" in text
        assert finding.fix is None or f"fix: {finding.fix}\n" in text
    assert doctor.run(["--json"], Path()) == code
    assert [Diagnosis(**item) for item in json.loads(capsys.readouterr().out)] == list(examine(host))


def test_nothing_is_installed_where_all_is_there(host: FakeHost) -> None:
    ensure(["skopeo", "mmdebstrap"], host)
    assert host.commands == []


def test_root_on_debian_gets_what_is_missing(host: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    no_tools_as_root(host)
    host.installed = lambda line: host.programs.update(set(line.split()) & {"skopeo", "mmdebstrap"})
    ensure(["skopeo", "mmdebstrap"], host)
    assert host.commands == [
        "DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends"
        " skopeo mmdebstrap"
    ]
    assert capsys.readouterr().err == (
        "installing skopeo and mmdebstrap with apt-get: skopeo copies images to and from stores (--store, --save) and"
        " measures them; mmdebstrap makes the base image where no registry answers\n"
    )


def test_old_package_lists_are_renewed_once(host: FakeHost) -> None:
    no_tools_as_root(host)
    host.answers["apt-get"] = (100, "E: Unable to locate package skopeo")

    def installed(line: str) -> None:
        if line.endswith("update"):
            host.answers["apt-get"] = (0, "")
        elif not host.answers["apt-get"][0]:
            host.programs.add("skopeo")

    host.installed = installed
    host.answers = {"120 update": (0, "")} | host.answers
    ensure(["skopeo"], host)
    assert [line.split()[-1] for line in host.commands] == ["skopeo", "update", "skopeo"]


def test_an_installation_that_fails_says_how_to_do_it_by_hand(host: FakeHost) -> None:
    no_tools_as_root(host)
    host.answers = {"install": (100, "E: broken packages")} | host.answers
    with pytest.raises(InfrastructureError, match=r"^installing skopeo failed") as caught:
        ensure(["skopeo"], host)
    assert caught.value.fix == "run by hand: apt-get install -y skopeo"
    assert caught.value.why is not None
    assert caught.value.why.endswith("E: broken packages")


def test_what_is_installed_must_be_found(host: FakeHost) -> None:
    no_tools_as_root(host)
    with pytest.raises(InfrastructureError, match="was installed and is not on PATH"):
        ensure(["skopeo"], host)


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        (no_tools, "sudo apt-get install -y skopeo"),
        (no_tools_on_fedora, "sudo dnf install -y skopeo"),
        (no_tools_anywhere, "install with the system's package manager: skopeo"),
    ],
)
def test_elsewhere_the_command_is_told_and_nothing_is_done(
    host: FakeHost, broken: Callable[[FakeHost], None], line: str
) -> None:
    broken(host)
    with pytest.raises(InfrastructureError, match=r"^skopeo cannot be found") as caught:
        ensure(["skopeo"], host)
    assert caught.value.fix == line
    assert host.commands == []


def test_this_host_tells_the_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = ThisHost(SubprocessRunner())
    assert host.python >= (3, 11)
    assert host.which("sh") is not None
    assert host.which("holoenzyme-no-such-program") is None
    assert host.exists(tmp_path)
    assert not host.exists(tmp_path / "absent")
    assert host.disk_free(tmp_path) > 0
    with pytest.raises(FileNotFoundError):
        host.disk_free(tmp_path / "absent")

    def unreadable() -> dict[str, str]:
        raise OSError("no os-release")

    monkeypatch.setattr("platform.freedesktop_os_release", unreadable)
    assert host.os_release == {}
