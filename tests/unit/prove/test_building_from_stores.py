"""Builds that find stages in a store, and stores that break on the way."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fakes import FakeEngine
from tests.small_project import BASE, NAME, build, good_engine, good_session, graph_of

from holoenzyme.plan.graph import Graph
from holoenzyme.prove.images import ProvedCell
from holoenzyme.session import Project, Session
from holoenzyme.store import (
    Damage,
    Refused,
    SavedImage,
    StageRef,
    Store,
    StoredStage,
    StoreRefusedError,
    StoreSet,
    StoreState,
)


class FakeStore:
    """A store that has the images of some stages of a graph; those in `damaged` refuse it when they are loaded."""

    name = "shelf"

    def __init__(self, engine: FakeEngine, graph: Graph, *stages: str, damaged: str = "") -> None:
        nodes = [node for node in graph.nodes.values() if not stages or node.stage.name in stages]
        self._labels = {StageRef(stage=n.stage.name, input_hash=n.input_hash): n.build_labels() for n in nodes}
        self._engine = engine
        self._damaged = damaged
        self.refused: Refused | None = None
        self.loaded: list[str] = []

    def find(self, ref: StageRef) -> StoredStage | None:
        if self.refused or ref not in self._labels:
            return None
        return StoredStage(store=self, ref=ref, digest="sha256:1", size=1)

    def load(self, ref: StageRef, image_name: str) -> None:
        if ref.stage == self._damaged:
            self.refused = Refused(name=self.name, state=StoreState.DAMAGED, reason="a blob is not what it says")
            raise StoreRefusedError(self.refused)
        self.loaded.append(ref.stage)
        self._engine.put(image_name, self._labels[ref])

    def save(self, ref: StageRef, image_name: str) -> SavedImage:
        raise AssertionError("nothing is to be saved")

    def verify(self) -> list[Damage]:
        return []


class Site:
    """A project, an engine without images, and stores; `said` is what a person was told."""

    def __init__(self, project: Project, state: Path) -> None:
        self.project = project
        self.engine: FakeEngine = good_engine()
        self.graph = graph_of(project)
        self.said: list[str] = []
        self.session: Session = good_session(project, state, self.engine)
        self.session.say = self.said.append

    def store(self, *stages: str, damaged: str = "") -> FakeStore:
        return FakeStore(self.engine, self.graph, *stages, damaged=damaged)

    def build(self, *stores: Store) -> ProvedCell:
        self.session.stores = StoreSet(stores)
        (built,) = build(self.session, [])
        return built


@pytest.fixture
def site(small_project: Project, tmp_path: Path) -> Site:
    return Site(small_project, tmp_path / "state")


def test_an_image_in_a_store_is_all_that_is_loaded_and_it_is_proved(site: Site) -> None:
    store = site.store()
    built = site.build(store)
    assert store.loaded == ["toolchain"]
    assert site.engine.built == []
    assert site.engine.steps() == ["identity", "compile", "run", "contract"]
    assert built.record is not None and NAME in site.engine.tags
    assert built.report.loaded == ["toolchain"]


def test_a_loaded_image_is_proved_again_although_a_record_is_there(site: Site) -> None:
    first = site.build()
    image = site.engine.image(NAME)
    assert image is not None
    store = site.store()

    def load_the_same(ref: StageRef, image_name: str) -> None:
        site.engine.tag(image.id, image_name)

    store.load = load_the_same  # type: ignore[method-assign]
    # The staging name goes; the image itself stays under the cell's name, with the record that proves it.
    site.engine.remove(first.node.image)
    site.engine.forget()
    again = site.build(store)
    assert site.engine.built == [] and again.report.loaded == ["toolchain"]
    assert again.record is not None and again.record.image.id == first.record.image.id  # type: ignore[union-attr]


def test_packages_from_a_store_outlive_the_archive(site: Site) -> None:
    site.engine.archive.files.clear()
    store = site.store("base", "packages-rustc", "packages-llvm")
    site.build(store)
    assert sorted(store.loaded) == ["base", "packages-llvm", "packages-rustc"]
    assert sorted(site.engine.built) == ["enzyme", "rustc", "toolchain"]


def test_the_next_store_serves_where_the_first_is_refused(site: Site) -> None:
    damaged, good = site.store(damaged="toolchain"), site.store()
    site.build(damaged, good)
    assert (damaged.loaded, good.loaded) == ([], ["toolchain"])
    assert "warning: store shelf is refused (damaged): a blob is not what it says; going on without it" in site.said
    assert site.engine.built == []


def test_a_build_plans_again_where_its_only_store_is_refused(site: Site) -> None:
    site.build(site.store(damaged="toolchain"))
    assert "a store was refused on the way: planning again without it" in site.said
    assert site.engine.built[:2] == ["base", "archive"]
    assert site.engine.built[-1] == "toolchain"
    assert NAME in site.engine.tags


def test_a_base_is_made_where_the_store_that_has_it_is_refused(site: Site) -> None:
    site.build(site.store("base", damaged="base"))
    assert site.engine.built[:2] == ["base", "archive"]
    assert site.engine.steps()[0] == "packages"
    base = site.graph.images[0].needs["rustc"].needs["base"]
    assert site.engine.image(base.image) is not None and base.inputs.resolved == BASE


def test_what_was_loaded_before_a_store_broke_is_kept(site: Site) -> None:
    store = site.store("base", "packages-rustc", "packages-llvm", "rustc", damaged="packages-llvm")
    site.build(store)
    assert "rustc" not in site.engine.built or "rustc" not in store.loaded
    assert site.engine.built.count("packages-llvm") == 1
    assert NAME in site.engine.tags
