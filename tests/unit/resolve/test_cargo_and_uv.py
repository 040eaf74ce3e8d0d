"""Crates through cargo and Python packages through uv: what they are asked, and what becomes of their answers."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest
from tests.fakes import FakeRunner

from holoenzyme.errors import InfrastructureError, UserError
from holoenzyme.process import Command
from holoenzyme.resolve.archives import WheelOffer
from holoenzyme.resolve.cargo import CargoRegistry, direct_versions, probe
from holoenzyme.resolve.uv import COMPILE, REQUIREMENTS, UvIndex, wheel_in_pylock

PYTHON = Path(sys.executable).name

LOCK = """[[package]]
name = "own"
version = "0.1.0"
dependencies = ["a", "b 2.0.0", "c 1.0.0 (registry+https://example.invalid)"]

[[package]]
name = "a"
version = "1.0.0"
source = "registry"

[[package]]
name = "b"
version = "1.0.0"
source = "registry"

[[package]]
name = "b"
version = "2.0.0"
source = "registry"

[[package]]
name = "c"
version = "1.0.0"
source = "registry"
dependencies = ["b 1.0.0"]
"""


def test_the_versions_that_a_crate_depends_on_itself() -> None:
    assert direct_versions(LOCK, {"a", "b", "c"}) == {"a": "1.0.0", "b": "2.0.0", "c": "1.0.0"}
    assert direct_versions(LOCK, {"b"}) == {"b": "2.0.0"}


def test_a_probe_asks_for_what_is_wanted() -> None:
    data = tomllib.loads(probe({"a": "*", "b-c": "^1.2"}, "1.96"))
    assert [(item["package"], item["version"]) for item in data["dependencies"].values()] == [
        ("a", "*"),
        ("b-c", "^1.2"),
    ]
    assert data["package"]["rust-version"] == "1.96"


def test_the_newest_crates() -> None:
    seen: list[str] = []

    def cargo(command: Command) -> tuple[int, str]:
        assert command.cwd is not None
        seen.append((command.cwd / "Cargo.toml").read_text())
        (command.cwd / "Cargo.lock").write_text(LOCK)
        return 0, ""

    registry = CargoRegistry(runner=FakeRunner(programs={"cargo": cargo}))
    assert registry.newest({"a": "*"}, "1.96") == {"a": "1.0.0"}
    assert seen == [probe({"a": "*"}, "1.96")]
    assert registry.newest({}, "1.96") == {} and len(seen) == 1


def test_a_lock_is_made_anew_in_a_copy(tmp_path: Path) -> None:
    folder = tmp_path / "crate"
    (folder / "target").mkdir(parents=True)
    (folder / "src").mkdir()
    (folder / "src/main.rs").write_text("fn main() {}\n")
    (folder / "Cargo.toml").write_text("old")
    (folder / "Cargo.lock").write_text("old")

    def cargo(command: Command) -> tuple[int, str]:
        here = command.cwd
        assert here is not None and here != folder
        assert (here / "Cargo.toml").read_text() == "new" and (here / "src/main.rs").is_file()
        assert not (here / "target").exists()
        (here / "Cargo.lock").write_text(" ".join(command.argv))
        return 0, ""

    registry = CargoRegistry(runner=FakeRunner(programs={"cargo": cargo}))
    assert registry.lockfile(folder, "new", {"b", "a"}).startswith("cargo update a b --quiet")
    assert registry.lockfile(folder, "new", ()).startswith("cargo update --quiet")
    assert (folder / "Cargo.lock").read_text() == "old"


def test_a_registry_that_does_not_answer() -> None:
    runner = FakeRunner(programs={"cargo": lambda command: (101, "error: failed to fetch\n")})
    with pytest.raises(InfrastructureError, match="asking the registry of crates with cargo failed") as caught:
        CargoRegistry(runner=runner).newest({"a": "*"}, "1.96")
    assert "failed to fetch" in (caught.value.why or "")


def pylock(*names: str) -> str:
    wheels = ", ".join(f'{{ url = "https://x.invalid/{name}", hashes = {{ sha256 = "sum" }} }}' for name in names)
    return f'lock-version = "1.0"\n[[packages]]\nname = "tools"\nversion = "13.0.88"\nwheels = [{wheels}]\n'


def test_a_wheel_of_a_lock() -> None:
    assert wheel_in_pylock(pylock("a.whl")) == WheelOffer(version="13.0.88", sha256="sum")
    with pytest.raises(InfrastructureError, match="the index has 2 wheels where one is needed") as caught:
        wheel_in_pylock(pylock("a.whl", "b%2B1.whl"))
    assert caught.value.why == "a.whl, b+1.whl"
    with pytest.raises(InfrastructureError, match="the index has 0 wheels"):
        wheel_in_pylock('lock-version = "1.0"\n')


class Programs:
    """uv, and a pip that installs it and has an index of its own."""

    def __init__(self, index: str = "") -> None:
        self.index = index
        self.runner = FakeRunner(programs={"uv": self.uv, PYTHON: self.pip})

    def uv(self, command: Command) -> tuple[int, str]:
        assert command.cwd is not None
        if "pylock.toml" in command.argv:
            assert (command.cwd / "asked.in").read_text() == "tools==13.0.*\n"
            (command.cwd / "pylock.toml").write_text(pylock("a.whl"))
        else:
            assert (command.cwd / "pyproject.toml").read_text() == "project"
            (command.cwd / REQUIREMENTS).write_text("new")
        return 0, ""

    def pip(self, command: Command) -> tuple[int, str]:
        if "config" in command.argv:
            return (0, f"{self.index}\n") if self.index and "global.index-url" in command.argv else (1, "")
        return 0, ""


def test_pip_installs_uv_where_there_is_none(tmp_path: Path) -> None:
    programs = Programs(index="https://index.invalid/simple")
    index = UvIndex(runner=programs.runner, tools=tmp_path / "uv", environ={"PATH": ""}, ca=Path("/ca.crt"))
    assert index.wheel("tools==13.0.*", "x86_64") == WheelOffer(version="13.0.88", sha256="sum")
    (installed,) = [words for words in programs.runner.argvs(PYTHON) if "install" in words]
    assert installed[-3:] == ("--target", str(tmp_path / "uv"), "uv")
    asked = next(command for command in programs.runner.commands if "compile" in command.argv)
    assert asked.argv[0] == str(tmp_path / "uv/bin/uv") and "x86_64-manylinux_2_36" in asked.argv
    assert asked.env == {"SSL_CERT_FILE": "/ca.crt", "UV_DEFAULT_INDEX": "https://index.invalid/simple"}
    with pytest.raises(UserError, match="wheels for riscv64 are not known"):
        index.wheel("tools", "riscv64")


def test_the_users_own_uv_keeps_its_settings(tmp_path: Path) -> None:
    (tmp_path / "uv").touch(mode=0o755)
    programs = Programs(index="https://index.invalid/simple")
    environ = {"PATH": str(tmp_path), "SSL_CERT_FILE": "/mine.crt", "UV_DEFAULT_INDEX": "https://mine.invalid"}
    index = UvIndex(runner=programs.runner, tools=tmp_path / "tools", environ=environ, ca=Path("/ca.crt"))
    index.wheel("tools==13.0.*", "aarch64")
    (asked,) = programs.runner.commands
    assert (asked.argv[0], asked.env) == (str(tmp_path / "uv"), {})


@pytest.mark.parametrize(
    ("names", "words"), [((), ["--upgrade"]), (("b", "a"), ["--upgrade-package", "a", "--upgrade-package", "b"])]
)
def test_requirements_are_made_as_the_project_makes_them(
    tmp_path: Path, names: tuple[str, ...], words: list[str]
) -> None:
    (tmp_path / "requirements").mkdir()
    (tmp_path / REQUIREMENTS).write_text("old")
    (tmp_path / "pyproject.toml").write_text("project")
    programs = Programs()
    index = UvIndex(runner=programs.runner, tools=tmp_path / "uv", environ={"PATH": ""})
    assert index.requirements(tmp_path, names) == "new"
    assert (tmp_path / REQUIREMENTS).read_text() == "old"
    asked = next(command.argv for command in programs.runner.commands if "compile" in command.argv)
    assert list(asked[1 : 1 + len(COMPILE) + len(words)]) == [*COMPILE, *words]


def test_the_lock_of_requirements_says_how_it_is_made(root: Path) -> None:
    assert f"uv {' '.join(COMPILE)}\n" in (root / REQUIREMENTS).read_text()


def test_an_index_that_does_not_answer(tmp_path: Path) -> None:
    programs = Programs()
    programs.runner.programs["uv"] = lambda command: (2, "error: no route\n")
    with pytest.raises(InfrastructureError, match="asking the index of Python packages with uv failed"):
        UvIndex(runner=programs.runner, tools=tmp_path, environ={"PATH": ""}).wheel("tools", "x86_64")
    programs.runner.programs[PYTHON] = lambda command: (1, "no pip\n")
    with pytest.raises(InfrastructureError, match="installing uv with pip failed"):
        UvIndex(runner=programs.runner, tools=tmp_path, environ={"PATH": ""}).wheel("tools", "x86_64")
