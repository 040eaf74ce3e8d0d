"""The series of patches: headers, files, whether they apply, what they weigh."""

from __future__ import annotations

import difflib
import json
import shutil
from pathlib import Path

import pytest
from tests.fakes import Build, FakeEngine
from tests.small_project import good_session, graph_of, write_project

from holoenzyme.build import sources
from holoenzyme.cli import patches as command
from holoenzyme.engine.base import BuildRequest
from holoenzyme.errors import UserError
from holoenzyme.patches import FileChange, Series, apply_series, crate_of, read_all, read_series, total, weigh
from holoenzyme.plan.graph import Node
from holoenzyme.process import SubprocessRunner
from holoenzyme.report.patches_table import as_data, side_by_side, tables
from holoenzyme.session import Project

A, B = "compiler/rustc_a/src/lib.rs", "library/core/src/b.rs"
TESTS = frozenset({"one", "two", "group/two"})


def header(**changes: str | None) -> str:
    """A good header with some fields changed, or left out."""
    fields: dict[str, str | None] = {
        "Subject": "a subject",
        "What": "something\n that goes on",
        "Why": "a reason",
        "Upstream": "none; it is ours",
        "Crates": "rustc_a",
        "Smoke-test": "one",
    }
    fields |= {name.replace("_", "-"): value for name, value in changes.items()}
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\n".join([lines[0], "", *lines[1:], "", ""])


def diff(path: str, old: str, new: str) -> str:
    """What git would print; a file that was empty is added. Words stand for lines."""
    before, after = [[f"{word}\n" for word in text.split()] for text in (old, new)]
    lines = difflib.unified_diff(before, after, f"a/{path}" if old else "/dev/null", f"b/{path}")
    mode = "" if old else "new file mode 100644\n"
    return f"diff --git a/{path} b/{path}\n{mode}" + "".join(lines)


FIRST = header() + diff(A, "one two three", "one TWO TWO-AND-A-HALF three")
SECOND = header(Crates="compiler/rustc_a, library/core")
SECOND += diff(A, "one TWO TWO-AND-A-HALF three", "one TWO TWO-AND-A-HALF 3") + diff(B, "", "new file")


