"""The distribution's archive through apt: what it is asked, and what becomes of its answers."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from tests.fakes import FakeRunner

from holoenzyme.errors import InfrastructureError, UserError
from holoenzyme.matrix.model import Base, Suite
from holoenzyme.matrix.recipe import PackageSet
from holoenzyme.process import Command
from holoenzyme.resolve.apt import AptArchive, as_installed, configuration, sources_list
from holoenzyme.resolve.apt_text import preferences
from holoenzyme.resolve.archives import PlaceOffer
from holoenzyme.session import Project

ROOTS = {"?essential": ["libc6"], "apt": ["apt"], "rustc-web": ["rustc-web", "libllvm22"]}
VERSIONS = {"libc6": "2.36-9", "apt": "2.6.2", "rustc-web": "1.96.0-2", "libllvm22": "1:22.1.8-1"}


def stanza(name: str, version: str) -> str:
    return f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nSize: 5\nSHA256: {name}-sum\n\n"


class Apt:
    """apt-get and apt-cache of a machine whose archive has `VERSIONS`."""

    def __init__(self) -> None:
        self.installed: list[str] = []
        self.fails = False

    def get(self, command: Command) -> tuple[int, str]:
        if self.fails:
            return 100, "E: Failed to fetch\n"
        if "update" in command.argv:
            return 0, ""
        status = Path(re.findall(r'Dir::State::status "(.*)";', Path(command.env["APT_CONFIG"]).read_text())[0])
        self.installed.append(status.read_text())
        names = [name for root in command.argv[5:] for name in ROOTS.get(root, [])]
        if unknown := [word for word in command.argv[5:] if word == "rustc-wbe"]:
            return 100, f"E: Unable to locate package {unknown[0]}\n"
        files = [f"{name}_{VERSIONS[name].replace(':', '%3a')}_amd64.deb" for name in names]
        return 0, "".join(f"'http://archive.invalid/{file}' {file} 5 SHA256:x\n" for file in files)

    def cache(self, command: Command) -> tuple[int, str]:
        return 0, "".join(stanza(*word.split("=")) for word in command.argv[2:])


def wanted(**sets: tuple[str, ...]) -> dict[str, PackageSet]:
    """Sets of packages of the base's own suites."""
    return {name: PackageSet(key=name, roots=roots) for name, roots in sets.items()}


@pytest.fixture
def apt() -> Apt:
    return Apt()


@pytest.fixture
def runner(apt: Apt) -> FakeRunner:
    return FakeRunner(programs={"apt-get": apt.get, "apt-cache": apt.cache})


def test_a_base_and_its_sets(small_project: Project, apt: Apt, runner: FakeRunner, tmp_path: Path) -> None:
    matrix, rule = small_project.matrix, small_project.cookbook.base_rule()
    archive = AptArchive(runner=runner, folder=tmp_path)
    offer = archive.offer(
        matrix.bases["bookworm"], matrix.architectures["x86_64"], rule, wanted(rustc=("rustc-web",), none=("apt",)), {}
    )
    assert offer.packages == {"libc6": "2.36-9", "apt": "2.6.2"}
    rustc = offer.sets["rustc"]
    assert rustc.roots == ("rustc-web",)
    assert {name: (item.version, item.sha256) for name, item in rustc.packages.items()} == {
        "rustc-web": ("1.96.0-2", "rustc-web-sum"),
        "libllvm22": ("1:22.1.8-1", "libllvm22-sum"),
    }
    # Sets are asked for on top of the base, and the base on top of nothing.
    assert apt.installed[0] == "" and apt.installed[1].count("Status: install ok installed") == 2
    asked = [words[5:] for words in runner.argvs("apt-get") if "install" in words]
    assert asked[0] == ("?essential", "?priority(required)", "apt", "ca-certificates")
    assert "update" in runner.argvs("apt-get")[0]
    assert (tmp_path / "bookworm-amd64/sources.list").read_text().splitlines() == [
        "deb http://deb.debian.org/debian bookworm main",
        "deb http://deb.debian.org/debian bookworm-updates main",
        "deb http://deb.debian.org/debian-security bookworm-security main",
    ]


