"""What the project's own recipes give, at a small resolution that never changes: relocking leaves these files alone.

Pins, recipes and images are the project's own. The sources of crates are not: what they hold is not rendered.
"""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from tests.conftest import ROOT
from tests.fakes import deb, digest_of

from holoenzyme.build.contexts import render_cells
from holoenzyme.matrix.model import MATRIX_NAME, load_matrix
from holoenzyme.matrix.recipe import PackageSet
from holoenzyme.resolve.model import LockedBase, LockedSet, Resolution, place, write_lock
from holoenzyme.resolve.pinned import crate_in_lockfile, wheel_in_requirements
from holoenzyme.session import Project

CELL = "distro-1.96-host"
#: A cell of the patched channel, with all that a cell can have.
PATCHED = "patched-1.96-sm_90"
#: A cell with packages of a suite beside its base's own.
NEWER = "distro-1.98-host"
#: One of the patched channel with that Rust.
NEWER_PATCHED = "patched-1.98-host"
Golden = Callable[[str, str], None]


def fixed_resolution(project: Project) -> Resolution:
    """Each set with what it asks for and libLLVM, at the pinned upstream versions and revision 1."""
    pins = {name: pin.version for name, pin in project.matrix.package_pins.items()}

    def version(name: str) -> str:
        epoch = "1:" if "22" in name else ""
        return f"{epoch}{pins.get(name, '1.0')}-1"

    def locked(item: PackageSet) -> LockedSet:
        named = {name for names in item.suites.values() for name in names}
        packages = {
            name: deb(version(name), digest_of(name)).model_copy(update={"suite": item.suite_of(name)})
            for name in sorted({*item.roots, *named, "libllvm22"})
        }
        return LockedSet(roots=item.roots, packages=packages, suites=dict.fromkeys(item.suites, date(2026, 10, 30)))

    sets: dict[str, dict[str, LockedSet]] = {}
    for cell in project.matrix.supported():
        items = project.cookbook.package_sets(cell).items()
        sets.setdefault(place(cell.base, cell.arch), {}).update({key: locked(item) for key, item in items})
    base = LockedBase(
        image="debian:bookworm-slim",
        digest=None,
        include=tuple(project.cookbook.base_rule().include),
        packages={"apt": "2.6.2", "libc6": "2.36-9+deb12u1"},
    )
    lockfile = "recipes/enzyme/vendor/Cargo.lock"
    crate = crate_in_lockfile((project.root / lockfile).read_text(), "diffsl", lockfile)
    lockfile, name = "recipes/cuda-tools/requirements.txt", "nvidia-cuda-nvcc"
    return Resolution(
        bases=dict.fromkeys(sets, base),
        sets=sets,
        crates={"diffsl": crate},
        wheels={name: wheel_in_requirements((project.root / lockfile).read_text(), name, lockfile)},
    )


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `nox -s render` writes cells to."""
    source = Path(__file__).resolve().parents[2]
    root = tmp_path_factory.mktemp("project")
    for name in ("recipes", "images"):
        shutil.copytree(source / name, root / name, ignore=shutil.ignore_patterns("target"))
    shutil.copy(source / "matrix.yaml", root)
    for manifest in (source / "crates").glob("*/Cargo.toml"):
        (root / "crates" / manifest.parent.name).mkdir(parents=True)
        (root / "crates" / manifest.parent.name / "Cargo.toml").write_text("[package]\n")
    for name in ("Cargo.toml", "Cargo.lock"):
        (root / "crates" / name).write_text("[workspace]\n")
    project = Project(root)
    write_lock(root / "matrix.lock", fixed_resolution(project))
    render_cells(project, [project.matrix.cell(cell) for cell in (CELL, PATCHED, NEWER, NEWER_PATCHED)], root / "out")
    return root / "out"


@pytest.fixture
def rendered(out: Path) -> Path:
    """What is rendered for the default cell."""
    return out / CELL


@pytest.fixture
def patched(out: Path) -> Path:
    """What is rendered for the cell of the patched channel."""
    return out / PATCHED


@pytest.fixture
def newer(out: Path) -> Path:
    """What is rendered for the cell with packages of another suite."""
    return out / NEWER


@pytest.fixture
def newer_patched(out: Path) -> Path:
    """What is rendered for the cell of the patched channel with that Rust."""
    return out / NEWER_PATCHED


def test_every_stage_has_a_folder(rendered: Path) -> None:
    numbers = [path.name.split("-")[0] for path in sorted(rendered.iterdir()) if path.is_dir()]
    assert numbers == [f"{number:02}" for number in range(len(numbers))]
    packages = {"packages-rustc", "packages-llvm", "packages-enzyme-source", "packages-rust-lint"}
    stages = {"base", "stage0", "rustc", "enzyme-source", "enzyme", "crates", "clippy", "toolchain"}
    names = sorted(path.name.partition("-")[2] for path in rendered.iterdir() if path.is_dir())
    assert names == sorted(packages | stages)


def dockerfile(folder: Path, stage: str) -> str:
    """A stage's Dockerfile, without the hashes in names of images: that they are right is another test's."""
    (path,) = folder.glob(f"[0-9][0-9]-{stage}/Dockerfile")
    return re.sub(r"(holoenzyme/stage/[a-z0-9-]+):[0-9a-f]{16}", r"\1:HASH", path.read_text())


@pytest.mark.parametrize(
    "stage", ["packages-rustc", "packages-llvm", "stage0", "rustc", "enzyme-source", "enzyme", "crates", "toolchain"]
)
def test_dockerfiles(rendered: Path, golden: Golden, stage: str) -> None:
    golden("Dockerfile", dockerfile(rendered, stage))


@pytest.mark.parametrize(
    "stage", ["rustc-source", "rustc-build", "rustdoc", "rustc", "crates", "cuda-tools", "toolchain"]
)
def test_dockerfiles_of_the_patched_channel(patched: Path, golden: Golden, stage: str) -> None:
    golden("Dockerfile", dockerfile(patched, stage))


@pytest.mark.parametrize("stage", ["packages-rustc", "packages-llvm", "stage0", "rustc", "clippy"])
def test_dockerfiles_of_a_newer_rust(newer: Path, golden: Golden, stage: str) -> None:
    golden("Dockerfile", dockerfile(newer, stage))


@pytest.mark.parametrize("stage", ["rustc-source", "rustc"])
def test_dockerfiles_of_a_newer_patched_rust(newer_patched: Path, golden: Golden, stage: str) -> None:
    golden("Dockerfile", dockerfile(newer_patched, stage))


@pytest.mark.parametrize("stage", ["packages-rustc", "packages-rust-lint"])
def test_the_preferences_of_apt(newer: Path, golden: Golden, stage: str) -> None:
    (folder,) = newer.glob(f"[0-9][0-9]-{stage}/suites")
    assert sorted(path.name for path in folder.iterdir()) == ["experimental.list", "preferences"]
    golden("preferences", (folder / "preferences").read_text())
    golden("experimental.list", (folder / "experimental.list").read_text())


def test_where_nothing_comes_from_another_suite_apt_does_not_know_of_any(out: Path) -> None:
    with_suites = {f"{path.parent.parent.name}/{path.parent.name[3:]}" for path in out.glob("*/*/suites")}
    expected = {
        NEWER: ("packages-rustc", "packages-rust-lint"),
        NEWER_PATCHED: ("packages-rustc", "packages-rustc-source"),
    }
    assert with_suites == {f"{cell}/{stage}" for cell, stages in expected.items() for stage in stages}
    for path in out.glob("*/*/Dockerfile"):
        assert ("experimental" in path.read_text()) == (path.parent / "suites").is_dir(), path


def test_the_configuration_of_rustcs_build(patched: Path, golden: Golden) -> None:
    (path,) = patched.glob("[0-9][0-9]-rustc-build/recipe/bootstrap.toml")
    tomllib.loads(path.read_text())
    golden("bootstrap.toml", path.read_text())


@pytest.mark.parametrize("cell", [PATCHED, NEWER_PATCHED])
def test_the_facts_of_the_toolchain(out: Path, golden: Golden, cell: str) -> None:
    """Without the versions of PTX, which grow with the targets: they are those of the matrix."""
    (path,) = out.glob(f"{cell}/[0-9][0-9]-rustc/toolchain.json")
    facts = json.loads(path.read_text())
    assert facts.pop("ptx") == dict(load_matrix(ROOT / MATRIX_NAME).ptx_features)
    golden("toolchain.json", json.dumps(facts, indent=2) + "\n")


@pytest.mark.parametrize("cell", [PATCHED, NEWER_PATCHED])
def test_rustcs_build_gets_every_patch(out: Path, cell: str) -> None:
    (folder,) = out.glob(f"{cell}/[0-9][0-9]-rustc-build/recipe/patches")
    names = (folder / "series").read_text().split()
    assert sorted([*names, "series"]) == sorted(path.name for path in folder.iterdir())


def test_cells_share_all_that_no_patch_touches(rendered: Path, patched: Path) -> None:
    for stage in ("stage0", "enzyme", "packages-llvm"):
        assert dockerfile(rendered, stage) == dockerfile(patched, stage)


@pytest.mark.parametrize(
    ("stage", "file"), [("packages-llvm", "packages.sha256"), ("stage0", "exclude.conf"), ("base", "packages")]
)
def test_generated_files(rendered: Path, golden: Golden, stage: str, file: str) -> None:
    (path,) = rendered.glob(f"[0-9][0-9]-{stage}/{file}")
    golden(file, path.read_text())


def test_the_script_of_plain_builds(rendered: Path, golden: Golden) -> None:
    script = rendered / "build.sh"
    assert script.stat().st_mode & 0o777 == 0o755
    text = re.sub(r"\b[0-9a-f]{64}\b", "SHA256", script.read_text())
    golden("build.sh", re.sub(r"(holoenzyme/stage/[a-z0-9-]+):[0-9a-f]{16}", r"\1:HASH", text))


def test_each_image_that_a_dockerfile_names_is_built_before_it(rendered: Path) -> None:
    names = re.compile(r"holoenzyme/stage/[a-z0-9-]+:[0-9a-f]{16}")
    lines = (rendered / "build.sh").read_text().splitlines()
    order = [names.findall(line)[0] for line in lines if line.startswith("if ! docker image inspect")]
    folders = [path for path in sorted(rendered.iterdir()) if path.is_dir()]
    assert len(order) == len(folders) == len(set(order))
    for number, folder in enumerate(folders):
        used = set(names.findall((folder / "Dockerfile").read_text())) if number else set()
        assert used <= set(order[:number]), folder.name
        assert order[number] not in used
