"""Builds of cells with packages of a suite beside the base's own, whether the archive has them or not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes import FakeEngine
from tests.small_project import (
    BASE,
    CELL,
    NEWER,
    PLACE,
    cells_of,
    edit,
    good_engine,
    good_session,
    graph_of,
    locked_suites,
    seed,
    write_suites,
)

from holoenzyme.build.planner import Planner, Resolved
from holoenzyme.build.resolver import resolve
from holoenzyme.build.scheduler import carry_out
from holoenzyme.build.today import resolve_today
from holoenzyme.cli import lock
from holoenzyme.engine.base import Secret
from holoenzyme.errors import UserError
from holoenzyme.resolve.model import LOCK_NAME, read_lock, write_lock
from holoenzyme.session import Project, Session


class Site:
    """A project with two versions of Rust, and an engine whose archive has what both need."""

    def __init__(self, folder: Path) -> None:
        self.root = write_suites(folder / "project")
        self.engine: FakeEngine = good_engine()
        self.said: list[str] = []
        self.session: Session = good_session(Project(self.root), folder / "state", self.engine)
        self.session.say = self.said.append

    def resolve(self, *cells: str) -> Resolved:
        return resolve(Planner(session=self.session, cells=cells_of(self.session.project, *cells)))

    def lose(self, *names: str) -> None:
        for name in names:
            del self.engine.archive.files[name]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_an_archive_that_has_everything(site: Site) -> None:
    assert site.resolve(NEWER, CELL).resolution == locked_suites()
    assert site.engine.built == ["base", "archive"] and site.said[1:] == []


def test_cells_of_two_versions_of_rust_have_packages_of_their_own(site: Site) -> None:
    graph = graph_of(site.session.project, locked_suites(), CELL, NEWER)
    packages = {key: node for key, node in graph.nodes.items() if node.stage.name == "packages-rustc"}
    assert set(packages) == {f"packages-rustc/{rust}/bookworm/x86_64" for rust in ("1.96", "1.98")}
    old, new = (packages[f"packages-rustc/{rust}/bookworm/x86_64"] for rust in ("1.96", "1.98"))
    assert old.stage.resolved.keys() == {"rustc-web", "libllvm22"} and set(old.stage.files) == {"packages.sha256"}
    assert new.stage.resolved.keys() == {"rustc", "libstd", "libllvm22"}
    assert set(new.stage.files) == {"packages.sha256", "suites/preferences", "suites/later.list"}
    assert "COPY suites" in new.dockerfile and "COPY suites" not in old.dockerfile
    assert (old.stage.package_set, new.stage.package_set) == ("rustc/1.96", "rustc/1.98")
    assert "packages-llvm/bookworm/x86_64" in graph.nodes, "what does not depend on Rust is there once"


def test_packages_that_are_gone_end_the_build_of_their_cell(site: Site) -> None:
    site.lose("libstd")
    with pytest.raises(UserError) as caught:
        site.resolve(NEWER)
    assert caught.value.what == (
        "the archive does not have the packages of set 'rustc/1.98' any more, some of which come from later"
    )
    assert caught.value.why == "later: it moves; apt says: E: Unable to locate package libstd"
    assert "or a snapshot of the archive" in (caught.value.fix or "") and "as of 2026-10-30" in (caught.value.fix or "")


def test_packages_that_are_gone_do_not_end_the_build_of_others(site: Site) -> None:
    site.lose("rustc", "libstd")
    resolved = site.resolve(CELL)
    assert resolved.resolution == locked_suites() and resolved.changes == ()


def test_a_suite_that_does_not_answer_does_not_end_the_build_of_others(site: Site) -> None:
    site.engine.archive.silent = "E: Failed to fetch"
    assert site.resolve(CELL).resolution == locked_suites()
    with pytest.raises(UserError, match="set 'rustc/1"):
        site.resolve(NEWER)


def test_what_the_engine_has_need_not_be_in_the_archive(site: Site) -> None:
    seed(site.engine, graph_of(site.session.project, locked_suites(), NEWER), "base", "packages-rustc")
    site.lose("rustc", "libstd")
    resolved = site.resolve(NEWER)
    assert resolved.resolution == locked_suites()
    assert site.engine.built == ["archive"], "packages-llvm is missing, so the archive is asked"


def test_a_newer_revision_is_used_where_it_comes_from_the_same_suite(site: Site) -> None:
    site.engine.archive.offer("rustc", "1.98.0-2")
    site.engine.archive.offer("libstd", "1.98.0-2")
    assert site.resolve(NEWER).resolution == locked_suites(rustc="1.98.0-2", libstd="1.98.0-2")
    assert any("set rustc/1.98: rustc 1.98.0-1 -> 1.98.0-2" in line for line in site.said)


def test_a_site_names_the_sources_of_each_base_and_suite(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "apt"
    folder.mkdir()
    for name in ("bookworm", "trixie", "later"):
        (folder / f"{name}.list").write_text(f"deb http://snapshot.invalid/20261030 {name} main\n")
    site.session.environ = {"HOLOENZYME_APT_SOURCES": str(folder), "SSL_CERT_FILE": "/nowhere"}
    resolved = site.resolve(NEWER)
    carry_out(site.session, resolved, _Silent(), timeout=60)
    asked = {build.stage: build.request.secrets for build in site.engine.builds}
    own = Secret(id="apt-sources", path=folder / "bookworm.list")
    for stage in ("archive", "packages-rustc", "packages-llvm"):
        assert own in asked[stage]
        assert Secret(id="apt-sources-later", path=folder / "later.list") in asked[stage]
    (argv,) = site.session.runner.argvs("mmdebstrap")  # type: ignore[attr-defined]
    assert argv[-1] == str(folder / "bookworm.list")


class _Silent:
    def start(self, stage: str, doing: str, because: str) -> None:
        """Nothing is said."""

    def line(self, stage: str, text: str) -> None:
        """Nothing is said."""

    def finish(self, stage: str, how: str) -> None:
        """Nothing is said."""


# Locking


def test_locking_records_the_suite_of_each_package(site: Site) -> None:
    offered = resolve_today(site.session)
    assert offered.sets == locked_suites().sets


def test_what_cannot_be_had_cannot_be_locked(site: Site) -> None:
    site.lose("libstd")
    with pytest.raises(UserError) as caught:
        resolve_today(site.session)
    assert caught.value.what == "the archive of bookworm does not have the packages of rustc/1.98"
    assert caught.value.why == "E: Unable to locate package libstd"


def test_locking_one_base_leaves_the_others_as_they_are(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(
        site.root / "matrix.yaml",
        "status: supported}\nsuites",
        "status: supported}\n  newer: {distribution: debian, suite: newer, "
        'release: "13", image: "debian:newer", status: supported}\nsuites',
    )
    edit(site.root / "matrix.yaml", '{release: 1.98.0, llvm: "22",', '{release: 1.98.0, base: newer, llvm: "22",')
    edit(
        site.root / "matrix.yaml",
        "constraints: []",
        "constraints:\n"
        '  - {id: a, excludes: {rust: ["1.96"], base: [newer]}, reason: r, link: "https://x", '
        "review_after: 2030-01-01}\n"
        '  - {id: b, excludes: {rust: ["1.98"], base: [bookworm]}, reason: r, link: "https://x", '
        "review_after: 2030-01-01}",
    )
    old = locked_suites()
    bookworm = {name: item for name, item in old.sets[PLACE].items() if name != "rustc/1.98"}
    stale = old.bases[PLACE].model_copy(update={"packages": {**BASE, "libc6": "2.36-9+deb12u0"}})
    write_lock(site.root / LOCK_NAME, old.model_copy(update={"bases": {PLACE: stale}, "sets": {PLACE: bookworm}}))
    session = replace(site.session, project=Project(site.root))
    monkeypatch.setattr(lock, "machine_session", lambda root, *, base_source: session)
    assert lock.run(["newer"], site.root) == 0
    written = read_lock(site.root / LOCK_NAME)
    assert written.bases[PLACE] == stale and written.sets[PLACE] == bookworm
    assert written.bases["newer-x86_64"].packages == BASE
    assert set(written.sets["newer-x86_64"]) == {"llvm", "rustc/1.98"}
    with pytest.raises(UserError) as caught:
        lock.run(["never"], site.root)
    assert str(caught.value) == "no cell that can be built has the base 'never'\n  fix: did you mean 'newer'?"