def test_the_users_sources_take_the_place_of_the_usual(
    small_project: Project, runner: FakeRunner, tmp_path: Path
) -> None:
    (tmp_path / "mine.list").write_text("deb http://mirror.invalid/debian bookworm main\n")
    archive = AptArchive(
        runner=runner, folder=tmp_path / "apt", sources=tmp_path / "mine.list", auth=tmp_path / "auth.conf"
    )
    matrix, rule = small_project.matrix, small_project.cookbook.base_rule()
    archive.offer(matrix.bases["bookworm"], matrix.architectures["x86_64"], rule, {}, {})
    place = tmp_path / "apt/bookworm-amd64"
    assert (place / "sources.list").read_text() == "deb http://mirror.invalid/debian bookworm main\n"
    assert f'Dir::Etc::netrc "{tmp_path}/auth.conf";' in (place / "apt.conf").read_text()


def test_an_archive_that_does_not_answer(small_project: Project, apt: Apt, runner: FakeRunner, tmp_path: Path) -> None:
    matrix, rule = small_project.matrix, small_project.cookbook.base_rule()
    apt.fails = True
    with pytest.raises(InfrastructureError) as caught:
        AptArchive(runner=runner, folder=tmp_path).offer(
            matrix.bases["bookworm"], matrix.architectures["x86_64"], rule, {}, {}
        )
    assert caught.value.what == "asking the archive of bookworm (amd64) with apt failed"
    assert "Failed to fetch" in (caught.value.why or "")
    with pytest.raises(InfrastructureError, match="apt-get could not be started"):
        AptArchive(runner=FakeRunner(), folder=tmp_path).offer(
            matrix.bases["bookworm"], matrix.architectures["x86_64"], rule, {}, {}
        )


def test_a_package_that_is_not_there(small_project: Project, runner: FakeRunner, tmp_path: Path) -> None:
    matrix, rule = small_project.matrix, small_project.cookbook.base_rule()
    with pytest.raises(UserError, match="a recipe asks for a package that the archive does not have") as caught:
        AptArchive(runner=runner, folder=tmp_path).offer(
            matrix.bases["bookworm"], matrix.architectures["x86_64"], rule, wanted(rustc=("rustc-wbe",)), {}
        )
    assert caught.value.why == "E: Unable to locate package rustc-wbe"


def test_what_is_not_known_is_said(small_project: Project, runner: FakeRunner, tmp_path: Path) -> None:
    matrix, rule = small_project.matrix, small_project.cookbook.base_rule()
    other = matrix.bases["bookworm"].model_copy(update={"distribution": "fedora"})
    with pytest.raises(UserError, match="the archive of fedora 12 is not known"):
        sources_list(Base.model_validate(other.model_dump()))
    odd = rule.model_copy(update={"variant": "buildd"})
    with pytest.raises(UserError, match="what the variant 'buildd' installs is not known"):
        AptArchive(runner=runner, folder=tmp_path).offer(
            matrix.bases["bookworm"], matrix.architectures["x86_64"], odd, {}, {}
        )


def test_nothing_of_the_machines_own_apt_is_used_but_its_proxies(tmp_path: Path) -> None:
    text = configuration(tmp_path, "arm64")
    for name in ("Dir::State", "Dir::State::status", "Dir::Cache", "Dir::Etc::SourceList"):
        assert re.search(rf'^{name} "{tmp_path}/', text, re.MULTILINE)
    assert 'Dir::Etc::SourceParts "/dev/null";' in text and 'APT::Architectures { "arm64"; };' in text
    assert "Dir::Etc::Parts" not in text and "netrc" not in text


def test_packages_as_installed() -> None:
    assert (
        as_installed("Package: a\nVersion: 1\n\nPackage: b\nVersion: 2\n").count(
            "\nStatus: install ok installed\nVersion: "
        )
        == 2
    )


# Suites beside the base's own

SUITES = {"later": Suite(codename="late")}
NEWER = PackageSet(key="rustc/1.98", roots=("rustc",), suites={"later": ("rustc",)}, by_rust=True)