def write(folder: Path, patches: dict[str, str], series: str | None = None) -> Path:
    """A folder of patches; the series names all of them in order, unless another one is given."""
    folder.mkdir(exist_ok=True)
    for name, text in patches.items():
        (folder / name).write_text(text)
    (folder / "series").write_text("\n".join(["# in order", *patches, ""]) if series is None else series)
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Sources that the two patches fit."""
    (tmp_path / "source" / A).parent.mkdir(parents=True)
    (tmp_path / "source" / A).write_text("one\ntwo\nthree\n")
    return tmp_path / "source"


def good(tmp_path: Path) -> Series:
    return read_series(write(tmp_path / "patches", {"1.patch": FIRST, "2.patch": SECOND}), TESTS)


needs_patch = pytest.mark.skipif(shutil.which("patch") is None, reason="the program `patch` is not there")


def test_a_good_series(tmp_path: Path) -> None:
    series = good(tmp_path)
    assert series.problems == ()
    first, second = series.patches
    assert first.fields["What"] == "something that goes on"
    assert (first.crates, first.smoke_tests) == (("compiler/rustc_a",), ("one",))
    assert [(change.path, change.added, change.removed) for change in second.changes] == [(A, 1, 1), (B, 2, 0)]


def test_the_burden(tmp_path: Path) -> None:
    series = good(tmp_path)
    changes = [change for patch in series.patches for change in patch.changes]
    assert {crate: weight.to_json() for crate, weight in weigh(changes).items()} == {
        "compiler/rustc_a": {"files": 1, "added": 3, "removed": 2},
        "library/core": {"files": 1, "added": 2, "removed": 0},
    }
    assert total(changes).to_json() == {"files": 2, "added": 5, "removed": 2}
    by_patch, by_crate = tables(series)
    assert (by_patch.row_count, by_crate.row_count) == (3, 3)
    data = json.loads(json.dumps(as_data({"1.1": series}, {"1.1": []}, {"1.1": "somewhere"})))["series"]["1.1"]
    assert data["total"] == data["changes_rustc"] == {"files": 2, "added": 5, "removed": 2}


def test_what_changes_rustc() -> None:
    paths = {
        A: True,
        "library/core/src/lib.rs": True,
        "src/bootstrap/src/lib.rs": False,
        "bootstrap.example.toml": False,
        "library/Cargo.lock": False,
        "tests/ui/a.rs": False,
        "compiler/rustc_a/tests/a.rs": False,
    }
    for path, expected in paths.items():
        assert FileChange(path=path, added=1, removed=0).changes_rustc is expected, path


def test_two_series_beside_each_other(tmp_path: Path) -> None:
    write(tmp_path / "1.10", {"1.patch": FIRST, "2.patch": SECOND})
    tests = header(Crates="rustc_a, tests/ui") + diff(A, "one two", "one 2") + diff("tests/ui/a.rs", "", "new file")
    write(tmp_path / "1.9", {"1.patch": tests})
    found = read_all(tmp_path, TESTS)
    assert list(found) == ["1.9", "1.10"]
    columns = [list(column.cells) for column in side_by_side(found).columns]
    assert columns == [
        ["compiler/rustc_a", "library/core", "tests/ui", "total", "without tests, lock files and bootstrap"],
        ["1", "", "1", "1", "1"],
        ["1", "", "1", "2", "1"],
        ["1", "", "2", "3", "1"],
        ["2", "1", "", "2", "2"],
        ["1", "1", "", "2", "2"],
        ["3", "2", "", "5", "5"],
    ]


def test_no_series_at_all(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(UserError, match="has no series of patches"):
            read_all(folder, TESTS)


@pytest.mark.parametrize(
    ("path", "crate"),
    [
        ("compiler/rustc_a/src/x/y.rs", "compiler/rustc_a"),
        ("library/core/src/lib.rs", "library/core"),
        ("src/bootstrap/src/core/config/config.rs", "src/bootstrap"),
        ("src/tools/clippy/src/main.rs", "src/tools/clippy"),
        ("bootstrap.example.toml", "src/bootstrap"),
        ("Cargo.lock", "Cargo.lock"),
    ],
)
def test_crates(path: str, crate: str) -> None:
    assert crate_of(path) == crate


DIFF = diff(A, "two", "2")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (header(Why=None) + DIFF, "field 'Why' is missing: add `Why: ...` above"),
        (header(Upstream="") + DIFF, "field 'Upstream' is empty"),
        (header(Upstream="none") + DIFF, "field 'Upstream' is none without a reason: write `Upstream: none; REASON`"),
        (header(Smoke_test="none;") + DIFF, "field 'Smoke-test' is none without a reason"),
        (header(Author="me") + DIFF, "line 9: unknown field 'Author'; the fields are Subject, What, Why"),
        (header(Why="a\nWhy: b") + DIFF, "line 6: field 'Why' stands there twice"),
        (header(Why="a\nand more") + DIFF, "line 6: 'and more' is no field: begin it with a field's name"),
        (
            header() + DIFF + diff(B, "two", "2"),
            "it touches library/core, which field 'Crates' does not name: add it",
        ),
        (
            header(Crates="rustc_a, library/core") + DIFF,
            "field 'Crates' names library/core, which it does not touch: remove it",
        ),
        (header(Smoke_test="one, three") + DIFF, "field 'Smoke-test' names 'three', and there is no such smoke test"),
        (header(), "there is no diff in it"),
        (header() + DIFF.replace("@@ -1 ", "@@ -1,7 "), "the diff cannot be read: Hunk is shorter than expected"),
        (header() + f"diff --git a/{A} b/{A}\nBinary files a/{A} and b/{A} differ\n", f"{A} is binary"),
        (
            header()
            + f"diff --git a/{A} b/compiler/rustc_a/src/x.rs\nrename from {A}\nrename to compiler/rustc_a/src/x.rs\n",
            "compiler/rustc_a/src/x.rs is renamed",
        ),
    ],
)
def test_what_is_wrong_with_a_patch(tmp_path: Path, text: str, problem: str) -> None:
    series = read_series(write(tmp_path / "patches", {"1.patch": text}), TESTS)
    assert len(series.problems) == 1
    assert series.problems[0].startswith(f"1.patch: {problem}")


def test_a_reason_in_place_of_a_reference(tmp_path: Path) -> None:
    text = header(Smoke_test="none; nothing is built without it", Upstream="none; ours") + DIFF
    series = read_series(write(tmp_path / "patches", {"1.patch": text}), ())
    assert series.problems == ()
    assert series.patches[0].smoke_tests == ()


@pytest.mark.parametrize(
    ("series", "problems"),
    [
        ("1.patch\n1.patch\n", ["series: 1.patch stands there 2 times: leave one line"]),
        (
            "1.patch\n2.patch # gone\n",
            ["series: 2.patch is no file of the folder: add it, or remove the line"],
        ),
        (
            "# nothing\n",
            [
                "series: it names no patch",
                "1.patch: a patch that the series does not name: name it in series, or remove it",
            ],
        ),
        ("1.patch\n../up.patch\n", ["series: ../up.patch is no file of the folder: add it, or remove the line"]),
    ],
)
def test_what_is_wrong_with_a_series(tmp_path: Path, series: str, problems: list[str]) -> None:
    write(tmp_path / "patches", {"1.patch": FIRST}, series)
    (tmp_path / "up.patch").write_text(FIRST)
    assert list(read_series(tmp_path / "patches", TESTS).problems) == problems


def test_stray_files(tmp_path: Path) -> None:
    write(tmp_path / "patches", {"1.patch": FIRST})
    (tmp_path / "patches/1.patch.orig").touch()
    assert read_series(tmp_path / "patches", TESTS).problems == (
        "1.patch.orig: no patch: name it in series, or remove it",
    )


def test_a_folder_without_series(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no file 'series'"):
        read_series(tmp_path, TESTS)


@needs_patch
def test_a_series_that_applies(tmp_path: Path, source: Path) -> None:
    assert apply_series(good(tmp_path), source, SubprocessRunner()) == ()
    assert (source / A).read_text() == "one\ntwo\nthree\n"


@needs_patch
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("zero\none\ntwo\nthree\n", "1.patch: Hunk #1 succeeded at 2 (offset 1 line)."),
        ("one\n2\nthree\n", "1.patch: Hunk #1 FAILED at 1."),
        ("ONE\ntwo\nthree\n", "1.patch: Hunk #1 FAILED at 1."),
    ],
)
def test_a_series_that_does_not_fit(tmp_path: Path, source: Path, content: str, said: str) -> None:
    (source / A).write_text(content)
    problems = apply_series(good(tmp_path), source, SubprocessRunner())
    assert said in problems
    if "FAILED" in said:
        assert problems[-1] == "1.patch: it does not apply; the patches after it were not tried"


@needs_patch
def test_a_file_that_is_there_cannot_be_added(tmp_path: Path, source: Path) -> None:
    (source / B).parent.mkdir(parents=True)
    (source / B).write_text("old\n")
    assert any(problem.startswith("2.patch: ") for problem in apply_series(good(tmp_path), source, SubprocessRunner()))


@needs_patch
def test_patches_that_were_applied_already(tmp_path: Path, source: Path) -> None:
    (source / A).write_text("one\nTWO\nTWO-AND-A-HALF\nthree\n")
    assert apply_series(good(tmp_path), source, SubprocessRunner())[-1].startswith("1.patch: it does not apply")


# The command


SMOKE = """
schema: 1
name: two
summary: a test
kind: cargo-run
command: [cargo, autodiff, run]
cells: ["*"]
oracle: oracle.py
tolerances: []
timeout_s: 1
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with a good series for a version that its cell has, and one for another; one smoke test."""
    root = write_project(tmp_path / "project")
    text = FIRST.replace("Smoke-test: one", "Smoke-test: group/two, two")
    (root / command.FOLDER).mkdir(parents=True)
    for version in ("1.96", "1.98"):
        write(root / command.FOLDER / version, {"1.patch": text})
    (root / "smoke_tests/group/two").mkdir(parents=True)
    (root / "smoke_tests/group/two/smoke.yaml").write_text(SMOKE)
    return root


def sources_of(source: Path, release: str) -> Path:
    """A folder with the same sources, of a release."""
    folder = source.parent / f"rustc-{release}"
    shutil.copytree(source, folder)
    (folder / "src").mkdir()
    (folder / "src/version").write_text(f"{release}\n")
    return folder


@needs_patch
def test_the_command(project: Path, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = project / "build/patches.json"
    first, second = sources_of(source, "1.96.0"), sources_of(source, "1.98.1")
    assert command.run(["--source", str(first), "--json", str(written)], project) == 0
    shown = capsys.readouterr().out
    assert "Rust 1.96: 1 patches, 0 problems; applied in order to rustc-1.96.0" in shown
    assert "Rust 1.98: 1 patches, 0 problems; not applied: no cell builds it" in shown
    data = json.loads(written.read_text())["series"]
    assert data["1.96"]["crates"] == {"compiler/rustc_a": {"files": 1, "added": 2, "removed": 1}}
    assert (data["1.96"]["source"], data["1.98"]["source"]) == ("rustc-1.96.0", None)
    (second / A).write_text("other\n")
    assert command.run(["--source", str(first), "--source", str(second)], project) == 1
    shown = capsys.readouterr().out
    assert "recipes/rustc/patches/1.98/1.patch: it does not apply" in shown
    assert "recipes/rustc/patches/1.96/1.patch" not in shown


def test_the_command_refuses_folders_that_it_cannot_use(project: Path, source: Path) -> None:
    with pytest.raises(UserError, match="does not hold rustc's sources"):
        command.run(["--source", str(source)], project)
    with pytest.raises(UserError, match=r"is Rust 1\.97\.0, and is not needed"):
        command.run(["--source", str(sources_of(source, "1.97.0"))], project)
    again = str(sources_of(source, "1.96.0"))
    with pytest.raises(UserError, match=r"is Rust 1\.96\.0, and is not needed"):
        command.run(["--source", again, "--source", again], project)


def test_our_series_are_well_formed(root: Path) -> None:
    for version, series in read_all(root / command.FOLDER, command.smoke_tests(root)).items():
        assert series.problems == (), version


class CopyingEngine(FakeEngine):
    """Gives what a build would copy out of the sources."""

    def __init__(self, source: Path) -> None:
        super().__init__()
        self.source = source

    def build(self, request: BuildRequest, **rest: object) -> str:
        assert request.output is not None
        text = (request.context / "Dockerfile").read_text()
        self.builds.append(Build(stage="copy", request=request, text=text))
        for path in (request.context / "paths").read_text().splitlines():
            if (self.source / path).is_file():
                (request.output / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.source / path, request.output / path)
        return ""


def test_sources_of_a_stage(tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = CopyingEngine(source)
    root = write_project(tmp_path / "project")
    session = good_session(Project(root), tmp_path / "state", engine)
    monkeypatch.setattr(sources, "SOURCE_STAGE", "rustc")
    assert sources.source_node(session, "1.98") is None
    with pytest.raises(UserError, match=r"stage rustc of distro-1\.96-host is not built") as caught:
        sources.source_node(session, "1.96")
    assert "nox -s build-image -- distro-1.96-host" in str(caught.value.fix)
    node: Node = next(node for node in graph_of(Project(root)).nodes.values() if node.stage.name == "rustc")
    engine.put(node.image, node.build_labels())
    found = sources.source_node(session, "1.96")
    assert found is not None and found.image == node.image
    place = tmp_path / "place"
    place.mkdir()
    result = sources.copy_sources(session, node, [A, B], place)
    assert [str(path.relative_to(result)) for path in result.rglob("*") if path.is_file()] == [A]
    assert f"from={node.image},source=/rustc" in engine.builds[-1].text
    assert engine.builds[-1].text.startswith(f"FROM {node.needs['base'].image} AS pick\n")
