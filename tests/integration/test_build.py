"""The first cell with the real engine: built, proved, used, and everything that can go wrong on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.integration.conftest import CELL, IMAGE, Cli, latest_proof, replace, stage_image

from holoenzyme.console import state_dir
from holoenzyme.engine.base import RunRequest
from holoenzyme.engine.docker import DockerEngine
from holoenzyme.plan.graph import HASH_LABEL, INPUTS_LABEL
from holoenzyme.session import machine_session
from holoenzyme.store import measure

Change = Callable[[Callable[[Path], None]], Cli]
CRATES = "recipes/crates/stage.Dockerfile.j2"


def test_the_default_cell_is_proved_with_numbers(built: str, engine: DockerEngine) -> None:
    image = engine.image(built)
    assert image is not None
    record = latest_proof(image.id)
    assert record["outcome"] == "pass"
    assert record["schema"] == 1
    assert record["image"]["id"] == image.id
    assert record["image"]["input_hash"] == image.labels[HASH_LABEL]
    modes = {(item["mode"], item["width"]) for item in record["comparisons"]}
    assert {("forward", 1), ("reverse", 1), ("forward", 4)} <= modes
    rules = {item["rule"] for item in record["comparisons"]}
    assert {"closed-form", "central-difference"} <= rules
    assert all(item["ok"] and item["error"] <= item["tolerance"] for item in record["comparisons"])
    identities = {value for key, value in record["versions"].items() if key.startswith("libLLVM of")}
    assert len(identities) == 1, "rustc and libEnzyme load one build of libLLVM"
    assert json.loads(image.labels[INPUTS_LABEL])["stages"].keys() == {"rustc", "clippy", "enzyme", "crates"}


def test_building_again_does_nothing(built: str, cli: Cli, engine: DockerEngine) -> None:
    before = {image.id for image in engine.images()}
    records = len(list((state_dir() / "evidence").iterdir()))
    done = cli("build-image")
    assert (done.returncode, done.output.split()) == (0, [built])
    assert f"{CELL}: proved already" in done.stderr
    assert {image.id for image in engine.images()} == before
    assert len(list((state_dir() / "evidence").iterdir())) == records


def test_the_plan_after_a_build_reuses_the_image(built: str, cli: Cli) -> None:
    plan = json.loads(cli("plan", "--json").output)
    actions = {item["stage"]: item["action"] for item in plan}
    assert actions.pop("toolchain") == "reuse"
    assert set(actions.values()) == {"skip"}


def test_the_plan_names_the_input_that_changed(built: str, broken_copy: Change) -> None:
    cli = broken_copy(lambda root: replace(root / CRATES, "COPY crates /crates", "COPY  crates /crates"))
    plan = {item["stage"]: item for item in json.loads(cli("plan", "--json").output)}
    assert plan["crates"]["action"] == "build"
    assert plan["crates"]["because"] == "since the last build: Dockerfile changed"
    assert plan["toolchain"]["because"] == "since the last build: stage crates changed"
    assert plan["rustc"]["action"] == "reuse"
    assert plan["enzyme"]["action"] == "reuse"
    assert plan["packages-llvm"]["action"] == "skip"


def test_misra1a_reaches_the_certified_parameters(built: str, cli: Cli) -> None:
    done = cli("smoke", "--test", "autodiff-misra1a")
    assert done.returncode == 0, done.output + done.stderr
    paths = sorted((state_dir() / "evidence").glob(f"*-smoke-{CELL}-autodiff-misra1a-*.json"))
    record = json.loads(paths[-1].read_text())
    assert record["outcome"] == "pass"
    assert len(record["comparisons"]) == 6, "two parameters and the residual from each of two starts"
    for item in record["comparisons"]:
        assert abs(item["got"] / item["expected"] - 1) < 1e-6
    assert {item["expected"] for item in record["comparisons"]} >= {2.3894212918e02, 5.5015643181e-04}


def test_plain_cargo_is_stock_rust(built: str, engine: DockerEngine) -> None:
    script = """
        export CARGO_HOME=$PWD/.cargo-home; cargo init -q --vcs none --name ordinary .; cargo build -v 2>&1
        sed -i '1i #![feature(autodiff)]' src/main.rs; cargo build 2>&1
    """
    done = engine.run(
        RunRequest(image=built, argv=("sh", "-c", f"cd /tmp && {script}"), timeout=120, user="54321:54321")
    )
    assert "autodiff=Enable" not in done.stdout
    assert "-Z" not in done.stdout
    assert "Finished" in done.stdout
    assert "error[E0554]" in done.stdout, "unstable features stay locked"


def test_a_failing_step_is_explained_and_leaves_no_tag(built: str, broken_copy: Change, engine: DockerEngine) -> None:
    def change(root: Path) -> None:
        replace(root / CRATES, "cargo build", "echo before-the-end; false; cargo build")

    cli = broken_copy(change)
    image = stage_image(cli.root, "crates")
    named = engine.image(built)
    done = cli("build-image", "--shell")
    assert done.returncode == 4
    assert "before-the-end" in done.stderr
    assert "DOCKER_BUILDKIT=1" in done.stderr
    assert engine.image(image) is None
    assert engine.image(built) == named
    log_file = next((state_dir() / "builds").glob(f"crates-{image.rpartition(':')[2]}.log"))
    assert "before-the-end" in log_file.read_text()
    # Without a terminal, --shell makes the last good state and says how to look at it.
    assert "holoenzyme/debug:last-good" in done.stderr
    state = engine.run(
        RunRequest(image="holoenzyme/debug:last-good", argv=("ls", "/crates/cargo-autodiff/src"), timeout=60)
    )
    assert "main.rs" in state.stdout
    engine.remove("holoenzyme/debug:last-good")


def test_an_image_that_is_not_proved_gets_no_name(built: str, broken_copy: Change, engine: DockerEngine) -> None:
    def change(root: Path) -> None:
        replace(root / CRATES, "set -eu;", f"set -eu; echo {time.time_ns()};")
        # No computer keeps to this, so the numbers are wrong by it.
        replace(root / "matrix.yaml", "relative: 1.0e-12\n    absolute: 1.0e-14", "relative: 1.0e-300")

    named = engine.image(built)
    cli = broken_copy(change)
    done = cli("build-image")
    assert done.returncode == 4
    assert f"{CELL} is not proved (wrong); the image gets no tag" in done.stderr
    assert engine.image(built) == named
    record = latest_proof()
    assert record["outcome"] == "wrong"
    assert any(not item["ok"] for item in record["comparisons"])
    assert f"record has everything that was run and compared: {state_dir()}" in done.stderr
    engine.remove(stage_image(cli.root, "toolchain"))
    engine.remove(stage_image(cli.root, "crates"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_killed_build_leaves_no_tag(
    built: str, broken_copy: Change, engine: DockerEngine, number: signal.Signals
) -> None:
    marker = f"killed-by-{number.name}-{time.time_ns()}"
    cli = broken_copy(lambda root: replace(root / CRATES, "cargo build", f"echo {marker}; sleep 300; false;"))
    image = stage_image(cli.root, "crates")
    log_file = state_dir() / "builds" / f"crates-{image.rpartition(':')[2]}.log"
    process = subprocess.Popen(
        cli.argv("build-image"), env={**os.environ, **cli.env()}, stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 120
        while not (log_file.is_file() and f" {marker}" in log_file.read_text()):
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline, "the build did not come to its long step"
            time.sleep(0.1)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert "interrupted" in said
    assert engine.image(image) is None
    assert marker not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def test_two_builds_at_once_build_once(built: str, broken_copy: Change, engine: DockerEngine) -> None:
    marker = f"built-at-{time.time_ns()}"
    cli = broken_copy(lambda root: replace(root / CRATES, "set -eu;", f"set -eu; echo {marker}; sleep 5;"))
    image = stage_image(cli.root, "crates")
    environ = {**os.environ, **cli.env()}
    processes = [
        subprocess.Popen(
            cli.argv("build-image"), env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    answers = [process.communicate(timeout=600) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], answers
    said = [stderr for _, stderr in answers]
    assert sorted(text.count("crates: done") for text in said) == [0, 1], said
    assert sorted(text.count("crates: reused") for text in said) == [0, 1], said
    for name in (image, stage_image(cli.root, "toolchain")):
        engine.remove(name)


def test_the_name_comes_back_to_the_projects_own_image(built: str, cli: Cli, engine: DockerEngine) -> None:
    """The copies above have the same cell, so the last of them had its name; a build here takes it back."""
    assert cli("build-image").returncode == 0
    named, own = engine.image(IMAGE), engine.image(stage_image(cli.root, "toolchain"))
    assert named is not None and own is not None
    assert named.id == own.id


def test_the_image_keeps_to_its_size_budget(built: str, cli: Cli) -> None:
    """Every blob of the image at zstd level 10, the base included, against the cell's budget in matrix.yaml."""
    session = machine_session(cli.root)
    budget = session.project.matrix.cell(CELL).budget
    assert budget is not None
    session.ensure("skopeo")
    assert measure(built, session.transport()).compressed <= budget.compressed_mb * 1e6