class Site:
    """A machine whose archive has Rust 1.98 in the suite `later`, and what was asked of it then."""

    def __init__(self, project: Project, folder: Path, runner: FakeRunner) -> None:
        self.project, self.folder, self.runner = project, folder, runner
        self.sources: list[str] = []
        self.preferences: list[str] = []
        self.unreachable = self.gone = False
        inner = {name: runner.programs[name] for name in ("apt-get", "apt-cache")}

        def get(command: Command) -> tuple[int, str]:
            place = Path(command.env["APT_CONFIG"]).parent
            sources = (place / "sources.list").read_text()
            if "update" in command.argv:
                (place / "state/lists/later_InRelease").write_text(
                    "Codename: late\nDate: Fri, 30 Oct 2026 08:08:01 UTC\n"
                )
                return (100, "E: no route\n") if self.unreachable and "later" in sources else (0, "")
            self.sources.append(sources)
            self.preferences.append((place / "preferences").read_text())
            if self.gone and "rustc" in command.argv:
                return 100, "E: Unable to locate package rustc\n"
            return inner["apt-get"](command)

        def cache(command: Command) -> tuple[int, str]:
            if command.argv[1] != "madison":
                return inner["apt-cache"](command)
            rows = [f"{name} | {VERSIONS[name]} | http://a.invalid {suite}/main x" for name, suite in ORIGINS.items()]
            return 0, "\n".join(rows)

        runner.programs = {"apt-get": get, "apt-cache": cache}

    def offer(self, *sets: PackageSet, lists: dict[str, Path] | None = None) -> PlaceOffer:
        matrix, rule = self.project.matrix, self.project.cookbook.base_rule()
        archive = AptArchive(runner=self.runner, folder=self.folder / "apt", lists=lists or {})
        base, arch = matrix.bases["bookworm"], matrix.architectures["x86_64"]
        return archive.offer(base, arch, rule, {item.key: item for item in sets}, SUITES)


ORIGINS = {"rustc": "later", "libllvm22": "bookworm"}


@pytest.fixture
def site(small_project: Project, runner: FakeRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setitem(ROOTS, "rustc", ["rustc", "libllvm22"])
    monkeypatch.setitem(VERSIONS, "rustc", "1.98.0-1")
    return Site(small_project, tmp_path, runner)


OWN = PackageSet(key="rustc/1.96", roots=("rustc-web",))


def test_a_set_with_packages_of_another_suite_is_asked_for_last(site: Site) -> None:
    offer = site.offer(NEWER, OWN)
    newer = offer.sets["rustc/1.98"]
    assert {name: item.suite for name, item in newer.packages.items()} == {"rustc": "later", "libllvm22": None}
    assert newer.suites == {"later": date(2026, 10, 30)} and offer.gone == {}
    assert offer.sets["rustc/1.96"].suites == {}
    # The base, the base's own set, and then the other.
    assert ["later" in sources for sources in site.sources] == [False, False, True]
    assert site.preferences == ["", "", preferences(SUITES, NEWER.suites)]
    assert site.sources[-1].endswith("deb [check-valid-until=no] http://deb.debian.org/debian later main\n")


def test_a_suite_that_cannot_be_reached_or_has_lost_a_package(site: Site) -> None:
    site.unreachable = True
    offer = site.offer(NEWER, OWN)
    assert (set(offer.sets), offer.gone) == ({"rustc/1.96"}, {"rustc/1.98": "E: no route"})
    site.unreachable, site.gone = False, True
    offer = site.offer(NEWER, OWN)
    assert (set(offer.sets), offer.gone) == ({"rustc/1.96"}, {"rustc/1.98": "E: Unable to locate package rustc"})


def test_a_site_has_sources_for_each_suite(site: Site, tmp_path: Path) -> None:
    lists = {name: tmp_path / f"{name}.list" for name in ("bookworm", "later")}
    for name, path in lists.items():
        path.write_text(f"deb http://snapshot.invalid {name} main\n")
    site.offer(NEWER, lists=lists)
    assert site.sources == [
        "deb http://snapshot.invalid bookworm main\n",
        "deb http://snapshot.invalid bookworm main\ndeb http://snapshot.invalid later main\n",
    ]
