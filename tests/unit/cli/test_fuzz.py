"""The command: batches, seeds, what is shrunk, exit codes; and how benches compile and run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.fake_bench import FakeBench
from tests.fakes import FakeEngine, FakeRunner

from holoenzyme.cli import fuzz
from holoenzyme.engine.base import RunRequest, RunResult
from holoenzyme.errors import InternalError, UserError
from holoenzyme.fuzz import benches, hunt
from holoenzyme.fuzz.benches import host_bench, image_bench
from holoenzyme.fuzz.campaign import OFFLOAD, Examined, examine
from holoenzyme.fuzz.generate import generate
from holoenzyme.fuzz.model import GeneratedFunction
from holoenzyme.fuzz.oracle import FunctionOutcome, Judgement, moved
from holoenzyme.process import SubprocessRunner

SEEDS = range(1, 21)
Words = Sequence[str]


def wrong(*seeds: int) -> Callable[[str, str, list[float]], list[float]]:
    """Derivatives that are wrong for these seeds, and for what they are shrunk to."""

    def spoil(name: str, mode: str, numbers: list[float]) -> list[float]:
        return [*numbers[:-1], numbers[-1] + 1.0] if name in map(str, seeds) and mode == "reverse" else numbers

    return spoil


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeBench], FakeBench]:
    """Puts a fake in the place of this machine's compilers; nothing can be made smaller."""

    def use(bench: FakeBench) -> FakeBench:
        @contextmanager
        def host(*arguments: object) -> Iterator[FakeBench]:
            yield bench

        def shrink(program: GeneratedFunction, judgement: Judgement, test: object) -> GeneratedFunction:
            bench.programs = {**bench.programs, "0": program}
            return program

        monkeypatch.setattr(fuzz, "host_bench", host)
        monkeypatch.setattr(hunt, "shrink", shrink)
        return bench

    return use


def bench_of(**more: object) -> FakeBench:
    return FakeBench({str(seed): generate(seed) for seed in SEEDS}, **more)  # type: ignore[arg-type]


def go(tmp_path: Path, *words: str) -> tuple[int, dict[str, object]]:
    code = fuzz.run(["autodiff", "--compiler", "cc", "--out", str(tmp_path), *words], tmp_path)
    return code, json.loads((tmp_path / "autodiff.json").read_text())


def test_functions_of_these_seeds_are_examined(use: Callable[[FakeBench], FakeBench], tmp_path: Path) -> None:
    bench = use(bench_of())
    code, data = go(tmp_path, "--seed", "11", "--functions", "7", "--crate", "3")
    assert code == 0
    assert bench.crates == [["11", "12", "13"], ["14", "15", "16"], ["17"]]
    assert (data["functions"], data["seeds"], data["compiler"]) == (7, [11, 17], "cc")
    assert data["outcomes"] == {
        outcome.value: 7 if outcome is FunctionOutcome.RIGHT else 0 for outcome in FunctionOutcome
    }
    assert data["not_right"] == []


