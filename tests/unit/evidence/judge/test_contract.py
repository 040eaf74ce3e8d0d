"""A contract whose script is really run by a shell, and what is read of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.processes import PATIENCE

from holoenzyme.evidence.judge.checks import contract_terms
from holoenzyme.evidence.judge.contract import broken_terms, script
from holoenzyme.evidence.judge.step import Step
from holoenzyme.matrix.recipe import ContractRule
from holoenzyme.process import Command, SubprocessRunner


def contract(folder: Path, *rules: tuple[str, str]) -> tuple[str, ...]:
    """Run a contract of commands and what they must print; the rules are called 0, 1, 2, ..."""
    found = [ContractRule(name=str(number), run=run, expect=text) for number, (run, text) in enumerate(rules)]
    terms = contract_terms(found, {"rust": {"release": "1.96.0"}, "llvm": {"major": "22"}})
    done = SubprocessRunner().run(Command(argv=("sh", "-c", script(terms)), timeout=PATIENCE, cwd=folder))
    step = Step(
        name="contract",
        command="docker run",
        returncode=done.returncode,
        stdout=done.output,
        stderr=done.stderr,
        duration=done.duration,
        limit=20,
    )
    return broken_terms(step, terms)


def test_a_contract_that_holds(tmp_path: Path) -> None:
    problems = contract(
        tmp_path,
        ("echo rustc 1.96.0", "rustc {{ rust.release }}"),
        ("printf 'no newline {{ llvm.major }}'", "no newline 22"),
        ("true", ""),
        ("echo on stderr >&2", "on stderr"),
    )
    assert problems == ()


@pytest.mark.parametrize(
    ("run", "expect", "problem"),
    [
        ("echo rustc 1.95.0", "rustc {{ rust.release }}", "exit status 0, 'rustc 1.96.0' expected in: rustc 1.95.0"),
        ("echo rustc 1.96.0; exit 3", "rustc", "exit status 3, 'rustc' expected in: rustc 1.96.0"),
        ("no-such-command-at-all", "", "exit status 127, '' expected in: "),
        ("kill -9 $$", "", "exit status -1, '' expected in: "),
        ("false; true; false", "", "exit status 1, '' expected in: "),
    ],
)
def test_a_rule_that_does_not_hold(tmp_path: Path, run: str, expect: str, problem: str) -> None:
    problems = contract(tmp_path, ("echo fine", "fine"), (run, expect))
    (found,) = problems
    assert found.startswith(f"contract '1': {problem}")


def test_every_rule_that_does_not_hold_is_told(tmp_path: Path) -> None:
    problems = contract(tmp_path, ("false", ""), ("true", ""), ("echo a", "b"))
    assert [problem.split(":")[0] for problem in problems] == ["contract '0'", "contract '2'"]


def test_each_rule_has_an_empty_folder_of_its_own(tmp_path: Path) -> None:
    look = 'test -z "$(ls)" && test -z "$A" && echo ok'
    problems = contract(tmp_path, ("touch a; export A=1; cd /", ""), (look, "ok"))
    assert problems == ()


def test_output_cannot_pass_for_another_rules_answer(tmp_path: Path) -> None:
    problems = contract(tmp_path, ("false", "yes"), ("echo yes", "no"))
    assert len(problems) == 2
