"""`update`: a project and archives that have something newer; what is said, written, and left alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.fakes import deb, digest_of
from tests.small_project import BASE, PLACE, edit, good_session, locked, write_project

from holoenzyme.cli import update
from holoenzyme.errors import InfrastructureError, UserError
from holoenzyme.matrix.model import Architecture, Base, Suite
from holoenzyme.matrix.recipe import BaseRule, PackageSet
from holoenzyme.resolve.archives import Archives, PlaceOffer, WheelOffer
from holoenzyme.resolve.model import LockedSet, LockedWheel, read_lock, write_lock
from holoenzyme.resolve.newer import direct_crates
from holoenzyme.session import Project

ONE, TWO = "1" * 64, "2" * 64
VENDOR = "recipes/enzyme/vendor"
TOOLS = "recipes/tools/requirements.txt"
REQUIREMENTS = "requirements/lock.txt"


@dataclass
class FakeArchives:
    """Archives that have what is locked, until a test gives them something newer; `fails` names those that are down."""

    packages: dict[str, str] = field(default_factory=dict)
    crates: dict[str, str] = field(default_factory=lambda: {"diffsl": "0.12.5", "other": "1.0.0"})
    incompatible: dict[str, str] = field(default_factory=dict)
    wheels: dict[str, str] = field(
        default_factory=lambda: {"nvidia-tools==13.0.*": "13.0.88", "nvidia-tools": "13.0.88"}
    )
    lines: dict[str, str] = field(default_factory=lambda: {"ruff": "1.0"})
    image: str | None = None
    fails: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if what in self.fails:
            raise InfrastructureError(f"{what} do not answer")

    def offer(
        self,
        base: Base,
        arch: Architecture,
        rule: BaseRule,
        sets: Mapping[str, PackageSet],
        suites: Mapping[str, Suite],
    ) -> PlaceOffer:
        self._ask("packages")
        now = {name: self.packages.get(name, version) for name, version in BASE.items()}
        offered = {}
        for name, item in locked().sets[PLACE].items():
            versions = {each: self.packages.get(each, package.version) for each, package in item.packages.items()}
            files = {each: deb(version, digest_of(f"{each} {version}")) for each, version in versions.items()}
            offered[name] = LockedSet(roots=sets[name].roots, packages=files)
        return PlaceOffer(packages=now, sets=offered)

    def newest(self, wanted: Mapping[str, str], rust: str) -> Mapping[str, str]:
        self._ask("crates")
        assert rust == "1.96"
        return {
            name: self.incompatible.get(name, self.crates[name]) if words == "*" else self.crates[name]
            for name, words in wanted.items()
        }

    def lockfile(self, folder: Path, manifest: str, names: Collection[str]) -> str:
        exact = {name: words.removeprefix("=") for name, words in direct_crates(manifest).items()}
        other = self.crates["other"] if not names or "other" in names else "1.0.0"
        crates = {"diffsl": exact["diffsl"], "other": other}
        sums = {"diffsl 0.12.5": "abc", "other 1.0.0": "def"}
        own = '[[package]]\nname = "own"\nversion = "0.1.0"\ndependencies = ["diffsl"]\n'
        return own + "".join(
            f'\n[[package]]\nname = "{name}"\nversion = "{version}"\n'
            f'checksum = "{sums.get(f"{name} {version}", digest_of(name + version))}"\n'
            for name, version in crates.items()
        )

    def wheel(self, requirement: str, arch: str) -> WheelOffer:
        self._ask("wheels")
        version = self.wheels[requirement]
        return WheelOffer(version=version, sha256=ONE if version == "13.0.88" else TWO)

    def requirements(self, root: Path, names: Collection[str]) -> str:
        self._ask("requirements")
        return "# the header may change\n" + "".join(
            f"{name}=={version} \\\n    --hash=sha256:{ONE}\n" for name, version in self.lines.items()
        )

    def digest(self, image: str) -> str | None:
        self._ask("digest")
        return self.image


@dataclass
class Machine:
    root: Path
    archives: FakeArchives
    said: list[str]

    def run(self, *argv: str) -> int:
        return update.run(list(argv), self.root)

    def texts(self) -> dict[str, str]:
        return {str(path.relative_to(self.root)): path.read_text() for path in self.root.rglob("*") if path.is_file()}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    root = write_project(tmp_path / "project")
    archives, said = FakeArchives(), list[str]()
    (root / VENDOR / "Cargo.toml").write_text(
        '[package]\nname = "own"\nversion = "0.1.0"\n\n[dependencies]\ndiffsl = { version = "=0.12.5" }\n'
    )
    (root / VENDOR / "Cargo.lock").write_text(
        archives.lockfile(root, (root / VENDOR / "Cargo.toml").read_text(), ["diffsl"])
    )
    edit(
        root / "matrix.yaml",
        "wheels: {}",
        'wheels:\n    # Held on purpose.\n    nvidia-tools: {version: 13.0.88, within: "==13.0.*"}',
    )
    (root / "recipes/tools").mkdir()
    (root / TOOLS).write_text(f"# why\nnvidia-tools==13.0.88 \\\n    --hash=sha256:{ONE}\n")
    (root / "requirements").mkdir()
    (root / REQUIREMENTS).write_text(f"ruff==1.0 \\\n    --hash=sha256:{ONE}\n")
    wheel = LockedWheel(version="13.0.88", sha256=(ONE,), lockfile=TOOLS)
    write_lock(root / "matrix.lock", locked().model_copy(update={"wheels": {"nvidia-tools": wheel}}))
    session = good_session(Project(root), tmp_path / "state")
    session.say = said.append
    monkeypatch.setattr(update, "machine_session", lambda root: replace(session, project=Project(root)))
    whole = Archives(distribution=archives, crates=archives, index=archives, digest=archives.digest)
    monkeypatch.setattr(update, "machine_archives", lambda session: whole)
    return Machine(root=root, archives=archives, said=said)


def everything_newer(archives: FakeArchives) -> None:
    archives.packages = {
        "libc6": "2.36-9+deb12u2",
        "rustc-web": "1.96.1+dfsg1-1",
        "llvm-22-dev": "1:22.1.9-1",
        "libllvm22": "1:22.1.9-1",
    }
    archives.crates = {"diffsl": "0.12.10", "other": "1.0.1"}
    archives.wheels = {"nvidia-tools==13.0.*": "13.0.99", "nvidia-tools": "13.5.37"}
    archives.lines = {"ruff": "1.1"}
    archives.image = "sha256:" + ONE


def test_nothing_newer(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    before = machine.texts()
    assert machine.run("--check") == 0
    assert capsys.readouterr().out == "nothing is newer\n"
    assert machine.run() == 0
    assert machine.texts() == before
    assert "base bookworm: no registry answers for debian:bookworm-slim; its digest was not looked at" in machine.said


def test_everything_is_written_wherever_it_stands(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    everything_newer(machine.archives)
    before = machine.texts()
    assert machine.run() == 0
    out = capsys.readouterr().out
    after = machine.texts()
    assert {path for path in after if after[path] != before[path]} == {
        "matrix.yaml",
        "matrix.lock",
        f"{VENDOR}/Cargo.toml",
        f"{VENDOR}/Cargo.lock",
        TOOLS,
        REQUIREMENTS,
    }
    expected = before["matrix.yaml"]
    for old, new in (("1.96.0", "1.96.1"), ("22.1.8", "22.1.9"), ("0.12.5", "0.12.10"), ("13.0.88", "13.0.99")):
        assert expected.count(old) == 1
        expected = expected.replace(old, new)
    assert after["matrix.yaml"] == expected
    assert '"=0.12.10"' in after[f"{VENDOR}/Cargo.toml"]
    assert after[TOOLS] == f"# why\nnvidia-tools==13.0.99 \\\n    --hash=sha256:{TWO}\n"
    lock = Project(machine.root).lock
    assert lock.bases[PLACE].digest == "sha256:" + ONE and lock.bases[PLACE].digest_reason is None
    assert lock.bases[PLACE].packages["libc6"] == "2.36-9+deb12u2"
    assert lock.sets[PLACE]["llvm"].packages["libllvm22"].version == "1:22.1.9-1"
    assert (lock.crates["diffsl"].version, lock.wheels["nvidia-tools"].sha256) == ("0.12.10", (TWO,))
    for line in (
        "rust 1.96 1.96.0 -> 1.96.1 (matrix.yaml, matrix.lock)",
        "package libllvm22 1:22.1.8-1 -> 1:22.1.9-1 (matrix.lock: set rustc, set llvm)",
        f"crate diffsl 0.12.5 -> 0.12.10 ({VENDOR}/Cargo.lock, {VENDOR}/Cargo.toml, matrix.yaml, matrix.lock)",
        f"crate other 1.0.0 -> 1.0.1 ({VENDOR}/Cargo.lock)",
        f"wheel nvidia-tools 13.0.88 -> 13.0.99 (matrix.yaml, {TOOLS}, matrix.lock)",
        "wheel nvidia-tools 13.0.99 -> 13.5.37 (not written: matrix.yaml allows ==13.0.*)",
        f"requirement ruff 1.0 -> 1.1 ({REQUIREMENTS})",
        f"base bookworm - -> sha256:{ONE} (matrix.lock)",
        "--- a/matrix.yaml",
        "+++ b/matrix.yaml",
        "-ruff==1.0 \\",
        "+ruff==1.1 \\",
    ):
        assert line in out.splitlines()


def test_a_second_time_nothing_is_newer(machine: Machine) -> None:
    everything_newer(machine.archives)
    machine.run()
    before = machine.texts()
    assert machine.run("--check") == 0
    assert machine.run() == 0
    assert machine.texts() == before


def test_check_writes_nothing_and_says_the_same(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    everything_newer(machine.archives)
    before = machine.texts()
    assert machine.run("--check") == 1
    said = capsys.readouterr().out
    assert machine.texts() == before
    machine.run()
    assert capsys.readouterr().out == said


@pytest.mark.parametrize(
    ("name", "changed", "asked"),
    [
        ("rustc-web", {"matrix.yaml", "matrix.lock"}, {"packages"}),
        ("libc6", {"matrix.yaml", "matrix.lock"}, {"packages"}),
        ("bookworm", {"matrix.yaml", "matrix.lock"}, {"packages", "digest"}),
        ("diffsl", {"matrix.yaml", "matrix.lock", f"{VENDOR}/Cargo.toml", f"{VENDOR}/Cargo.lock"}, {"crates"}),
        ("other", {f"{VENDOR}/Cargo.lock"}, {"crates"}),
        ("nvidia-tools", {"matrix.yaml", "matrix.lock", TOOLS}, {"wheels"}),
        ("ruff", {REQUIREMENTS}, {"requirements"}),
    ],
)
def test_only_what_is_named(machine: Machine, name: str, changed: set[str], asked: set[str]) -> None:
    everything_newer(machine.archives)
    before = machine.texts()
    assert machine.run(name) == 0
    after = machine.texts()
    assert {path for path in after if after[path] != before[path]} == changed
    assert set(machine.archives.asked) == asked
    assert ("1.0.1" in after[f"{VENDOR}/Cargo.lock"]) == (name == "other")


def test_a_mistyped_name(machine: Machine) -> None:
    with pytest.raises(UserError, match="'rustc-wbe' is pinned nowhere") as caught:
        machine.run("rustc-wbe")
    assert caught.value.fix == "did you mean 'rustc-web'?"
    assert machine.archives.asked == []


def test_what_semver_calls_incompatible_is_only_said(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.archives.incompatible = {"diffsl": "0.13.0"}
    before = machine.texts()
    assert machine.run("--check") == 0
    assert capsys.readouterr().out == (
        "crate diffsl 0.12.5 -> 0.13.0 "
        "(not written: semver calls it incompatible; `nox -s update -- diffsl` takes it)\n"
    )
    assert machine.run() == 0
    assert machine.texts() == before
    assert machine.run("diffsl") == 0
    assert read_lock(machine.root / "matrix.lock").crates["diffsl"].version == "0.13.0"
    assert "diffsl: {version: 0.13.0}" in (machine.root / "matrix.yaml").read_text()


def test_another_version_of_rust_is_taken_by_hand(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.archives.packages = {"rustc-web": "1.97.0-1", "libc6": "2.36-9+deb12u2"}
    machine.archives.lines = {"ruff": "1.1"}
    before = machine.texts()
    assert machine.run() == 0
    out = capsys.readouterr().out
    assert "rust 1.96 1.96.0 -> 1.97.0 (not written: it is another version on the axis rust than 1.96" in out
    assert "package libc6 2.36-9+deb12u1 -> 2.36-9+deb12u2 (not written: rust 1.96 is not written)" in out
    after = machine.texts()
    assert {path for path in after if after[path] != before[path]} == {REQUIREMENTS}
    assert machine.run("--check") == 1


@pytest.mark.parametrize("down", ["packages", "crates", "wheels", "requirements"])
def test_an_archive_that_does_not_answer_is_said_and_the_others_are_used(machine: Machine, down: str) -> None:
    everything_newer(machine.archives)
    machine.archives.fails = {down}
    assert machine.run("--check") == 1
    assert machine.run() == 3
    assert [text for text in machine.said if "warning" in text] == [
        f"warning: {down} were not looked at: {down} do not answer"
    ] * 2
    lock = Project(machine.root).lock
    assert (lock.sets[PLACE]["rustc"].packages["rustc-web"].version == "1.96.0-1") == (down == "packages")
    assert (lock.crates["diffsl"].version == "0.12.5") == (down == "crates")
    assert (lock.wheels["nvidia-tools"].version == "13.0.88") == (down == "wheels")
    assert ("ruff==1.0 " in (machine.root / REQUIREMENTS).read_text()) == (down == "requirements")
    machine.archives.fails = {"packages", "crates", "wheels", "requirements"}
    assert machine.run("--check") == 3


def test_a_registry_of_images_without_an_engine_is_said(machine: Machine) -> None:
    machine.archives.fails = {"digest"}
    assert machine.run() == 0
    assert "base bookworm: debian:bookworm-slim was not looked for: digest do not answer" in machine.said


def test_an_archive_behind_the_lock_is_said(machine: Machine) -> None:
    machine.archives.packages = {"libc6": "2.36-9"}
    before = machine.texts()
    assert machine.run() == 3
    assert any("the archive is behind matrix.lock" in text for text in machine.said)
    assert machine.texts() == before


def test_the_machines_archives_have_the_users_settings(tmp_path: Path) -> None:
    session = good_session(Project(tmp_path), tmp_path)
    session.environ = {"HOLOENZYME_APT_SOURCES": "/my/sources.list", "PATH": "/bin"}
    archives = update.machine_archives(session)
    assert vars(archives.distribution)["sources"] == Path("/my/sources.list")
    assert vars(archives.distribution)["lists"] == {}
    (tmp_path / "apt").mkdir()
    (tmp_path / "apt/later.list").write_text("x")
    session.environ = {"HOLOENZYME_APT_SOURCES": str(tmp_path / "apt")}
    found = vars(update.machine_archives(session).distribution)
    assert (found["sources"], found["lists"]) == (None, {"later": tmp_path / "apt/later.list"})
    session.environ = {"PATH": "/bin"}
    archives = update.machine_archives(session)
    assert vars(archives.index)["environ"] == session.environ
    assert archives.digest("debian:bookworm-slim") is None
