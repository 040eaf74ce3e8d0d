"""What the tests with a real engine share: commands as a user types them, and copies of the project to break."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ROOT

from holoenzyme.console import state_dir
from holoenzyme.engine.docker import DockerEngine
from holoenzyme.engine.install import ThisHost, ensure
from holoenzyme.process import Command, Completed, SubprocessRunner
from holoenzyme.session import machine_session

CELL = "distro-1.96-host"
IMAGE = f"holoenzyme/toolchain:{CELL}"


@dataclass(frozen=True, kw_only=True)
class Cli:
    """Runs `python -m holoenzyme ...` on a project folder."""

    root: Path

    def argv(self, *words: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "holoenzyme", *words)

    def env(self) -> dict[str, str]:
        return {"HOLOENZYME_ROOT": str(self.root), "PYTHONPATH": str(ROOT / "src")}

    def __call__(self, *words: str, env: dict[str, str] | None = None, timeout: float = 3000) -> Completed:
        command = Command(argv=self.argv(*words), env={**self.env(), **(env or {})}, cwd=self.root, timeout=timeout)
        return SubprocessRunner().run(command)


@pytest.fixture(scope="session", autouse=True)
def skopeo() -> None:
    """Stores need skopeo: it is installed where that is possible, and what is missing is said where it is not."""
    ensure(("skopeo",), ThisHost(SubprocessRunner()))


@pytest.fixture(scope="session")
def engine() -> DockerEngine:
    return DockerEngine(SubprocessRunner())


@pytest.fixture(scope="session")
def cli() -> Cli:
    """The command line on this very project."""
    return Cli(root=ROOT)


@pytest.fixture(scope="session")
def built(cli: Cli) -> str:
    """The default cell's image, loaded or built and proved; returns its name."""
    stores = os.environ.get("HOLOENZYME_STORES", "")
    done = cli("build-image")
    assert done.returncode == 0, f"stores: {stores}\n{done.stderr}"
    assert done.output.split() == [IMAGE]
    return IMAGE


@pytest.fixture
def broken_copy(tmp_path: Path) -> Callable[[Callable[[Path], None]], Cli]:
    """Makes a copy of the project's data, lets a function change it, and gives the command line on the copy."""

    def copy(change: Callable[[Path], None]) -> Cli:
        target = tmp_path / "project"
        for name in ("recipes", "images", "crates", "smoke_tests"):
            shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("target", ".*"))
        for name in ("matrix.yaml", "matrix.lock"):
            shutil.copy(ROOT / name, target / name)
        change(target)
        return Cli(root=target)

    return copy


def stage_image(root: Path, stage: str) -> str:
    """The name that a stage of the default cell has, in the project folder `root`."""
    from holoenzyme.build.planner import plan_cells

    session = machine_session(root)
    resolved = plan_cells(session, [session.project.matrix.cell(CELL)])
    return next(node.image for node in resolved.graph.nodes.values() if node.stage.name == stage)


def replace(path: Path, old: str, new: str) -> None:
    """Replace text in a file that must hold it."""
    text = path.read_text()
    assert old in text, f"{path} has no {old!r}"
    path.write_text(text.replace(old, new))


def latest_proof(image: str = "*") -> dict[str, Any]:
    """The newest proof of the default cell (of the image with this id) among this machine's records."""
    short = image.removeprefix("sha256:")[:12]
    paths = sorted((state_dir() / "evidence").glob(f"*-proof-{CELL}-*-{short}.*.json"))
    assert paths, "there is no record of a proof"
    data: dict[str, Any] = json.loads(paths[-1].read_text())
    return data
