"""Declarations of smoke tests: what belongs together, and the commands that they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from holoenzyme.errors import UserError
from holoenzyme.matrix.smoke import ProgramCase, SmokeKind, SmokeRule, load_smoke_tests

ROOT = Path(__file__).parents[3]
PROGRAMS = {"files": "src/*.rs", "args": ["{{ name }}"]}
CASES = [{"name": "a", "args": ["1"], "says": ["x"]}]


def rule(**changes: Any) -> SmokeRule:
    declared = {
        "schema": 1,
        "name": "tiny",
        "summary": "x",
        "kind": "cargo-run",
        "command": ["cargo", "offload", "run", "--target", "{{ target }}", "--locked"],
        "cells": ["patched-*"],
        "oracle": "oracle.py",
        "timeout_s": 7,
    }
    return SmokeRule.model_validate({name: item for name, item in {**declared, **changes}.items() if item is not None})


def test_the_target_of_the_cell_is_compiled_for() -> None:
    found = rule()
    assert found.compile_command("sm_90") == ("cargo", "offload", "build", "--target", "sm_90", "--locked")
    assert found.run_command("host") == ("cargo", "offload", "run", "--target", "host", "--locked")
    assert found.run_command("host", ("7",))[-3:] == ("--locked", "--", "7")
    assert found.compile_command("host", ("--features", "f"))[-2:] == ("--features", "f")


def test_words_for_the_program_are_kept_from_the_compiler() -> None:
    found = rule(command=["cargo", "run", "--", "--json"])
    assert found.compile_command("host") == ("cargo", "build")
    assert found.run_command("host", ("7",)) == ("cargo", "run", "--", "--json", "7")


@pytest.mark.parametrize(
    "changes",
    [
        {"oracle": None},
        {"cases": CASES},
        {"kind": "cargo-crash"},
        {"kind": "cargo-crash", "oracle": None},
        {"kind": "cargo-refused", "oracle": "oracle.py", "programs": PROGRAMS},
        {"kind": "cargo-refused", "oracle": None},
        {"kind": "cargo-refused", "oracle": None, "cases": CASES},
        {"kind": "cargo-refused", "oracle": None, "cases": CASES, "programs": PROGRAMS},
        {"kind": "cargo-build", "oracle": None, "programs": PROGRAMS},
        {"kind": "cargo-build", "oracle": None, "cases": CASES, "never": ["x"]},
        {"kind": "cargo-crash", "oracle": None, "cases": CASES, "proof": True},
        {"kind": "cargo-build", "oracle": None, "cases": [{"name": "a", "says": []}]},
        {"kind": "other"},
        {"needs_network": True},
        {"fetch": ["cargo", "fetch"]},
        {"needs_network": True, "fetch": ["cargo", "fetch"], "proof": True},
    ],
)
def test_what_does_not_belong_together_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rule(**changes)


@pytest.mark.parametrize("kind", ["cargo-crash", "cargo-build"])
def test_cases_belong_to_other_kinds(kind: str) -> None:
    assert rule(kind=kind, oracle=None, cases=CASES).cases[0].args == ("1",)


@pytest.mark.parametrize(
    ("kind", "here", "elsewhere"),
    [
        (SmokeKind.RUN, ["compile", "run"], ["compile"]),
        (SmokeKind.CRASH, ["compile", "run a"], ["compile"]),
        (SmokeKind.BUILD, ["compile a"], ["compile a"]),
    ],
)
def test_each_kind_has_its_steps(kind: SmokeKind, here: list[str], elsewhere: list[str]) -> None:
    found = rule(kind=kind) if kind is SmokeKind.RUN else rule(kind=kind, oracle=None, cases=CASES)
    assert [step.name for step in found.steps("host")] == here
    assert [step.name for step in found.steps("sm_90", executes=False)] == elsewhere
    assert {step.limit for step in found.steps("host")} == {7.0}


def test_fetching_comes_first() -> None:
    fetch, *_ = rule(needs_network=True, fetch=["cargo", "fetch"]).steps("host")
    assert (fetch.name, fetch.argv, fetch.limit) == ("fetch", ("cargo", "fetch"), 600.0)


def test_the_patched_host_is_proved_by_a_derivative_and_by_a_kernel() -> None:
    tests = load_smoke_tests(ROOT)
    proofs = {test.rule.name for test in tests if test.rule.proof and test.serves("patched-1.96-host")}
    assert proofs >= {"autodiff-derivatives", "offload-saxpy"}


def test_a_crate_may_be_tested_in_several_ways(tmp_path: Path) -> None:
    folder = tmp_path / "smoke_tests/a"
    folder.mkdir(parents=True)
    declared = "schema: 1\nname: {}\nsummary: x\nkind: cargo-run\ncommand: [cargo, run, -q]\ncells: ['*']\n"
    declared += "oracle: o.py\ntimeout_s: 1\n"
    for file, name in (("smoke.yaml", "a"), ("dev.smoke.yaml", "a-dev")):
        (folder / file).write_text(declared.format(name))
    assert [(test.rule.name, test.folder) for test in load_smoke_tests(tmp_path)] == [("a-dev", folder), ("a", folder)]
    (folder / "dev.smoke.yaml").write_text(declared.format("a"))
    with pytest.raises(UserError, match="two smoke tests are called 'a'"):
        load_smoke_tests(tmp_path)


def declared(folder: Path, programs: str) -> None:
    """Declare a test of programs that must be refused, and two of them."""
    (folder / "src").mkdir(parents=True)
    (folder / "smoke.yaml").write_text(
        "schema: 1\nname: no\nsummary: x\nkind: cargo-refused\ncommand: [cargo, build, -q]\ncells: ['*']\n"
        f"timeout_s: 1\nnever: [z]\nprograms: {programs}\n"
    )
    (folder / "src/one.rs").write_text("//@ compile-flags: -O\nfn f(); //~ ERROR no f\n//@ never: y\n")
    (folder / "src/two.rs").write_text(
        "//@ revisions: distro patched\nfn g();\n//[distro]~^ ERROR no\n//[patched]~^^ ERROR other\n"
    )


def test_each_program_and_each_revision_is_a_case(tmp_path: Path) -> None:
    declared(
        tmp_path / "smoke_tests/no", "{files: src/*.rs, args: [--bin, '{{ name }}', '{{ path }}', '{{ revision }}']}"
    )
    (test,) = load_smoke_tests(tmp_path)
    one, distro, patched = test.steps("host", "distro")
    assert [one.name, distro.name, patched.name] == ["compile one", "compile two-distro", "compile two-patched"]
    assert one.argv == ("cargo", "build", "-q", "-O", "--bin", "one", "src/one.rs", "")
    assert patched.argv == ("cargo", "build", "-q", "--bin", "two", "src/two.rs", "patched")
    assert [step.case and step.case.never for step in (one, distro)] == [("z", "y"), ("z",)]
    assert test.case_names == {"one", "two-distro", "two-patched"}


def test_revisions_with_names_of_their_own_need_no_other(tmp_path: Path) -> None:
    declared(tmp_path / "smoke_tests/no", "{files: src/*.rs, args: []}")
    one = tmp_path / "smoke_tests/no/src/one.rs"
    one.write_text("//@ revisions: a b\nf(); //~ ERROR no\n")
    (test,) = load_smoke_tests(tmp_path)
    assert test.case_names == {"a", "b", "distro", "patched"}
    one.write_text("//@ revisions: a patched\nf(); //~ ERROR no\n")
    (test,) = load_smoke_tests(tmp_path)
    assert test.case_names == {"one-a", "one-patched", "two-distro", "two-patched"}


def test_a_revision_may_be_that_of_the_channel(tmp_path: Path) -> None:
    declared(tmp_path / "smoke_tests/no", "{files: src/*.rs, args: [], revisions: channel}")
    (test,) = load_smoke_tests(tmp_path)
    for channel, text in (("distro", "no"), ("patched", "other")):
        _, step = test.steps("host", channel)
        assert isinstance(step.case, ProgramCase)
        assert step.name == "compile two" and [one.text for one in step.case.expected] == [text]
    assert test.case_names == {"one", "two"}
    with pytest.raises(UserError, match=r"no/src/two.rs: there is no revision 'source'"):
        test.steps("host", "source")


def test_programs_may_be_one_case(tmp_path: Path) -> None:
    declared(tmp_path / "smoke_tests/no", "{files: src/*.rs, args: [--bins], together: all, revisions: channel}")
    (test,) = load_smoke_tests(tmp_path)
    (step,) = test.steps("host", "patched")
    assert isinstance(step.case, ProgramCase)
    assert (step.name, step.argv[-1], step.case.never) == ("compile all", "--bins", ("z", "y"))
    assert [one.text for one in step.case.expected] == ["no f", "other"] and test.case_names == {"all"}


def test_programs_that_are_not_there_are_told(tmp_path: Path) -> None:
    declared(tmp_path / "smoke_tests/no", "{files: src/bin/*.rs, args: []}")
    with pytest.raises(UserError, match=r"no/smoke.yaml: programs.files: no file is called 'src/bin/\*.rs'"):
        load_smoke_tests(tmp_path)


def test_every_image_is_proved_by_a_program_of_each_kind_of_fault() -> None:
    tests = {test.rule.name: test for test in load_smoke_tests(ROOT)}
    assert tests["autodiff-kinds"].rule.proof
    for cell in ("distro-1.96-host", "patched-1.96-host"):
        assert all(tests[name].serves(cell) for name in ("autodiff-kinds", "autodiff-kinds-dev"))
