"""Running programs in images: folders, and the containers of each step."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes import Answer, FakeEngine, steps_of, steps_output

from holoenzyme.engine.base import Mount, RunRequest, RunResult
from holoenzyme.engine.network import Network
from holoenzyme.execute.smoke import (
    UNKNOWN_UID,
    Sandbox,
    built_programs,
    run_steps,
    script_request,
    user,
    work_folder,
)
from holoenzyme.matrix.smoke import SmokeRule
from holoenzyme.render.stages import File


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine()
    engine.put("image:1", {})
    engine.answers = {"compile": Answer(), "run": Answer(stdout="x\n")}
    return engine


def test_a_work_folder_belongs_to_who_runs(engine: FakeEngine) -> None:
    files = {"Cargo.toml": File(content=b"[package]"), "src/deep/main.rs": File(content=b"fn main() {}")}
    with work_folder(files) as folder:
        found = {str(path.relative_to(folder)): path for path in folder.rglob("*")}
        assert sorted(found) == ["Cargo.toml", "src", "src/deep", "src/deep/main.rs"]
        owners = {path.stat().st_uid for path in (folder, *found.values())}
        assert owners == {UNKNOWN_UID if os.getuid() == 0 else os.getuid()}
        (folder / "target").mkdir()
    assert not folder.exists()


def test_the_work_folder_is_gone_after_a_failure() -> None:
    with pytest.raises(RuntimeError), work_folder({}) as folder:
        raise RuntimeError
    assert not folder.exists()


def rule(kind: str = "cargo-run", **declared: object) -> SmokeRule:
    expectation: dict[str, object] = (
        {"oracle": "oracle.py"}
        if kind == "cargo-run"
        else {"cases": [{"name": name, "args": [name], "env": {"A": name}, "says": ["x"]} for name in "ab"]}
    )
    return SmokeRule.model_validate(
        {
            "schema": 1,
            "name": "tiny",
            "summary": "x",
            "kind": kind,
            "command": ("cargo", "offload", "run", "--device", "{{ target }}"),
            "cells": ("*",),
            "timeout_s": 7,
        }
        | expectation
        | declared
    )


def run(engine: FakeEngine, folder: Path, rule: SmokeRule, *, ca: Path | None = None) -> Sequence[str]:
    sandbox = Sandbox(image="image:1", folder=folder, network=Network(ca=ca, proxies={"http_proxy": "http://u:p@x"}))
    return [step.name for step, _ in run_steps(engine, sandbox, rule.steps("host"), {"B": "1"})]


def test_a_smoke_test_compiles_and_runs_apart(engine: FakeEngine, tmp_path: Path) -> None:
    assert run(engine, tmp_path, rule()) == ["compile", "run"]
    compiled, ran = engine.runs
    assert compiled.argv == ("cargo", "offload", "build", "--device", "host")
    assert ran.argv == ("cargo", "offload", "run", "--device", "host")
    assert (compiled.env, ran.env) == ({}, {"B": "1"})
    for request in (compiled, ran):
        assert request.timeout == 7 and request.mounts == (Mount(source=tmp_path, target="/src"),)
        assert request.read_only and not request.network and request.user == user() and request.workdir == "/src"


def test_only_fetching_has_network_and_what_the_host_gives_for_it(engine: FakeEngine, tmp_path: Path) -> None:
    fetching = rule(fetch=("cargo", "build", "--fetch"), needs_network=True)
    assert run(engine, tmp_path, fetching, ca=Path("/ca")) == ["fetch", "compile", "run"]
    fetch, *others = engine.runs
    assert fetch.network and fetch.env == {"http_proxy": "http://u:p@x"} and fetch.timeout == 600
    assert fetch.mounts[1:] == (Mount(source=Path("/ca"), target="/etc/ssl/certs/ca-certificates.crt", read_only=True),)
    assert all(not one.network and "http_proxy" not in one.env and len(one.mounts) == 1 for one in others)


def test_each_case_of_a_crash_is_run(engine: FakeEngine, tmp_path: Path) -> None:
    engine.answers["run"] = Answer(returncode=134)
    assert run(engine, tmp_path, rule("cargo-crash")) == ["compile", "run a", "run b"]
    compiled, cases = engine.runs
    assert compiled.argv == ("cargo", "offload", "build", "--device", "host") and not compiled.env
    first, second = steps_of(cases)
    assert first.argv == ("cargo", "offload", "run", "--device", "host", "--", "a")
    assert (first.env, second.env) == ({"A": "a", "B": "1"}, {"A": "b", "B": "1"})
    assert first.timeout == 7 and cases.timeout == 2 * (7 + 10)
    assert cases.mounts == (Mount(source=tmp_path, target="/src"),) and cases.workdir == "/src"
    assert cases.read_only and not cases.network and cases.user == user() and not cases.env


def test_each_case_is_compiled(engine: FakeEngine, tmp_path: Path) -> None:
    engine.answers["compile"] = Answer(returncode=101)
    assert run(engine, tmp_path, rule("cargo-build")) == ["compile a", "compile b"]
    (cases,) = engine.runs
    first, _ = steps_of(cases)
    assert first.argv == ("cargo", "offload", "build", "--device", "host", "a")
    assert first.env == {"A": "a"}


def test_each_case_can_be_run_again_by_hand(engine: FakeEngine, tmp_path: Path) -> None:
    sandbox = Sandbox(image="image:1", folder=tmp_path)
    found = [result for _, result in run_steps(engine, sandbox, rule("cargo-build").steps("host"), {})]
    assert [result.request.replay().partition("-w /src ")[2] for result in found] == [
        f"-e A={name} image:1 cargo offload build --device host {name}" for name in "ab"
    ]


def test_one_case_alone_needs_no_script(engine: FakeEngine, tmp_path: Path) -> None:
    assert run(engine, tmp_path, rule("cargo-build", cases=[{"name": "a", "says": ["x"]}])) == ["compile a"]
    assert engine.runs[0].argv == ("cargo", "offload", "build", "--device", "host")


def results(engine: FakeEngine, folder: Path, *answers: RunResult | None) -> dict[str, RunResult]:
    """The results of two cases where containers end like this, one after the other; none: as they do by themselves."""
    left, run = list(answers), engine.run

    def broken(request: RunRequest) -> RunResult:
        answer, own = left.pop(0), run(request)
        return replace(answer, request=request) if answer else own

    engine.run = broken  # type: ignore[method-assign]
    sandbox = Sandbox(image="image:1", folder=folder)
    return {step.name: result for step, result in run_steps(engine, sandbox, rule("cargo-build").steps("host"), {})}


def ended(stdout: str, returncode: int, *, timed_out: bool = False) -> RunResult:
    request = RunRequest(image="", argv=(), timeout=1)
    return RunResult(
        request=request, returncode=returncode, stdout=stdout, stderr="", duration=9.0, timed_out=timed_out
    )


def test_after_a_case_that_took_its_container_along_the_others_get_another(engine: FakeEngine, tmp_path: Path) -> None:
    begun = steps_output([Answer(stdout="going\n")], "stdout", left=1)
    found = results(engine, tmp_path, ended(begun, 137), None)
    first, second = found["compile a"], found["compile b"]
    assert (first.returncode, first.stdout, first.duration, first.timed_out) == (137, "going\n", 9.0, False)
    assert (second.returncode, second.stdout) == (0, "") and len(engine.runs) == 2
    assert engine.runs[1].argv == ("cargo", "offload", "build", "--device", "host", "b")


def test_a_case_that_the_containers_limit_ended_is_late(engine: FakeEngine, tmp_path: Path) -> None:
    begun = steps_output([Answer(stdout="one"), Answer(stdout="two")], "stdout", left=1)
    found = results(engine, tmp_path, ended(begun, 124, timed_out=True))
    assert [(one.stdout, one.returncode, one.timed_out) for one in found.values()] == [
        ("one", 0, False),
        ("two", 124, True),
    ]
    assert found["compile b"].duration == 9.0 - 0.25


@pytest.mark.parametrize(("status", "told"), [(127, 127), (0, 137)])
def test_where_no_script_begins_the_rest_is_not_run(engine: FakeEngine, tmp_path: Path, status: int, told: int) -> None:
    found = results(engine, tmp_path, ended("sh: not found", status))
    assert [(name, one.returncode, one.stdout) for name, one in found.items()] == [("compile a", told, "sh: not found")]


@pytest.mark.parametrize("answer", [Answer(returncode=101), Answer(timed_out=True, returncode=0)])
def test_what_does_not_compile_is_not_run(engine: FakeEngine, tmp_path: Path, answer: Answer) -> None:
    engine.answers["compile"] = answer
    assert run(engine, tmp_path, rule()) == ["compile"]


def test_a_script_is_run_apart(tmp_path: Path) -> None:
    request = script_request(Sandbox(image="image:1", folder=tmp_path), "echo", 60)
    assert request.argv == ("sh", "-c", "echo") and request.timeout == 60
    assert request.mounts == (Mount(source=tmp_path, target="/src"),) and request.workdir == "/src"
    assert request.read_only and not request.network and request.user == user()
    assert script_request(Sandbox(image="image:1"), "echo", 60).mounts == ()


def test_programs_are_found_where_cargo_makes_them(tmp_path: Path) -> None:
    release = tmp_path / "target" / "release"
    (release / "deps").mkdir(parents=True)
    for name, mode in (("saxpy", 0o755), ("saxpy.d", 0o644), ("libsaxpy.rlib", 0o644)):
        (release / name).touch()
        (release / name).chmod(mode)
    assert built_programs(tmp_path) == (release / "saxpy",)
    assert built_programs(tmp_path / "nowhere") == ()


def test_a_container_can_be_run_again_by_hand(tmp_path: Path) -> None:
    request = RunRequest(
        image="image:1",
        argv=("sh", "-c", "echo 'a b'"),
        timeout=5,
        mounts=(Mount(source=tmp_path, target="/src"), Mount(source=Path("/ca"), target="/etc/ca", read_only=True)),
        user="1:2",
        workdir="/src",
        env={"B": "x y", "https_proxy": "http://user:password@proxy"},
    )
    assert request.replay() == (
        "docker run --rm --read-only --tmpfs /tmp:exec --network none --user 1:2 "
        f"-v {tmp_path}:/src -v /ca:/etc/ca:ro -w /src -e 'B=x y' -e https_proxy image:1 "
        "sh -c 'echo '\"'\"'a b'\"'\"''"
    )
    assert "--read-only" not in RunRequest(image="i", argv=(), timeout=1, read_only=False).replay()
    assert "--network" not in RunRequest(image="i", argv=(), timeout=1, network=True).replay()