def test_300_where_nothing_is_said(
    use: Callable[[FakeBench], FakeBench], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(bench_of())
    one, crates = generate(1), []

    def examine(bench: object, named: Sequence[tuple[str, GeneratedFunction]], crate: int) -> Examined:
        crates.append(len(named))
        return Examined(judgements={name: Judgement(FunctionOutcome.RIGHT) for name, _ in named})

    monkeypatch.setattr(hunt, "generate", lambda seed, wide: one)
    monkeypatch.setattr(hunt, "examine", examine)
    assert go(tmp_path)[1]["functions"] == 300
    assert crates == [50] * 6


def test_hours_end_it(use: Callable[[FakeBench], FakeBench], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(bench_of())
    clock = iter(range(0, 10**6, 1000))
    monkeypatch.setattr(hunt, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    code, data = go(tmp_path, "--hours", "1", "--crate", "2")
    assert code == 0
    assert data["functions"] == 4


def test_what_is_wrong_is_shrunk_and_told(
    use: Callable[[FakeBench], FakeBench], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use(bench_of(spoil=wrong(2, 5, 0)))
    code, data = go(tmp_path, "--functions", "6", "--shrink", "1")
    assert code == 1
    (path,) = tmp_path.glob("*.rs")
    assert path.name == "wrong-2.rs"
    text = path.read_text()
    assert "// OBSERVED: wrong: reverse at point 0: number" in text
    assert "fuzz -- autodiff --compiler cc --rustc rustc --seed 2 --functions 1`, and shrunk." in text
    assert [(each["seed"], each["file"]) for each in data["not_right"]] == [(2, str(path)), (5, None)]  # type: ignore[attr-defined]
    shown = capsys.readouterr()
    assert "wrong" in shown.out
    assert "6 functions in" in shown.err


def test_the_generators_own_fault_fails_too(use: Callable[[FakeBench], FakeBench], tmp_path: Path) -> None:
    use(bench_of(spoil=lambda name, mode, numbers: [7.5] * len(numbers) if mode == "primal" else numbers))
    code, data = go(tmp_path, "--functions", "1")
    assert code == 1
    assert data["not_right"][0]["outcome"] == "invalid"  # type: ignore[index]


def test_the_oracle_is_compared_with_differences(use: Callable[[FakeBench], FakeBench], tmp_path: Path) -> None:
    use(FakeBench({str(seed): moved(generate(seed)) for seed in SEEDS}))
    double = next(seed for seed in SEEDS if not generate(seed).single)
    words = ["generator", "--compiler", "cc", "--out", str(tmp_path), "--seed", str(double), "--functions", "1"]
    # The made-up values do not depend on the point.
    assert fuzz.run(words, tmp_path) == 1
    data = json.loads((tmp_path / "generator.json").read_text())
    assert data["not_right"][0]["detail"].startswith("output 0: difference 0.0")


def test_messages_of_the_compiler_are_shrunk_once_each(tmp_path: Path) -> None:
    campaign = hunt.Hunt(bench=bench_of(), crate=5, shrinks=9, folder=tmp_path)
    is_new = campaign.__getattribute__("_is_new")
    crash = Judgement(FunctionOutcome.COMPILER_CRASH, "compile", "Assertion `x` failed in case_1_")
    assert is_new(crash)
    assert not is_new(Judgement(FunctionOutcome.COMPILER_CRASH, "compile", "Assertion `x` failed in case_2_"))
    assert is_new(Judgement(FunctionOutcome.WRONG, "reverse", "number 1"))
    assert is_new(Judgement(FunctionOutcome.WRONG, "reverse", "number 1"))
    assert not is_new(Judgement(FunctionOutcome.REFUSED, "compile", "no"))


def test_no_functions_are_no_campaign(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="fewer than one function"):
        fuzz.run(["autodiff", "--functions", "-1"], tmp_path)


def test_the_host_bench_calls_its_compiler() -> None:
    runner = FakeRunner(
        {
            "rustc": lambda command: (0, ""),
            "oracle": lambda command: (0, "printed"),
            "sh": lambda command: (1, "error"),
        }
    )
    with host_bench(runner, ("cc", "--flag"), "rustc") as bench:
        folder = bench.folder
        assert (folder / "helpers.rs").read_text().startswith("/// A polynomial")
        built = bench.oracle("fn main() {}")
        assert built.ran is not None
        assert built.ran.output == "printed"
        built = bench.subject("text", 3)
        assert (built.compiled.returncode, built.ran) == (1, None)
        assert (folder / "compiler.log").read_text() == "error"
    assert not folder.exists()
    last = runner.commands[-1]
    assert last.argv[2].startswith("ulimit -S -t ")
    assert last.argv[-6:] == ("cc", "--flag", "main.rs", "subject", "--extern", "helpers=libhelpers.rlib")
    assert dict(last.env) == {"ENZYME_ERRORS": "json"}


def test_a_compiler_without_an_end_is_told_from_one_that_was_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benches, "_COMPILE_LIMIT", (1, 0))
    forever = ("sh", "-c", "while :; do :; done")
    with host_bench(SubprocessRunner(), forever, "true") as bench:
        compiled = bench.subject("", 1).compiled
    assert not compiled.timed_out
    programs = {"1": generate(1)}
    slow = FakeBench(programs, compiler_says=lambda text: compiled)
    assert examine(slow, list(programs.items()), 1).judgements["1"].outcome is FunctionOutcome.COMPILER_HANG


def test_helpers_that_do_not_compile_are_a_bug() -> None:
    runner = FakeRunner({"rustc": lambda command: (1, "no")})
    with pytest.raises(InternalError, match="helpers"), host_bench(runner, ("cc",), "rustc"):
        pass


class Printing(FakeEngine):
    def run(self, request: RunRequest) -> RunResult:
        self.seen = [*getattr(self, "seen", []), request]
        if "> printed" in request.argv[-1]:
            (request.mounts[0].source / "printed").write_text("end 1 0\n")
        return RunResult(request=request, returncode=0, stdout="", stderr="", duration=0.1, timed_out=False)


def test_the_image_bench_keeps_what_is_printed_in_a_file() -> None:
    engine = Printing()
    with image_bench(engine, "image:tag", seed=0.75) as bench:
        assert (bench.folder / "helpers/src/lib.rs").is_file()
        built = bench.subject("text", 2)
        assert (bench.folder / "src/main.rs").read_text() == "text"
        assert not (bench.folder / "printed").exists()
    assert built.ran is not None
    assert built.ran.output == "end 1 0\n"
    compiled, ran = engine.seen
    assert compiled.argv[-5:] == ("cargo", "autodiff", "build", "--offline", "--quiet")
    assert ran.argv[-1] == "exec env MALLOC_PERTURB_=165 target/release/generated > printed"
    assert not compiled.network


def test_kernels_are_a_library_and_are_launched() -> None:
    engine = Printing()
    with image_bench(engine, "image:tag", seed=0.75, way=OFFLOAD) as bench:
        assert 'path = "src/subject.rs"' in (bench.folder / "Cargo.toml").read_text()
        assert "kernel = generated," in (bench.folder / "src/main.rs").read_text()
        bench.subject("text", 2)
        assert (bench.folder / "src/subject.rs").read_text() == "text"
    compiled, ran = engine.seen
    assert compiled.argv[-6:] == ("cargo", "offload", "build", "--autodiff", "--offline", "--quiet")
    # Without it, a program whose kernel finds no device would say nothing.
    assert "OMP_TARGET_OFFLOAD=MANDATORY" in ran.argv[-1]


@pytest.mark.parametrize("words", [(), ("--compiler", "cc")])
def test_kernels_need_a_cell(tmp_path: Path, words: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match="no cell is named"):
        fuzz.run(["offload", *words], tmp_path)


def test_kernels_need_an_image(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="in images only"):
        fuzz.run(["offload", "--cell", "patched-1.96-host", "--compiler", "cc"], tmp_path)
