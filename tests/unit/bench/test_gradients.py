"""What gradients cost: reading what programs print, records and their comparison, and what is never a figure."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from tests.fakes import FakeRunner

from holoenzyme.bench import gradients
from holoenzyme.cli import bench, bench_gradients
from holoenzyme.errors import InternalError, UserError
from holoenzyme.evidence.judge.outcome import Outcome
from holoenzyme.process import Command, Completed
from holoenzyme.report.gradients_table import (
    GradientsRecord,
    Measured,
    Reading,
    against_c,
    change_table,
    changes,
    cost_table,
    geometric_mean,
)

LINE = {
    "program": "gmm",
    "language": "rust",
    "inputs": 525,
    "error": 1e-9,
    "rounds": 60,
    "primal_ns": 200_000,
    "primal_median_ns": 210_000,
    "gradient_ns": 500_000,
    "gradient_median_ns": 510_000,
    "primal_peak_bytes": 200,
    "gradient_peak_bytes": 2_000_000,
    "gradient_left_bytes": 0,
    "gradient_allocations": 3,
}
WRONG = {"program": "rk4", "language": "rust", "wrong": "it is 1, and differences give 2"}


def done(*lines: object, code: int = 0, stderr: str = "", late: bool = False) -> Completed:
    output = "".join(f"{json.dumps(line)}\n" for line in lines)
    command = Command(argv=("gmm",), timeout=1)
    return Completed(command=command, returncode=code, output=output, stderr=stderr, duration=1.0, timed_out=late)


def measured(*ratios: float, program: str = "gmm", language: str = "rust", outcome: Outcome = Outcome.PASS) -> Measured:
    readings = tuple(
        Reading.model_validate(LINE | {"program": program, "language": language, "gradient_ns": 200_000 * ratio})
        for ratio in ratios
    )
    return Measured(program=program, language=language, outcome=outcome, readings=readings)


def record(*parts: Measured) -> GradientsRecord:
    return GradientsRecord.model_validate(
        {
            "schema": 1,
            "written": "2026-11-28T00:00:00+00:00",
            "place": "patched-1.96-host",
            "versions": {"rustc": "rustc 1.96.0", "enzyme_sha256": "0" * 64},
            "machine": {"system": "Linux", "processor": "", "cores": 2, "load": 0.5},
            "runs": 2,
            "seconds": 1.0,
            "measured": parts,
        }
    )


def text(table: object) -> str:
    console = Console(width=200, no_color=True)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def test_a_run_is_read_line_by_line() -> None:
    (one,) = gradients.read_run("gmm", done(LINE))
    assert (one.outcome, one.ratio, one.noise) == (Outcome.PASS, 2.5, 0.0)


def test_a_wrong_gradient_is_an_error_and_no_figure() -> None:
    one, other = gradients.read_run("rk4", done(WRONG, LINE | {"program": "rk4", "language": "c"}, code=1))
    assert (one.outcome, one.readings) == (Outcome.WRONG, ())
    assert "differences give 2" in one.message
    assert (other.language, other.outcome) == ("c", Outcome.PASS)


def test_a_program_that_crashes_or_hangs_is_told_apart() -> None:
    assert [one.outcome for one in gradients.read_run("gmm", done(code=139, stderr="signal"))] == [Outcome.CRASH]
    assert [one.outcome for one in gradients.read_run("gmm", done(code=-9, late=True))] == [Outcome.HANG]


def test_other_output_is_a_bug() -> None:
    with pytest.raises(InternalError, match="not what was agreed"):
        gradients.read_run("gmm", done({"program": "gmm"}))


def test_one_wrong_run_makes_all_of_them_worth_nothing() -> None:
    good, wrong = measured(2.0), Measured(program="gmm", language="rust", outcome=Outcome.WRONG, message="m")
    assert len(gradients.joined(good, measured(2.2)).readings) == 2
    for first, second in ((good, wrong), (wrong, good)):
        assert gradients.joined(first, second) == wrong


def test_what_changed_is_what_is_right_in_both() -> None:
    before = record(
        measured(2.0, 2.02), measured(3.0, 3.0, program="fft"), measured(program="rk4", outcome=Outcome.WRONG)
    )
    after = record(measured(2.2, 2.22), measured(3.0, 3.3, program="fft"), measured(4.0, program="rk4"))
    gmm, fft = changes(before, after)
    assert gmm.factor == pytest.approx(2.21 / 2.01) and gmm.beyond_noise
    assert fft.factor == pytest.approx(1.05) and not fft.beyond_noise
    assert geometric_mean([2.0, 8.0]) == pytest.approx(4.0)
    shown = text(change_table(before, after))
    assert "slower" in shown and shown.count("slower") == 1
    assert "1.074" in shown and "at most 1.05" in shown
    assert [line.split()[:4] for line in shown.splitlines() if "rk4" in line] == [["rk4", "rust", "wrong", "4.00"]]


def test_the_tables_show_every_version() -> None:
    lost = measured(2.0, program="heat")
    lost = lost.model_copy(update={"readings": (lost.readings[0].model_copy(update={"gradient_left_bytes": 4096}),)})
    whole = record(measured(2.0), measured(2.5, language="c"), lost, measured(program="rk4", outcome=Outcome.CRASH))
    shown = text(cost_table(whole))
    assert "crash" in shown and "4.1 kB lost" in shown and "geometric mean of 2" in shown
    table = against_c(whole)
    assert table is not None and "0.80" in text(table)
    assert against_c(record(measured(2.0))) is None


def test_records_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "before.json"
    path.write_text(record(measured(2.0)).model_dump_json(by_alias=True))
    assert gradients.read_record(path) == record(measured(2.0))
    path.write_text("{}")
    with pytest.raises(UserError, match="no record of"):
        gradients.read_record(path)


def test_programs_are_named(root: Path) -> None:
    source = root / "bench/gradients"
    assert len(gradients.chosen(source, [])) >= 10
    assert gradients.chosen(source, ["lstm", "gmm"]) == ("gmm", "lstm")
    with pytest.raises(UserError, match="no program gnn"):
        gradients.chosen(source, ["gnn"])


def test_the_versions_in_c_belong_to_programs(root: Path) -> None:
    source = root / "bench/gradients"
    names = [path.stem for path in sorted((source / "c").glob("*.c"))]
    assert len(names) == 4
    for name in names:
        assert f"fn c_{name}_gradient(" in (source / f"src/bin/{name}.rs").read_text()


class Machine(FakeRunner):
    """A machine whose compiler refuses `heat`, and whose programs print a reading each."""

    def run(self, command: Command, **_: object) -> Completed:
        self.commands.append(command)
        words, answer = command.argv, done()
        if "--bin" in words and "heat" in words:
            answer = done(code=101, stderr="note\nerror: cannot\n  --> src/bin/heat.rs:1:2\n")
        elif words[-1].endswith("--version"):
            answer = replace(answer, output="rustc 1.96.0\n")
        elif "sha256sum" in words[-1]:
            answer = replace(answer, output="abc  libEnzyme-22.so\n")
        elif words[0].endswith("/release/gmm"):
            answer = done(LINE)
        return replace(answer, command=command)


def test_everything_is_compiled_then_run_as_often_as_asked(tmp_path: Path) -> None:
    runner = Machine()
    workbench = gradients.Workbench(name="here", runner=runner, source=tmp_path, folder=tmp_path)
    said: list[str] = []
    found = gradients.measure(workbench, ("gmm", "heat"), 2, 0.5, said.append, in_c=True)
    gmm, heat = sorted(found.measured, key=lambda one: one.program)
    assert (len(gmm.readings), heat.outcome) == (2, Outcome.NOT_COMPILED)
    assert heat.message == "error: cannot\n  --> src/bin/heat.rs:1:2"
    assert found.versions.enzyme_sha256 == "abc"
    builds = [command for command in runner.commands if "build" in command.argv]
    assert all(command.argv[-2:] == ("--features", "c") for command in builds)
    assert builds[0].env["CARGO_TARGET_DIR"] == str(tmp_path / "target")


def test_the_command_fails_where_a_gradient_is_not_right(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench_gradients, "SubprocessRunner", Machine)
    output = tmp_path / "out.json"
    words = ["gradients", "--here", "--no-c", "--runs", "1", "--output", str(output), "--json"]
    assert bench.run([*words, "--only", "gmm"], root) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(output.read_text())
    assert bench.run([*words, "--only", "gmm", "--only", "heat", "--against", str(output)], root) == 1


def test_c_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    class NoClang(Machine):
        def run(self, command: Command, **_: object) -> Completed:
            return done(code=127, stderr="clang-22: not found")

    workbench = gradients.Workbench(name="here", runner=NoClang(), source=tmp_path, folder=tmp_path)
    with pytest.raises(InternalError, match="cannot be made"):
        gradients.compile_c(workbench)
