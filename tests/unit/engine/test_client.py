"""Finding a `docker` command that can drive BuildKit among those on the search path."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from holoenzyme.engine.client import find_client, find_clients
from holoenzyme.errors import InfrastructureError
from holoenzyme.process import SubprocessRunner


def docker(folder: Path, version: str, *, buildx: bool = False, executable: bool = True) -> Path:
    """A `docker` command that tells its version, and has buildx or not."""
    folder.mkdir()
    path = folder / "docker"
    path.write_text(
        "#!/bin/sh\n"
        f'case "$1" in --version) echo "{version}" ;; buildx) exit {0 if buildx else 1} ;; *) exit 9 ;; esac\n'
    )
    path.chmod(0o755 if executable else 0o644)
    return path


def found(*folders: Path) -> tuple[Path, str, bool, str]:
    client = find_client(SubprocessRunner(), os.pathsep.join(map(str, folders)))
    return client.path, client.version, client.buildkit, client.why


OLD = "Docker version 20.10.24+dfsg1, build 297e128"
NEW = "Docker version 28.1.1, build 4eba377"


@pytest.mark.parametrize(
    ("text", "buildx", "version", "buildkit", "why"),
    [
        (OLD, False, "20.10.24+dfsg1", True, "BuildKit is built in"),
        (NEW, False, "28.1.1", False, "it lacks the buildx plugin"),
        (NEW, True, "28.1.1", True, "it has the buildx plugin"),
        ("Docker version 23.0.0, build e92dd87", False, "23.0.0", False, "it lacks the buildx plugin"),
        ("Docker version 18.09.1, build 4c52b90", False, "18.09.1", True, "BuildKit is built in"),
        ("Docker version 18.06.3-ce, build d7080c1", False, "18.06.3-ce", False, "older than 18.09"),
        ("Docker version 1.13.1, build 092cba3", False, "1.13.1", False, "older than 18.09"),
        ("podman", False, "unknown", False, "it does not say its version"),
    ],
)
def test_what_a_client_can(tmp_path: Path, text: str, buildx: bool, version: str, buildkit: bool, why: str) -> None:
    path = docker(tmp_path / "bin", text, buildx=buildx)
    assert found(tmp_path / "bin") == (path, version, buildkit, why)


def test_the_first_that_can_is_taken(tmp_path: Path) -> None:
    docker(tmp_path / "a", NEW)
    able = docker(tmp_path / "b", OLD)
    docker(tmp_path / "c", NEW, buildx=True)
    assert found(tmp_path / "a", tmp_path / "b", tmp_path / "c")[0] == able


def test_where_none_can_the_first_is_taken_with_what_it_lacks(tmp_path: Path) -> None:
    first = docker(tmp_path / "a", NEW)
    docker(tmp_path / "b", "Docker version 17.03.0, build x")
    assert found(tmp_path / "a", tmp_path / "b") == (first, "28.1.1", False, "it lacks the buildx plugin")


def test_where_there_is_none(tmp_path: Path) -> None:
    docker(tmp_path / "a", OLD, executable=False)
    (tmp_path / "b/docker").mkdir(parents=True)
    with pytest.raises(InfrastructureError) as caught:
        found(tmp_path / "a", tmp_path / "b", tmp_path / "absent")
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
