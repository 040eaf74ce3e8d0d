"""Finding a `docker` command that can drive BuildKit among those on the search path."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from holoenzyme.engine.client import choose, find_client, find_clients
from holoenzyme.engine.versions import UnfitVersion
from holoenzyme.errors import ExitCode, InfrastructureError
from holoenzyme.process import SubprocessRunner


def docker(folder: Path, version: str, *, buildx: bool = False, executable: bool = True, says: str = "") -> Path:
    """A `docker` command that tells its version, and has buildx or not; with `says` it fails at an engine."""
    folder.mkdir()
    path = folder / "docker"
    path.write_text(
        "#!/bin/sh\n"
        f'case "$1" in --version) echo "{version}" ;; buildx) exit {0 if buildx else 1} ;;\n'
        f'version) if [ "{says}" ]; then echo "{says}" >&2; exit 1; fi; echo 20.10.24 ;; *) exit 9 ;; esac\n'
    )
    path.chmod(0o755 if executable else 0o644)
    return path


def found(*folders: Path) -> tuple[Path, str, bool, str]:
    client = choose(find_clients(SubprocessRunner(), os.pathsep.join(map(str, folders))))
    assert client is not None
    return client.path, client.version, client.usable, client.why


OLD = "Docker version 20.10.24+dfsg1, build 297e128"
NEW = "Docker version 28.1.1, build 4eba377"
TOO_OLD = "older than 19.03, the first with `docker build --output`"
#: What commands say where the engine's versions of the API and their own do not meet.
ENGINE_REFUSES = (
    "Error response from daemon: client version 1.41 is too old. Minimum supported API version is 1.44, please upgrade "
    "your client to a newer version"
)
COMMAND_REFUSES = "API version 1.41 is not supported by this client: the minimum supported API version is 1.44"


@pytest.mark.parametrize(
    ("text", "buildx", "version", "usable", "why"),
    [
        (OLD, False, "20.10.24+dfsg1", True, "BuildKit is built in"),
        (NEW, False, "28.1.1", False, "it lacks the buildx plugin"),
        (NEW, True, "28.1.1", True, "it has the buildx plugin"),
        ("Docker version 23.0.0, build e92dd87", False, "23.0.0", False, "it lacks the buildx plugin"),
        ("Docker version 19.03.15, build 99e3ed8919", False, "19.03.15", True, "BuildKit is built in"),
        ("Docker version 18.09.1, build 4c52b90", False, "18.09.1", False, TOO_OLD),
        ("Docker version 1.13.1, build 092cba3", False, "1.13.1", False, TOO_OLD),
        ("podman", False, "unknown", False, "it does not say its version"),
    ],
)
def test_what_a_client_can(tmp_path: Path, text: str, buildx: bool, version: str, usable: bool, why: str) -> None:
    path = docker(tmp_path / "bin", text, buildx=buildx)
    assert found(tmp_path / "bin") == (path, version, usable, why)


def test_the_first_that_can_is_taken(tmp_path: Path) -> None:
    docker(tmp_path / "a", NEW)
    able = docker(tmp_path / "b", OLD)
    docker(tmp_path / "c", NEW, buildx=True)
    assert found(tmp_path / "a", tmp_path / "b", tmp_path / "c")[0] == able


def test_where_none_can_the_first_is_taken_with_what_it_lacks(tmp_path: Path) -> None:
    first = docker(tmp_path / "a", NEW)
    docker(tmp_path / "b", "Docker version 17.03.0, build x")
    assert found(tmp_path / "a", tmp_path / "b") == (first, "28.1.1", False, "it lacks the buildx plugin")


@pytest.mark.parametrize(
    ("text", "says", "why"),
    [
        (OLD, ENGINE_REFUSES, "client version 1.41 is too old. Minimum supported API version is 1.44"),
        ("Docker version 29.1.3, build f52814d", COMMAND_REFUSES, COMMAND_REFUSES),
    ],
)
def test_a_client_that_the_engine_does_not_understand_is_passed_over(
    tmp_path: Path, text: str, says: str, why: str
) -> None:
    path = docker(tmp_path / "a", text, buildx=True, says=says)
    version = text.split()[2].rstrip(",")
    assert found(tmp_path / "a") == (path, version, False, f"it and the engine do not understand each other: {why}")
    able = docker(tmp_path / "b", NEW, buildx=True)
    assert found(tmp_path / "a", tmp_path / "b")[0] == able


def test_a_client_is_not_blamed_for_an_engine_that_is_away(tmp_path: Path) -> None:
    path = docker(tmp_path / "a", OLD, says="Cannot connect to the Docker daemon. Is the docker daemon running?")
    assert found(tmp_path / "a") == (path, "20.10.24+dfsg1", True, "BuildKit is built in")


def test_clients_that_will_not_do_are_all_named(tmp_path: Path) -> None:
    first = docker(tmp_path / "a", NEW)
    second = docker(tmp_path / "b", OLD, says=ENGINE_REFUSES)
    with pytest.raises(UnfitVersion) as caught:
        find_client(SubprocessRunner(), os.pathsep.join(str(tmp_path / name) for name in "ab"))
    assert caught.value.what == f"{first} 28.1.1 cannot be used for builds"
    assert caught.value.why is not None
    assert caught.value.why.splitlines() == [
        f"{first} 28.1.1: it lacks the buildx plugin",
        f"{second} 20.10.24+dfsg1: it and the engine do not understand each other: client version 1.41 is too old. "
        "Minimum supported API version is 1.44",
    ]
    assert caught.value.exit_code is ExitCode.INFRASTRUCTURE


def test_where_there_is_none(tmp_path: Path) -> None:
    docker(tmp_path / "a", OLD, executable=False)
    (tmp_path / "b/docker").mkdir(parents=True)
    with pytest.raises(InfrastructureError) as caught:
        find_client(SubprocessRunner(), os.pathsep.join(str(tmp_path / name) for name in ("a", "b", "absent")))
    assert caught.value.what == "no `docker` command was found"
    assert caught.value.fix == "install Docker: on Debian `apt-get install docker.io`"


def test_a_client_that_stands_on_the_path_twice_is_asked_once(tmp_path: Path) -> None:
    docker(tmp_path / "a", OLD)
    (tmp_path / "b").mkdir()
    (tmp_path / "b/docker").symlink_to(tmp_path / "a/docker")
    path = os.pathsep.join(map(str, (tmp_path / "a", tmp_path / "b", tmp_path / "a")))
    assert [client.path for client in find_clients(SubprocessRunner(), path)] == [tmp_path / "a/docker"]


def test_a_client_that_ends_badly(tmp_path: Path) -> None:
    path = docker(tmp_path / "bin", OLD)
    path.write_text("#!/bin/sh\necho Docker version 20.10.24; exit 1\n")
    assert found(tmp_path / "bin")[2:] == (False, "it does not say its version")
