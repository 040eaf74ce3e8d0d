"""`nox -s store`: damage is named, and what no cell uses goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.small_project import CELL, good_session, graph_of, write_project
from tests.unit.store.fake import FakeMachine, image_of, ref

from holoenzyme.cli import store as command
from holoenzyme.errors import UserError
from holoenzyme.session import Project, Session
from holoenzyme.store import FolderStore, StageRef, StoreRefusedError, Transport, create_store, open_store

AGAIN = "make it again with `nox -s build-image -- --save DIR`"


class Site:
    """A project, and a store with an image for each stage of its cell and for one that no cell has."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.folder = write_project(folder / "project"), folder / "store"
        self.machine, self.said = FakeMachine(), list[str]()
        self.session = good_session(Project(self.root), folder / "state")
        self.session.say = self.said.append
        monkeypatch.setattr(Session, "transport", lambda _: self.transport)
        nodes = graph_of(Project(self.root)).nodes.values()
        self.used = [StageRef(stage=node.stage.name, input_hash=node.input_hash) for node in nodes]
        self.stale = ref(stage="toolchain")
        store = create_store(self.folder, self.transport)
        for number, one in enumerate([*self.used, self.stale]):
            self.machine.images["local:1"] = image_of(one, bytes([number]) * 3000)
            store.save(one, "local:1")
        self.machine.images.clear()

    @property
    def transport(self) -> Transport:
        return self.machine.transport

    def holds(self, one: StageRef) -> bool:
        store = open_store(self.folder, self.transport)
        assert isinstance(store, FolderStore), store
        return store.find(one) is not None

    def damage(self) -> None:
        """Change a byte of a layer: manifests and configurations are read when a store is opened."""
        blobs = (self.folder / "blobs/sha256").iterdir()
        layer = next(path for path in blobs if not path.read_bytes().startswith(b"{"))
        content = bytearray(layer.read_bytes())
        content[-1] ^= 1
        layer.write_bytes(content)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


def test_a_sound_store_is_said_to_be_so(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.verify(site.session, site.folder) == 0
    assert site.said == [f"store {site.folder}: every byte is what it must be"]
    assert capsys.readouterr().out == ""


def test_damage_is_named_with_the_image(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.damage()
    assert command.verify(site.session, site.folder) == 1
    tags = {one.tag for one in [*site.used, site.stale]}
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 and lines[0].split(":")[0] in tags
    assert site.said == [f"store {site.folder}: 1 damaged; remove {site.folder} and {AGAIN}"]


def test_a_store_that_cannot_be_opened_is_damaged(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    (site.folder / "index.json").write_text("{")
    assert command.verify(site.session, site.folder) == 1
    assert capsys.readouterr().out
    with pytest.raises(StoreRefusedError):
        command.prune(site.session, site.folder, [], yes=True)


@pytest.mark.parametrize("yes", [False, True])
def test_what_no_cell_uses_goes_when_asked(site: Site, yes: bool) -> None:
    assert command.prune(site.session, site.folder, [], yes=yes) == 0
    assert all(map(site.holds, site.used))
    assert site.holds(site.stale) is not yes
    assert len(site.said) == 1 and ("would be freed" in site.said[0]) is not yes
    assert command.prune(site.session, site.folder, [CELL], yes=True) == 0
    assert all(map(site.holds, site.used)) and not site.holds(site.stale)


def test_a_pattern_that_names_no_cell_removes_nothing(site: Site) -> None:
    with pytest.raises(UserError, match="no cell matches"):
        command.prune(site.session, site.folder, ["zzz-*"], yes=True)
    assert site.holds(site.stale)


def test_another_folder_is_the_users_mistake(site: Site, tmp_path: Path) -> None:
    for folder in (tmp_path / "nothing", tmp_path):
        with pytest.raises(UserError, match="is refused"):
            command.verify(site.session, folder)
        with pytest.raises(UserError, match="is refused"):
            command.prune(site.session, folder, [], yes=True)


def test_the_command_line(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "machine_session", lambda root, stores: site.session)
    assert command.run(["verify", str(site.folder)], site.root) == 0
    assert command.run(["prune", str(site.folder)], site.root) == 0
    assert site.holds(site.stale)
    assert command.run(["prune", str(site.folder), CELL, "--yes"], site.root) == 0
    assert not site.holds(site.stale)
    with pytest.raises(SystemExit):
        command.run([], site.root)
