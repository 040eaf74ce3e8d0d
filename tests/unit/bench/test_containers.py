"""Compilers in containers: what a command gets of this machine, and what it does not."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.fakes import Answer, FakeEngine, FakeRunner

from holoenzyme.bench import containers
from holoenzyme.bench.containers import ContainerRunner, built_compilers
from holoenzyme.cli import bench, bench_ordinary
from holoenzyme.engine.base import RunRequest
from holoenzyme.engine.network import CA_TARGET
from holoenzyme.errors import InternalError
from holoenzyme.process import Command
from holoenzyme.session import Project, Session

IMAGE = "holoenzyme/stage/ordinary:1"


@pytest.fixture
def engine() -> FakeEngine:
    """An engine with the image, whose containers print `out` and `err`."""
    engine = FakeEngine()
    engine.put(IMAGE, {})
    engine.answers["run"] = Answer(stdout="out\n", stderr="err\n")
    return engine


@pytest.fixture
def session(root: Path, engine: FakeEngine, tmp_path: Path) -> Session:
    """A session on a machine with a CA bundle, a proxy, and a mirror of crates."""
    environ = {
        "SSL_CERT_FILE": str(tmp_path / "ca.crt"),
        "https_proxy": "http://proxy.invalid",
        "HOLOENZYME_CARGO_CONFIG": str(tmp_path / "mirror.toml"),
    }
    (tmp_path / "ca.crt").touch()
    return Session(
        project=Project(root),
        engine=engine,
        runner=FakeRunner(),
        state=tmp_path,
        environ=environ,
        say=lambda text: None,
    )


@pytest.fixture
def runner(session: Session, tmp_path: Path) -> ContainerRunner:
    return ContainerRunner(session=session, image=IMAGE, folder=tmp_path / "work", shown=(tmp_path / "crates",))


def test_after_a_stop_no_container_is_started(runner: ContainerRunner, engine: FakeEngine) -> None:
    runner.stop()
    with pytest.raises(KeyboardInterrupt):
        runner.run(Command(argv=("rustc",), timeout=7))
    assert runner.stopped and engine.runs == []
    runner.resume()
    assert runner.run(Command(argv=("rustc",), timeout=7)).ok


def test_a_compile_sees_its_folders_and_nothing_else(
    runner: ContainerRunner, engine: FakeEngine, tmp_path: Path
) -> None:
    done = runner.run(Command(argv=("rustc", "x.rs"), timeout=7, cwd=tmp_path / "crates", env={"A": "b"}))
    assert (done.output, done.stderr, done.ok) == ("out\n", "err\n", True)
    assert runner.run(Command(argv=("rustc",), timeout=7), merge=True).output == "out\nerr\n"
    request = engine.runs[0]
    assert (request.argv, request.timeout, request.network) == (("rustc", "x.rs"), 7, False)
    assert (request.workdir, engine.runs[1].workdir) == (str(tmp_path / "crates"), str(tmp_path / "work"))
    assert request.user == f"{os.getuid()}:{os.getgid()}"
    seen = {mount.target: (str(mount.source), mount.read_only) for mount in request.mounts}
    home = tmp_path / "work/cargo"
    assert seen == {
        str(tmp_path / "work"): (str(tmp_path / "work"), False),
        str(tmp_path / "crates"): (str(tmp_path / "crates"), True),
        f"{home}/config.toml": (str(tmp_path / "mirror.toml"), True),
    }
    assert request.env == {"CARGO_HOME": str(home), "A": "b"}


def test_only_cargo_may_fetch(runner: ContainerRunner, engine: FakeEngine) -> None:
    runner.run(Command(argv=("env", "-u", "RUSTFLAGS", "cargo", "metadata"), timeout=1))
    runner.run(Command(argv=("cargo", "metadata", "--offline"), timeout=1))
    fetching, offline = engine.runs
    assert (fetching.network, offline.network) == (True, False)
    assert CA_TARGET in {mount.target for mount in fetching.mounts}
    assert CA_TARGET not in {mount.target for mount in offline.mounts}
    assert fetching.env["https_proxy"] == "http://proxy.invalid"
    assert "https_proxy" not in offline.env


def test_how_a_container_ends_is_told(runner: ContainerRunner, engine: FakeEngine) -> None:
    engine.answers["run"] = Answer(returncode=124, timed_out=True)
    done = runner.run(Command(argv=("rustc",), timeout=1))
    assert (done.returncode, done.timed_out, done.ok) == (124, True, False)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cells whose images were asked for; they are there at once."""
    asked: list[str] = []

    def make(session: Session, cells: tuple[SimpleNamespace, ...]) -> tuple[SimpleNamespace, None]:
        asked.extend(cell.id for cell in cells)
        graph = SimpleNamespace(images=[SimpleNamespace(image=IMAGE) for _ in cells])
        return SimpleNamespace(graph=graph), None

    monkeypatch.setattr(containers, "make_images", make)
    return asked


def test_both_compilers_come_out_of_one_image(
    session: Session, engine: FakeEngine, made: list[str], tmp_path: Path
) -> None:
    with built_compilers(session, tmp_path) as (runner, base, patched):
        folder = runner.folder
        assert (base, patched) == (folder / "base", folder / "patched")
        assert (folder / "cargo").is_dir()
    assert made == ["patched-1.96-host"]
    assert engine.runs[0].argv == ("cp", "-r", "/compilers/.", str(folder))
    assert not folder.exists()
    engine.answers["run"] = Answer(stderr="cp: no space left", returncode=1)
    with pytest.raises(InternalError, match="cannot be copied") as caught, built_compilers(session, tmp_path):
        pass
    assert caught.value.why == "cp: no space left"


def test_without_compilers_of_the_users_both_are_built(
    root: Path, session: Session, engine: FakeEngine, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: RunRequest) -> Answer:
        return Answer() if request.argv[0] == "cp" else Answer(stderr="valgrind: not here", returncode=127)

    engine.answers["run"] = answer
    monkeypatch.setattr(bench_ordinary, "machine_session", lambda root: replace(session))
    with pytest.raises(Exception, match="valgrind cannot be run here"):
        bench.run(["ordinary"], root)
    assert made == ["patched-1.96-host"]
    with pytest.raises(SystemExit):
        bench.run(["ordinary", "--base", "x"], root)
