"""Running programs in images: folders, steps, and a contract whose script is really run by a shell."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.fakes import Answer, FakeEngine
from tests.small_project import identity

from holoenzyme.engine.base import Mount, RunRequest
from holoenzyme.execute.smoke import (
    UNKNOWN_UID,
    Ended,
    Step,
    built_programs,
    read_identity,
    run_contract,
    run_smoke,
    user,
    work_folder,
)
from holoenzyme.matrix.recipe import ContractRule
from holoenzyme.matrix.smoke import SmokeRule, SmokeTest
from holoenzyme.process import Command, SubprocessRunner
from holoenzyme.render.stages import File


def in_a_shell(request: RunRequest) -> Answer:
    """Run what a container would, in the mounted folder."""
    (mount,) = request.mounts
    done = SubprocessRunner().run(Command(argv=request.argv, timeout=20, cwd=mount.source))
    return Answer(stdout=done.output, stderr=done.stderr, returncode=done.returncode)


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine()
    engine.put("image:1", {})
    engine.answers = {"contract": in_a_shell, "compile": Answer(), "run": Answer(stdout="x\n")}
    return engine


def contract(engine: FakeEngine, *rules: tuple[str, str]) -> tuple[Step, tuple[str, ...]]:
    """Run a contract of commands and what they must print; the rules are called 0, 1, 2, ..."""
    found = [ContractRule(name=str(number), run=run, expect=text) for number, (run, text) in enumerate(rules)]
    return run_contract(engine, "image:1", found, {"rust": "1.96.0", "llvm": "22"}, 60)


def test_a_contract_that_holds(engine: FakeEngine) -> None:
    step, problems = contract(
        engine,
        ("echo rustc 1.96.0", "rustc {rust}"),
        ("printf 'no newline {llvm}'", "no newline 22"),
        ("true", ""),
        ("echo on stderr >&2", "on stderr"),
    )
    assert problems == () and step.name == "contract" and step.ended is Ended.WELL


@pytest.mark.parametrize(
    ("run", "expect", "problem"),
    [
        ("echo rustc 1.95.0", "rustc {rust}", "exit status 0, 'rustc 1.96.0' expected in: rustc 1.95.0"),
        ("echo rustc 1.96.0; exit 3", "rustc", "exit status 3, 'rustc' expected in: rustc 1.96.0"),
        ("no-such-command-at-all", "", "exit status 127, '' expected in: "),
        ("kill -9 $$", "", "exit status -1, '' expected in: "),
        ("false; true; false", "", "exit status 1, '' expected in: "),
    ],
)
def test_a_rule_that_does_not_hold(engine: FakeEngine, run: str, expect: str, problem: str) -> None:
    _, problems = contract(engine, ("echo fine", "fine"), (run, expect))
    (found,) = problems
    assert found.startswith(f"contract '1': {problem}")


def test_every_rule_that_does_not_hold_is_told(engine: FakeEngine) -> None:
    _, problems = contract(engine, ("false", ""), ("true", ""), ("echo a", "b"))
    assert [problem.split(":")[0] for problem in problems] == ["contract '0'", "contract '2'"]


def test_each_rule_has_an_empty_folder_of_its_own(engine: FakeEngine) -> None:
    look = 'test -z "$(ls)" && test -z "$A" && echo ok'
    _, problems = contract(engine, ("touch a; export A=1; cd /", ""), (look, "ok"))
    assert problems == ()


def test_output_cannot_pass_for_another_rules_answer(engine: FakeEngine) -> None:
    _, problems = contract(engine, ("false", "yes"), ("echo yes", "no"))
    assert len(problems) == 2


def test_a_contract_is_run_apart(engine: FakeEngine) -> None:
    contract(engine, ("true", ""))
    (request,) = engine.runs
    assert request.read_only and not request.network and request.user == user() and request.workdir == "/src"
    assert not request.mounts[0].source.exists(), "the folder is gone afterwards"


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


def smoke(engine: FakeEngine, folder: Path, *, fetch: Sequence[str] = (), ca: Path | None = None) -> list[str]:
    rule = SmokeRule.model_validate(
        {
            "schema": 1,
            "name": "tiny",
            "summary": "x",
            "kind": "cargo-run",
            "command": ("cargo", "autodiff", "run", "--locked"),
            "cells": ("*",),
            "oracle": "oracle.py",
            "tolerances": (),
            "timeout_s": 7,
        }
        | ({"fetch": tuple(fetch), "needs_network": True} if fetch else {})
    )
    steps = run_smoke(
        engine, "image:1", SmokeTest(folder=folder, rule=rule), folder, ca=ca, proxies={"http_proxy": "http://u:p@x"}
    )
    return [step.name for step in steps]


def test_a_smoke_test_compiles_and_runs_apart(engine: FakeEngine, tmp_path: Path) -> None:
    assert smoke(engine, tmp_path) == ["compile", "run"]
    compiled, ran = engine.runs
    assert compiled.argv == ("cargo", "autodiff", "build", "--locked")
    assert ran.argv == ("cargo", "autodiff", "run", "--locked")
    for request in (compiled, ran):
        assert request.timeout == 7 and request.mounts == (Mount(source=tmp_path, target="/src"),)
        assert request.read_only and not request.network and not request.env


def declared(folder: Path, kind: str) -> SmokeTest:
    rule = SmokeRule.model_validate(
        {
            "schema": 1,
            "name": "tiny",
            "summary": "x",
            "kind": kind,
            "command": ("cargo", "offload", "run", "--target", "{target}"),
            "cells": ("*",),
            "timeout_s": 7,
        }
        | (
            {"oracle": "oracle.py"}
            if kind == "cargo-run"
            else {"cases": [{"name": name, "args": [name], "env": {"A": name}, "says": ["x"]} for name in "ab"]}
        )
    )
    return SmokeTest(folder=folder, rule=rule)


def test_each_case_of_a_crash_is_run(engine: FakeEngine, tmp_path: Path) -> None:
    engine.answers["run"] = Answer(returncode=134)
    steps = run_smoke(engine, "image:1", declared(tmp_path, "cargo-crash"), tmp_path, env={"B": "1"})
    assert [(step.name, step.case and step.case.name) for step in steps] == [
        ("compile", None),
        ("run a", "a"),
        ("run b", "b"),
    ]
    compiled, first, _ = engine.runs
    assert compiled.argv == ("cargo", "offload", "build", "--target", "host") and not compiled.env
    assert first.argv == ("cargo", "offload", "run", "--target", "host", "--", "a")
    assert first.env == {"A": "a", "B": "1"}


@pytest.mark.parametrize("kind", ["cargo-refused", "cargo-build"])
def test_each_case_is_compiled(engine: FakeEngine, tmp_path: Path, kind: str) -> None:
    engine.answers["compile"] = Answer(returncode=101)
    steps = run_smoke(engine, "image:1", declared(tmp_path, kind), tmp_path)
    assert [step.name for step in steps] == ["compile a", "compile b"]
    assert engine.runs[0].argv == ("cargo", "offload", "build", "--target", "host", "a")


def test_without_a_device_a_program_is_compiled_only(engine: FakeEngine, tmp_path: Path) -> None:
    steps = run_smoke(engine, "image:1", declared(tmp_path, "cargo-run"), tmp_path, target="sm_90", executes=False)
    assert [step.name for step in steps] == ["compile"]
    assert engine.runs[0].argv == ("cargo", "offload", "build", "--target", "sm_90")


def test_programs_are_found_where_cargo_makes_them(tmp_path: Path) -> None:
    release = tmp_path / "target" / "release"
    (release / "deps").mkdir(parents=True)
    for name, mode in (("saxpy", 0o755), ("saxpy.d", 0o644), ("libsaxpy.rlib", 0o644)):
        (release / name).touch()
        (release / name).chmod(mode)
    assert built_programs(tmp_path) == (release / "saxpy",)
    assert built_programs(tmp_path / "nowhere") == ()


@pytest.mark.parametrize("answer", [Answer(returncode=101), Answer(timed_out=True, returncode=124)])
def test_what_does_not_compile_is_not_run(engine: FakeEngine, tmp_path: Path, answer: Answer) -> None:
    engine.answers["compile"] = answer
    assert smoke(engine, tmp_path) == ["compile"]


@pytest.mark.parametrize(
    ("answer", "ended"),
    [
        (Answer(), Ended.WELL),
        (Answer(returncode=1), Ended.BADLY),
        (Answer(returncode=139), Ended.BADLY),
        (Answer(timed_out=True, returncode=0), Ended.LATE),
    ],
)
def test_how_a_step_ended(engine: FakeEngine, answer: Answer, ended: Ended) -> None:
    engine.answers["run"] = answer
    result = engine.run(RunRequest(image="image:1", argv=("x",), timeout=1))
    assert Step(name="run", result=result).ended is ended


def test_the_end_of_what_a_step_printed_has_the_errors_last(engine: FakeEngine) -> None:
    engine.answers["run"] = Answer(stdout="o" * 5000, stderr="e" * 100)
    tail = Step(name="run", result=engine.run(RunRequest(image="image:1", argv=("x",), timeout=1))).tail
    assert len(tail) == 4000 and tail.endswith("oo" + "e" * 100)


def test_reading_the_identity(engine: FakeEngine) -> None:
    engine.answers["identity"] = identity("b1", "b2", "b3")
    _, found, versions = read_identity(engine, "image:1")
    assert [(item.who, item.build_id) for item in found] == [
        ("rustc", "b1"),
        ("libEnzyme", "b2"),
        ("libEnzyme when it was built", "b3"),
    ]
    assert versions == {"rustc": "rustc 1.96.0 (x)", "rustc release": "1.96.0", "cargo": "cargo 1.96.0"}


@pytest.mark.parametrize("text", ["", "{", '{"who": "rustc"}', "{}\n{broken}", "no such file\n"])
def test_an_image_that_is_wrong_has_no_identity(engine: FakeEngine, text: str) -> None:
    engine.answers["identity"] = Answer(stdout=text, returncode=1)
    _, found, _ = read_identity(engine, "image:1")
    assert found == ()


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
