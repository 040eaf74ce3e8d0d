"""Which versions a build uses: the lock's, those of the last time, or what the archive has instead."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tests.fakes import Answer, Build, FakeEngine, failing
from tests.processes import PATIENCE
from tests.small_project import (
    BASE,
    CELL,
    OTHER,
    PLACE,
    cells_of,
    edit,
    good_engine,
    good_session,
    graph_of,
    locked,
    seed,
    write_project,
)

from holoenzyme.build.planner import Planner, Resolved, plan_cells
from holoenzyme.build.resolver import resolve
from holoenzyme.errors import InfrastructureError, UserError
from holoenzyme.plan.decide import Action, BaseSource
from holoenzyme.plan.graph import STAGING
from holoenzyme.resolve.model import write_lock
from holoenzyme.session import Project, Session

NEWER = {**BASE, "libc6": "2.36-9+deb12u2"}


class Site:
    """A project, an engine, and what was said."""

    def __init__(self, project: Project, state: Path) -> None:
        self.engine: FakeEngine = good_engine()
        self.said: list[str] = []
        self.session: Session = good_session(project, state, self.engine)
        self.session.say = self.said.append

    def resolve(self, *cells: str) -> Resolved:
        return resolve(Planner(session=self.session, cells=cells_of(self.session.project, *cells)))

    def carry_out(self, resolved: Resolved) -> None:
        """Have the image of each stage, as a build leaves them."""
        seed(self.engine, resolved.graph)
        self.engine.forget()

    def base_of_archive(self, packages: dict[str, str]) -> None:
        self.engine.answers["packages"] = Answer(stdout="".join(f"{n} {v}\n" for n, v in packages.items()))

    def offer(self, name: str, version: str, *, keep: bool = False) -> None:
        self.engine.archive.offer(name, version, keep=keep)

    @property
    def changes(self) -> list[str]:
        return [line.strip() for line in self.said if " -> " in line]


@pytest.fixture
def site(small_project: Project, tmp_path: Path) -> Site:
    return Site(small_project, tmp_path / "state")


def actions(resolved: Resolved) -> dict[str, Action]:
    return {decision.node.stage.name: decision.action for decision in resolved.plan.decisions}


def test_where_the_images_are_there_nothing_is_asked(site: Site) -> None:
    seed(site.engine, graph_of(site.session.project))
    resolved = site.resolve()
    assert (site.engine.builds, site.engine.runs, site.said) == ([], [], [])
    assert site.engine.questions == 1
    assert resolved.resolution == locked() and resolved.changes == ()
    assert resolved.plan.complete


def test_where_only_the_top_is_missing_nothing_is_asked(site: Site) -> None:
    seed(site.engine, graph_of(site.session.project), "base", "packages-rustc", "packages-llvm", "rustc", "enzyme")
    resolved = site.resolve()
    assert (site.engine.builds, site.engine.runs) == ([], [])
    assert actions(resolved)["toolchain"] is Action.BUILD


def test_an_archive_that_has_what_is_locked(site: Site) -> None:
    resolved = site.resolve()
    assert site.engine.built == ["base", "archive"]
    assert resolved.resolution == locked() and resolved.changes == ()
    assert actions(resolved)["base"] is Action.REUSE
    assert f"{STAGING}/base:" in next(tag for tag in site.engine.tags if "/base:" in tag)
    assert not any("unnamed" in tag for tag in site.engine.tags), "the base has its own name only"
    assert not (site.session.state / "resolutions").exists()


def test_an_archive_that_keeps_what_is_locked_beside_newer_ones(site: Site) -> None:
    site.offer("rustc-web", "1.96.0-2", keep=True)
    assert site.resolve().resolution == locked()
    assert site.changes == []


def test_the_question_names_what_is_locked_so_that_older_files_are_seen(site: Site) -> None:
    site.resolve()
    (question,) = [build for build in site.engine.builds if build.stage == "archive"]
    assert "echo libllvm22 llvm-22-dev rustc-web | tr" in question.text
    assert question.request.no_cache


def test_a_newer_revision_is_used_and_said(site: Site) -> None:
    site.offer("libllvm22", "1:22.1.8-2")
    site.offer("llvm-22-dev", "1:22.1.8-2")
    resolved = site.resolve()
    assert resolved.resolution == locked(libllvm22="1:22.1.8-2", llvm_22_dev="1:22.1.8-2")
    assert "the archive has newer revisions than matrix.lock; this build uses them (3):" in site.said
    assert site.changes == [
        "set llvm: libllvm22 1:22.1.8-1 -> 1:22.1.8-2 (a newer revision of the same upstream version)",
        "set llvm: llvm-22-dev 1:22.1.8-1 -> 1:22.1.8-2 (a newer revision of the same upstream version)",
        "set rustc: libllvm22 1:22.1.8-1 -> 1:22.1.8-2 (a newer revision of the same upstream version)",
    ]
    assert [str(change) for change in resolved.changes] == site.changes
    node = resolved.graph.images[0].needs["enzyme"].needs["packages-llvm"]
    assert node.inputs.resolved["libllvm22"] == "1:22.1.8-2", "the image's label records what was really used"
    assert "libllvm22=1:22.1.8-2" in node.dockerfile


def test_what_was_used_last_time_is_used_again_without_asking(site: Site) -> None:
    site.offer("libllvm22", "1:22.1.8-2")
    first = site.resolve()
    site.carry_out(first)
    site.said.clear()
    again = site.resolve()
    assert site.engine.builds == []
    assert site.said[0].startswith("the archive has newer revisions than matrix.lock; this build uses them")
    assert "libllvm22 1:22.1.8-1 -> 1:22.1.8-2" in site.said[1]
    assert again.resolution == first.resolution
    assert again.plan.complete
    cells = cells_of(site.session.project)
    assert plan_cells(site.session, cells).resolution == first.resolution


def test_what_was_used_last_time_also_serves_a_changed_recipe(tmp_path: Path) -> None:
    root = write_project(tmp_path / "project")
    site = Site(Project(root), tmp_path / "state")
    site.base_of_archive(NEWER)
    first = site.resolve()
    site.carry_out(first)
    edit(root / "recipes/enzyme/stage.Dockerfile.j2", " build ", " build --better ")
    site.session.project = Project(root)
    again = site.resolve()
    assert site.engine.builds == [], "base and packages are there, so neither is made and nothing is asked"
    assert again.resolution == first.resolution
    assert [name for name, action in actions(again).items() if action is Action.BUILD] == ["enzyme", "toolchain"]


def test_a_new_lock_makes_the_memory_void(tmp_path: Path) -> None:
    root = write_project(tmp_path / "project")
    site = Site(Project(root), tmp_path / "state")
    site.offer("libllvm22", "1:22.1.8-2")
    site.carry_out(site.resolve())
    write_lock(root / "matrix.lock", locked(rustc_web="1.96.0-0"))
    site.session.project = Project(root)
    assert not plan_cells(site.session, cells_of(site.session.project)).plan.complete


def test_a_damaged_memory_is_dropped(site: Site) -> None:
    site.offer("libllvm22", "1:22.1.8-2")
    site.resolve()
    (memory,) = (site.session.state / "resolutions").iterdir()
    memory.write_text('{"bases": ')
    plan_cells(site.session, cells_of(site.session.project))
    assert not memory.exists()


def test_a_newer_base_is_used_and_said(site: Site) -> None:
    site.base_of_archive(NEWER)
    resolved = site.resolve()
    assert resolved.resolution == locked(NEWER)
    assert site.changes == [
        f"base {PLACE}: libc6 2.36-9+deb12u1 -> 2.36-9+deb12u2 (a newer revision of the same upstream version)"
    ]
    assert resolved.graph.images[0].needs["rustc"].needs["base"].inputs.resolved == NEWER


def test_another_upstream_version_is_refused(site: Site) -> None:
    site.offer("rustc-web", "1.97.0-1")
    with pytest.raises(UserError) as caught:
        site.resolve()
    assert str(caught.value) == (
        "the archive has another upstream version of rustc-web than matrix.lock\n"
        "  why: set rustc: rustc-web 1.96.0-1 -> 1.97.0-1 (another upstream version)\n"
        "  fix: lock rustc-web anew: run `nox -s lock` and commit what it writes "
        "(a store that holds the locked packages also serves: --store DIR)"
    )
    assert not (site.session.state / "resolutions").exists()


def test_an_unknown_package_is_the_recipes_fault(site: Site) -> None:
    site.engine.hooks["archive"] = failing(tail="E: Unable to locate package rustc-web")
    with pytest.raises(UserError, match="a recipe asks for a package that the archive does not have"):
        site.resolve()


def test_an_archive_that_does_not_answer(site: Site) -> None:
    site.engine.hooks["archive"] = failing(tail="Could not resolve 'deb.example'")
    with pytest.raises(InfrastructureError) as caught:
        site.resolve()
    assert caught.value.what == "the archive does not answer"
    assert "Could not resolve" in str(caught.value)


def test_sets_of_other_channels_are_asked_for_too(tmp_path: Path) -> None:
    root = write_project(tmp_path / "project")
    extra = {"tools": locked().sets[PLACE]["llvm"]}
    write_lock(root / "matrix.lock", locked().model_copy(update={"sets": {PLACE: {**locked().sets[PLACE], **extra}}}))
    site = Site(Project(root), tmp_path / "state")
    site.offer("llvm-22-dev", "1:22.1.8-2")
    sets = site.resolve().resolution.sets[PLACE]
    assert sets["tools"] == sets["llvm"] == locked(llvm_22_dev="1:22.1.8-2").sets[PLACE]["llvm"]


def test_two_cells_of_one_base_ask_once(site: Site) -> None:
    resolved = site.resolve(CELL, OTHER)
    assert site.engine.built == ["base", "archive"]
    assert [node.stage.key.split("/")[3] for node in resolved.graph.images] == ["host", "sm_90"]


def test_a_base_that_is_here_is_not_made_again(site: Site) -> None:
    seed(site.engine, graph_of(site.session.project), "base")
    site.resolve()
    assert site.engine.built == ["archive"]
    assert site.engine.steps() == []


def test_a_base_that_must_be_pulled_and_has_no_digest(site: Site) -> None:
    site.session.base_source = BaseSource.PULL
    with pytest.raises(UserError, match=r"debian:bookworm-slim has no digest in matrix\.lock, so it is not pulled"):
        site.resolve()
    assert site.engine.builds == []


def test_of_two_builds_from_nothing_one_makes_the_base(site: Site) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow(build: Build) -> None:
        inside.set()
        assert go_on.wait(PATIENCE)

    site.engine.hooks["base"] = slow
    found: list[Resolved] = []
    threads = [threading.Thread(target=lambda: found.append(site.resolve())) for _ in range(2)]
    threads[0].start()
    assert inside.wait(PATIENCE)
    threads[1].start()
    while not any("another build" in line for line in site.said):
        threading.Event().wait(0.005)
    go_on.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert [resolved.resolution for resolved in found] == [locked(), locked()]
    assert site.engine.built.count("base") == 1
