"""Comparing two compilers: what is run, what counts as the same, what is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest
from tests.fakes import FakeRunner

from holoenzyme.bench.ordinary.compare import Likeness, compare, without_hashes
from holoenzyme.bench.ordinary.compile import CLEARED, CONFIGURATIONS, count_instructions, read_compiler, read_crates
from holoenzyme.bench.ordinary.measure import FOLDER
from holoenzyme.cli import bench, bench_ordinary
from holoenzyme.errors import InfrastructureError, UserError
from holoenzyme.process import Command, Completed
from holoenzyme.report.ordinary_table import Counts, summary, tables

VERSION = "rustc 1.96.0-nightly (holoenzyme)"
#: A real object file's beginning is enough: the fixture of the inspection is one.
IMAGES = Path(__file__).parents[1] / "execute/images"


def package(name: str, kind: str = "lib", **more: object) -> dict[str, object]:
    """A package as `cargo metadata` tells it."""
    return {
        "name": name,
        "id": name,
        "version": "1.2.3",
        "manifest_path": f"/crates/{name}/Cargo.toml",
        "targets": [
            {"kind": ["lib"], "src_path": f"/crates/{name}/src/lib.rs", "edition": "2021"},
            {"kind": ["test"], "src_path": f"/crates/{name}/tests/t.rs", "edition": "2021"},
            *([{"kind": [kind], "src_path": "/x.rs", "edition": "2021"}] if kind != "lib" else []),
        ],
        "metadata": None,
        **more,
    }


def metadata(*packages: dict[str, object], counted: list[str], dependencies: Mapping[str, list[str]]) -> str:
    """What `cargo metadata` prints."""
    own = package("ordinary", metadata={"ordinary": {"counted": counted}})
    nodes = [
        {"id": item["id"], "features": ["default", "std"], "dependencies": dependencies.get(str(item["id"]), [])}
        for item in (own, *packages)
    ]
    return json.dumps({"packages": [own, *packages], "resolve": {"root": "ordinary", "nodes": nodes}})


@dataclass
class Compilers(FakeRunner):
    """Runs cargo, rustc and valgrind: `texts` says what each compiler makes of a crate, by role, crate, and suffix."""

    versions: dict[str, str] = field(default_factory=dict)
    texts: dict[tuple[str, str, str], bytes] = field(default_factory=dict)
    instructions: dict[str, int] = field(default_factory=lambda: {"base": 1_000_000, "patched": 1_000_400})
    answer: str = ""
    offline: bool = True

    def run(self, command: Command, **rest: object) -> Completed:
        self.commands.append(command)
        argv = [word for word in command.argv if word not in ("env", "-u", "RUSTFLAGS")]
        status, output, stderr = 0, "", ""
        if argv[0] == "cargo":
            status = 0 if self.offline or "--offline" not in argv else 101
            output = self.answer
        elif argv != ["valgrind", "--version"]:
            rustc = next(word for word in argv if word.endswith("bin/rustc"))
            role = (Path(rustc).parents[1] / "lib/librustc_driver-1.so").read_text()
            if argv[1] == "-vV":
                output = f"{self.versions.get(role, VERSION)}\nhost: x86_64-unknown-linux-gnu\n"
            else:
                self._compile(role, argv)
            if argv[0] == "valgrind":
                self.instructions[role] += 1
                stderr = f"==7== Events    : Ir\n==7== Collected : {self.instructions[role]}\n==7==\n"
        return Completed(command=command, returncode=status, output=output, stderr=stderr, duration=0.0)

    def _compile(self, role: str, argv: list[str]) -> None:
        name = argv[argv.index("--crate-name") + 1]
        out = Path(next(word for word in argv if word.startswith("--out-dir=")).removeprefix("--out-dir="))
        for suffix in (".ll", ".o"):
            (out / f"{name}{suffix}").write_bytes(self.texts.get((role, name, suffix), b"the same"))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the settings that compilers do not see, so that command lines are the same everywhere."""
    for name in CLEARED:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def sysroots(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders that look like sysroots."""
    for role in ("base", "patched"):
        (tmp_path / role / "bin").mkdir(parents=True)
        (tmp_path / role / "bin/rustc").touch()
        libraries = tmp_path / role / "lib/rustlib/x86_64-unknown-linux-gnu/lib"
        libraries.mkdir(parents=True)
        (libraries / "libcore-1.rlib").touch()
        (tmp_path / role / "lib/librustc_driver-1.so").write_text(role)
    return tmp_path / "base", tmp_path / "patched"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with the lock of two crates."""
    folder = tmp_path / "project" / FOLDER
    folder.mkdir(parents=True)
    locked = "".join(f'[[package]]\nname = "{name}"\nversion = "1.2.3"\nchecksum = "c-{name}"\n' for name in "ab")
    (folder / "Cargo.lock").write_text(f'version = 4\n[[package]]\nname = "ordinary"\nversion = "0.0.0"\n{locked}')
    return tmp_path / "project"


GOOD = metadata(package("a"), package("b"), counted=["b"], dependencies={})


def start(monkeypatch: pytest.MonkeyPatch, runner: Compilers) -> Compilers:
    monkeypatch.setattr(bench_ordinary, "SubprocessRunner", lambda: runner)
    return runner


def words(sysroots: tuple[Path, Path], *more: str) -> list[str]:
    return ["ordinary", "--base", str(sysroots[0]), "--patched", str(sysroots[1]), *more]


def test_two_compilers_that_agree(
    project: Path, sysroots: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runner = start(monkeypatch, Compilers(answer=GOOD))
    assert bench.run(words(sysroots, "--runs", "2"), project) == 0
    data = json.loads((project / bench_ordinary.OUTPUT).read_text())
    assert data["complete"] is True
    assert data["crates"] == {name: {"version": "1.2.3", "checksum": f"c-{name}"} for name in "ab"}
    assert (data["compilers"]["base"]["version"], data["compilers"]["base"]["core"]) == (VERSION, "libcore-1.rlib")
    assert data["compilers"]["base"]["driver_sha256"] != data["compilers"]["patched"]["driver_sha256"]
    assert data["summary"] == {
        "outputs": {"identical": 8},
        "crates": 2,
        "counts_within": True,
        "tolerance": 0.001,
    }
    (counts,) = data["counts"]
    assert (counts["crate"], counts["base"], counts["patched"]) == ("b", [1_000_001, 1_000_002], [1_000_401, 1_000_402])
    assert "identical" in capsys.readouterr().out
    compiled = [command for command in runner.commands if "--crate-name" in command.argv]
    assert len(compiled) == 2 * 2 * 2 + 2 * 2
    assert compiled[0].cwd == Path("/crates/a")
    assert len({next(word for word in command.argv if word.endswith("bin/rustc")) for command in compiled}) == 1
    assert compiled[0].argv[1:-1] == (
        "--crate-name",
        "a",
        "--edition=2021",
        "src/lib.rs",
        "--crate-type=lib",
        "--emit=llvm-ir,obj",
        "-Ccodegen-units=1",
        "-Copt-level=0",
        "--cfg",
        'feature="default"',
        "--cfg",
        'feature="std"',
        "--cap-lints=allow",
    )


def test_two_compilers_that_do_not(
    project: Path, sysroots: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = {("base", "a", ".ll"): b"one\ntwo\n", ("patched", "a", ".ll"): b"one\n2\n"}
    runner = start(monkeypatch, Compilers(answer=GOOD, texts=texts))
    runner.instructions["patched"] = 1_002_000
    assert bench.run(words(sysroots, "--runs", "1"), project) == 0
    data = json.loads((project / bench_ordinary.OUTPUT).read_text())
    assert data["summary"]["outputs"] == {"identical": 6, "differs": 2}
    assert data["summary"]["counts_within"] is False
    assert data["outputs"][0]["difference"] == ["--- base", "+++ patched", "@@ -1,2 +1,2 @@", " one", "-two", "+2"]
    assert "a, debug, llvm-ir differs:\n  --- base\n" in capsys.readouterr().out


def test_a_part_is_not_complete(
    project: Path, sysroots: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start(monkeypatch, Compilers(answer=GOOD))
    assert bench.run(words(sysroots, "--only", "a", "--json"), project) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["complete"], list(data["crates"]), data["counts"]) == (False, ["a"], [])
    with pytest.raises(UserError, match="no crate zzz") as caught:
        bench.run(words(sysroots, "--only", "zzz"), project)
    assert caught.value.why == "the crates are a, b"


def test_versions_must_be_the_same(project: Path, sysroots: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    start(monkeypatch, Compilers(answer=GOOD, versions={"patched": "rustc 1.97.0"}))
    with pytest.raises(UserError, match="different versions") as caught:
        bench.run(words(sysroots), project)
    assert "base: rustc 1.96.0-nightly (holoenzyme); patched: rustc 1.97.0" in str(caught.value.why)


def test_a_folder_that_is_no_sysroot(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no sysroot of rustc"):
        read_compiler(Compilers(), "base", tmp_path)


def test_crates_are_fetched_where_they_are_not_there(project: Path, sysroots: tuple[Path, Path]) -> None:
    runner = Compilers(answer=GOOD, offline=False)
    compiler = read_compiler(runner, "base", sysroots[0])
    crates = read_crates(runner, project / FOLDER, compiler)
    assert [(crate.name, crate.counted) for crate in crates] == [("a", False), ("b", True)]
    assert ["--offline" in argv for argv in runner.argvs("cargo")] == [True, False]
    assert all("--locked" in argv for argv in runner.argvs("cargo"))
    assert runner.commands[-1].env == {"RUSTC": str(sysroots[0] / "bin/rustc")}


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (metadata(package("a", "custom-build"), counted=[], dependencies={}), "a cannot be compared on its own"),
        (metadata(package("a", "proc-macro"), counted=[], dependencies={}), "it has lib, proc-macro, and 0 dep"),
        (metadata(package("a"), counted=[], dependencies={"a": ["b"]}), "it has lib, and 1 dependencies"),
        (metadata(package("a"), counted=["c"], dependencies={}), "`counted` names c, which is no dependency"),
    ],
)
def test_crates_that_cannot_be_compared(project: Path, sysroots: tuple[Path, Path], answer: str, text: str) -> None:
    runner = Compilers(answer=answer)
    with pytest.raises(UserError) as caught:
        read_crates(runner, project / FOLDER, read_compiler(runner, "base", sysroots[0]))
    assert text in str(caught.value)


def test_flags_of_the_user_reach_no_compiler(sysroots: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSTFLAGS", "-Copt-level=1")
    runner = Compilers()
    read_compiler(runner, "base", sysroots[0])
    assert runner.commands[0].argv[:3] == ("env", "-u", "RUSTFLAGS")


def test_valgrind_that_does_not_count(
    project: Path, sysroots: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Compilers(answer=GOOD)
    compiler = read_compiler(runner, "base", sysroots[0])
    (crate, _) = read_crates(runner, project / FOLDER, compiler)
    assert count_instructions(runner, compiler, crate, CONFIGURATIONS[0], tmp_path) == 1_000_001
    monkeypatch.setattr(
        runner,
        "run",
        lambda command: Completed(command=command, returncode=0, output="", stderr="nothing", duration=0.0),
    )
    with pytest.raises(InfrastructureError, match="callgrind did not say"):
        count_instructions(runner, compiler, crate, CONFIGURATIONS[0], tmp_path)


def test_a_machine_without_valgrind(
    sysroots: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_ordinary, "SubprocessRunner", FakeRunner)
    with pytest.raises(InfrastructureError, match="valgrind cannot be run here") as caught:
        bench.run(words(sysroots), tmp_path)
    assert "--runs 0" in str(caught.value.fix)
    with pytest.raises(SystemExit):
        bench.run(words(sysroots, "--runs", "-1"), tmp_path)


# Comparing


def test_hashes_in_symbols() -> None:
    old = "@_ZN3hex6encode17h0123456789abcdefE, @_RNvCs4fqI2P2rA04_4core3fmt, @alloc_0123456789abcdef0123456789abcdef"
    new = "@_ZN3hex6encode17hfedcba9876543210E, @_RNvCsjf8sKw0pl_4core3fmt, @alloc_ffffffffffffffffffffffffffffffff"
    assert without_hashes(old) == without_hashes(new) == "@_ZN3hex6encode17h#E, @_RNvCs#_4core3fmt, @alloc_#"
    output = compare("hex", "debug", "llvm-ir", old.encode(), new.encode())
    assert (output.verdict, output.difference) == (Likeness.HASHES, ())
    assert compare("hex", "debug", "llvm-ir", b"x", b"x").verdict is Likeness.IDENTICAL


def test_objects_that_differ() -> None:
    old = (IMAGES / "program").read_bytes()
    at = old.index(b"nothing\0")
    new = old[:at] + b"nothink" + old[at + 7 :]
    output = compare("x", "release", "obj", old, new)
    assert output.verdict is Likeness.DIFFERS
    assert any(line.startswith("-section .llvm.rodata.offloading SHT_PROGBITS") for line in output.difference)
    assert (len(output.base), output.bytes) == (64, len(old))


def test_counts_and_tables() -> None:
    good = Counts(crate="a", configuration="release", base=(1000_000, 1000_100), patched=(1000_900, 1001_000))
    bad = Counts(crate="b", configuration="release", base=(1000,), patched=(1002,))
    assert good.within
    assert not bad.within
    assert good.spread == pytest.approx(1e-4, rel=0.01)
    outputs = [
        asdict(compare("a", name, kind, b"x", b"x")) for name in ("debug", "release") for kind in ("llvm-ir", "obj")
    ]
    assert summary(outputs, [good, bad])["counts_within"] is False
    assert summary(outputs, [])["counts_within"] is None
    compared, counted = tables(outputs, [good, bad])
    assert (compared.row_count, counted.row_count) == (1, 2)


def test_our_crates_are_locked(root: Path) -> None:
    folder = root / FOLDER
    text = (folder / "Cargo.lock").read_text()
    assert text.count("checksum = ") == text.count("[[package]]") - 1 >= 10
    assert text.count("dependencies = [") == 1
