"""`bench`: the parts that need no engine, and that what it makes is removed again."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path

import pytest
from tests.fakes import FakeEngine, FakeRunner, failing
from tests.small_project import build, cells_of, good_session
from tests.unit.store.fake import image_of, ref, write_store

from holoenzyme.bench.build import (
    MeasuredCell,
    _removing,
    measure_cold,
    measure_noop,
    measure_plan,
    put_layer_below,
    synthetic,
)
from holoenzyme.bench.record import write
from holoenzyme.build.planner import graph_of
from holoenzyme.console import err
from holoenzyme.engine.base import BuildFailed
from holoenzyme.errors import UserError
from holoenzyme.plan.graph import STAGE_LABEL
from holoenzyme.render.stages import MARK_LABEL
from holoenzyme.report.bench_table import (
    Figure,
    Part,
    as_data,
    critical_path,
    largest_parts,
    layer_names,
    median,
    number,
    tables,
)
from holoenzyme.session import Project, Session

MARK = "0123456789ab"


@pytest.fixture
def bench(root: Path, tmp_path: Path) -> MeasuredCell:
    project = Project(root)
    session = Session(
        project=project,
        engine=FakeEngine(),
        runner=FakeRunner(),
        state=tmp_path,
        environ={},
        say=lambda text: None,
    )
    return MeasuredCell(session=session, cell=cells_of(project)[0])


def part(name: str, value: float, goal: float | None = None) -> Part:
    figure = Figure(name="build", value=value, unit="s", how="with a clock", goal=goal)
    return Part(
        name=name, measured="2026-01-01T00:00:00+00:00", load=0.5, figures=(figure,), details={"in s": [("x", 2)]}
    )


def test_the_critical_path_is_the_longest_chain() -> None:
    needs = {"base": [], "debs": ["base"], "rustc": ["base", "debs"], "enzyme": ["base"], "image": ["rustc", "enzyme"]}
    seconds = {"base": 30.0, "debs": 10.0, "rustc": 20.0, "enzyme": 50.0}
    assert critical_path(needs, seconds) == (("base", 30.0), ("enzyme", 50.0), ("image", 0.0))
    assert critical_path(needs, seconds | {"debs": 31.0})[1] == ("debs", 31.0)
    assert critical_path({}, {}) == ()


def test_what_fills_an_image() -> None:
    files = (
        "1 4000000 /usr/lib/x/libz.so\n2 1000000 /etc/made by hand\n1 4000000 /usr/lib/x/libz.so.1\n3 500000 /opt/a/b/c"
    )
    owners = "=zlib1g:amd64\n/.\n/lib/x/libz.so\n=other\n/etc/nothing\n"
    assert largest_parts(files, owners) == (
        ("zlib1g", 4.0),
        ("/etc/made by hand (of no package)", 1.0),
        ("/opt/a (of no package)", 0.5),
    )
    assert largest_parts(files, owners, most=1) == (("zlib1g", 4.0), ("2 smaller ones", 1.5))


def test_layers_are_named_after_the_instructions_that_make_one() -> None:
    history = [
        "",
        "COPY a /b # buildkit",
        "ENV A=1",
        "RUN /bin/sh -c a &&     b # buildkit",
        "USER 1:1",
        'CMD ["bash"]',
    ]
    assert layer_names(history, 3) == ("base", "COPY a /b", "RUN /bin/sh -c a && b")
    assert layer_names(history, 2) == ("layer 1", "layer 2"), "where the history does not fit, nothing is guessed"


def test_the_median_is_of_the_measurements() -> None:
    values = iter([5.0, 1.0, 4.0, 2.0, 3.0])
    assert median(lambda: next(values)) == 3.0


@pytest.mark.parametrize(("value", "text"), [(0.28765, "0.288"), (12.34, "12.3"), (345.6, "346"), (12345.6, "12,346")])
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text


def test_the_file_keeps_what_was_not_measured_again(tmp_path: Path) -> None:
    path = tmp_path / "bench/build.json"
    write(path, "cell", [part("plan", 0.25, goal=0.5), part("size", 240, goal=220)])
    write(path, "cell", [part("plan", 0.75, goal=0.5)])
    data = json.loads(path.read_text())
    assert (data["schema"], data["cell"]) == (1, "cell")
    assert data["parts"]["plan"]["figures"][0] == {
        "name": "build",
        "value": 0.75,
        "unit": "s",
        "how": "with a clock",
        "goal": 0.5,
        "reached": False,
    }
    assert data["parts"]["size"]["figures"][0]["value"] == 240
    assert data["parts"]["size"]["details"] == {"in s": [{"name": "x", "value": 2}]}
    write(path, "another-cell", [part("plan", 1.0)])
    assert list(json.loads(path.read_text())["parts"]) == ["plan"]
    path.write_text("{")
    write(path, "cell", [part("plan", 1.0)])
    assert list(json.loads(path.read_text())["parts"]) == ["plan"]


def test_every_figure_says_how_it_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    err.cache_clear()
    for table in tables(part("cold", 7.5, goal=10)):
        err().print(table)
    err.cache_clear()
    printed = capsys.readouterr().err
    for words in ("cold", "7.5 s", "10 s", "with a clock", "in s"):
        assert words in printed
    assert as_data([part("cold", 7.5)]).keys() == {"cold"}


def test_a_thousand_cells_are_a_thousand_points(bench: MeasuredCell) -> None:
    matrix, resolution, cells = synthetic(
        bench.session.project.matrix, bench.session.project.lock.resolution(), bench.cell, 120
    )
    assert len({cell.id for cell in cells}) == 120
    assert len({(cell.rust, cell.target, cell.base, cell.arch) for cell in cells}) == 120
    assert {cell.base for cell in cells} <= set(matrix.bases)
    assert all(f"{cell.base}-{cell.arch}" in resolution.bases for cell in cells)


def test_the_plan_is_measured_in_three_states(bench: MeasuredCell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holoenzyme.bench.build.CELLS", 60)
    found = measure_plan(bench)
    assert [figure.name for figure in found.figures] == [
        "60 cells, nothing built",
        "60 cells, everything built",
        "60 cells, everything out of date",
    ]
    assert all(0 < figure.value < 60 for figure in found.figures)


def test_a_marked_project_shares_nothing_with_what_is_built(bench: MeasuredCell, root: Path) -> None:
    resolution = bench.session.project.lock.resolution()
    usual = graph_of(bench.session.project, [bench.cell], resolution).nodes
    other = graph_of(Project(root, mark=MARK), [bench.cell], resolution).nodes
    assert usual.keys() == other.keys()
    assert not {node.image for node in usual.values()} & {node.image for node in other.values()}
    for node in other.values():
        assert node.build_labels()[MARK_LABEL] == MARK
        assert "id=holoenzyme-" not in node.dockerfile.replace(f"id=holoenzyme-bench-{MARK}-", "")
    assert "type=cache,id=holoenzyme-" in "".join(node.dockerfile for node in usual.values())


def fresh(project: Project, state: Path) -> MeasuredCell:
    """A bench on an engine that has nothing."""
    return MeasuredCell(session=good_session(project, state), cell=cells_of(project)[0])


def test_from_nothing_is_measured_beside_what_is_built(small_project: Project, tmp_path: Path) -> None:
    bench = fresh(small_project, tmp_path)
    build(bench.session, [])
    engine = bench.session.engine
    assert isinstance(engine, FakeEngine)
    before, records = engine.tags, sorted(tmp_path.glob("evidence/*"))
    engine.forget()
    found = measure_cold(bench)
    assert set(engine.built) == {"base", "archive", "packages-llvm", "packages-rustc", "enzyme", "rustc", "toolchain"}
    assert all(build.request.no_cache for build in engine.builds if build.stage != "base")
    assert engine.tags == before, "what was built is as it was, and nothing else is there"
    assert sorted(tmp_path.glob("evidence/*")) == records
    figures = {figure.name: figure.value for figure in found.figures}
    assert figures["to the first checked derivative"] > figures["build"] > figures["base"] > 0
    assert [name for name, _ in found.details["steps of the proof, s"]] == ["identity", "compile", "run", "contract"]
    # Containers of the fake engine say that they took a quarter of a second each.
    assert figures["to the first checked derivative"] - figures["build"] == pytest.approx(0.75)
    path = [name for name, _ in found.details["critical path, s"]]
    assert (path[0], path[-1]) == ("base", "toolchain")
    assert {name for name, _ in found.details["stages, s"]} == set(engine.built) - {"archive"}


def test_a_failing_build_leaves_nothing_of_the_measurement(small_project: Project, tmp_path: Path) -> None:
    bench = fresh(small_project, tmp_path)
    engine = bench.session.engine
    assert isinstance(engine, FakeEngine)
    engine.hooks["toolchain"] = failing()
    with pytest.raises(BuildFailed):
        measure_cold(bench)
    assert engine.built
    assert engine.tags == set()


def test_what_is_not_built_cannot_be_measured(small_project: Project, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"distro-1\.96-host is not built as it would be now"):
        measure_noop(fresh(small_project, tmp_path))


def test_what_was_built_to_measure_is_removed_even_on_failure(bench: MeasuredCell) -> None:
    engine = bench.session.engine
    assert isinstance(engine, FakeEngine)
    engine.put("holoenzyme/stage/rustc:1", {STAGE_LABEL: "rustc"})
    with pytest.raises(RuntimeError), _removing(bench.session, MARK):
        engine.put("holoenzyme/stage/rustc:2", {STAGE_LABEL: "rustc", MARK_LABEL: MARK})
        engine.put("holoenzyme/stage/rustc:3", {STAGE_LABEL: "rustc", MARK_LABEL: "another run"})
        engine.put(None, {STAGE_LABEL: "rustc", MARK_LABEL: MARK})
        raise RuntimeError
    assert engine.tags == {"holoenzyme/stage/rustc:1", "holoenzyme/stage/rustc:3"}
    assert len(engine.images()) == 2


def test_a_layer_below_makes_another_image_of_the_same_content(tmp_path: Path) -> None:
    write_store(tmp_path, {ref().tag: image_of(ref())})
    before = (tmp_path / "index.json").read_text()
    put_layer_below(tmp_path)
    assert (tmp_path / "index.json").read_text() != before
    (entry,) = json.loads((tmp_path / "index.json").read_text())["manifests"]
    blobs = tmp_path / "blobs/sha256"
    manifest = json.loads((blobs / entry["digest"][7:]).read_bytes())
    config = json.loads((blobs / manifest["config"]["digest"][7:]).read_bytes())
    assert len(manifest["layers"]) == len(config["rootfs"]["diff_ids"]) == 3
    for blob in (entry, manifest["config"], manifest["layers"][0]):
        content = (blobs / blob["digest"][7:]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (blob["size"], blob["digest"][7:])
    with tarfile.open(blobs / manifest["layers"][0]["digest"][7:]) as layer:
        assert len(layer.getnames()) == 1
