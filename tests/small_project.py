"""A project folder that is as small as it goes and has every kind of thing: two cells that share stages, two sets of
packages, copied files, a contract, and a proof with one number."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from tests.fakes import Answer, FakeEngine, FakeRunner, contract_output, deb, digest_of, mmdebstrap

from holoenzyme.build import planner
from holoenzyme.matrix.model import Cell
from holoenzyme.matrix.select import select_ready
from holoenzyme.plan.graph import Graph, Node
from holoenzyme.process import Runner
from holoenzyme.prove.images import ProvedCell, build_cells
from holoenzyme.resolve.model import LockedBase, LockedCrate, LockedPackage, LockedSet, Resolution, write_lock
from holoenzyme.session import Project, Session

CELL = "distro-1.96-host"
OTHER = "distro-1.96-sm_90"
#: Of a project with `write_kinds`: a cell of the same kind as `OTHER`.
THIRD = "distro-1.96-sm_80"
NAME = f"holoenzyme/toolchain:{CELL}"
PLACE = "bookworm-x86_64"

_FILES = {
    "matrix.yaml": """
schema: 1
defaults: {cell: distro-1.96-host, base: bookworm, arch: x86_64}
architectures:
  x86_64: {debian: amd64, triple: x86_64-unknown-linux-gnu}
bases:
  bookworm: {distribution: debian, suite: bookworm, release: "12", image: "debian:bookworm-slim", status: supported}
rust:
  "1.96": {release: 1.96.0, llvm: "22", packages: {rustc: rustc-web}}
llvm:
  "22": {release: 22.1.8, packages: [llvm-22-dev, libllvm22]}
channels:
  distro: {summary: packages, rust: ["1.96"], status: supported}
  patched: {summary: from source, rust: ["1.96"], status: planned, reason: later}
targets:
  host: {summary: a processor, kind: cpu}
  sm_90: {summary: a card, kind: cuda, triple: nvptx64-nvidia-cuda}
pins:
  crates:
    diffsl: {version: 0.12.5}
  wheels: {}
tolerances:
  exact: {relative: 1.0e-6, reason: six digits}
constraints: []
cells:
  - id: distro-1.96-host
    channel: distro
    rust: "1.96"
    target: host
    status: supported
    budget: {compressed_mb: 200, build_minutes: 10}
  - id: distro-1.96-sm_90
    channel: distro
    rust: "1.96"
    target: sm_90
    status: supported
    budget: {compressed_mb: 200, build_minutes: 10}
  - {id: patched-1.96-host, channel: patched, rust: "1.96", target: host, status: planned, reason: no recipe}
  - {id: patched-1.96-sm_90, channel: patched, rust: "1.96", target: sm_90, status: planned, reason: no recipe}
""",
    "recipes/base/recipe.yaml": """
schema: 1
name: base
summary: root file system
channels: [distro, patched]
redistributable: true
base:
  variant: minbase
  include: {ca-certificates: https}
  exclude_paths: [/usr/share/man/*]
  include_paths: [/usr/share/doc/*/copyright]
""",
    "recipes/packages/recipe.yaml": """
schema: 1
name: packages
summary: downloaded packages
channels: [distro, patched]
redistributable: true
package_template: stage.Dockerfile.j2
""",
    "recipes/packages/stage.Dockerfile.j2": """# {{ generator }}
FROM {{ image("base") }} AS download
COPY packages.sha256 /packages/
RUN fetch {{ set }}{% for package in packages %} {{ package.name }}={{ package.version }}{% endfor %}
FROM scratch
COPY --from=download /packages /packages
""",
    "recipes/rustc/recipe.yaml": """
schema: 1
name: rustc
summary: Rust
channels: [distro]
redistributable: true
packages:
  rustc: [rustc-web]
stages:
  - name: rustc
    template: stage.Dockerfile.j2
    needs: [base, packages-rustc]
    axes: [channel, rust, base, arch]
    values:
      exclude: [{path: /usr/bin/gold, reason: not used}]
""",
    "recipes/rustc/stage.Dockerfile.j2": """# {{ generator }}
FROM {{ image("base") }}
COPY exclude.conf /etc/dpkg/dpkg.cfg.d/rustc
RUN --mount=type=bind,from={{ image("packages-rustc") }},target=/packages install {{ rust.release }}
""",
    "recipes/enzyme/recipe.yaml": """
schema: 1
name: enzyme
summary: Enzyme
channels: [distro]
redistributable: true
packages:
  llvm: [llvm-22-dev]
stages:
  - name: enzyme
    template: stage.Dockerfile.j2
    needs: [base, packages-llvm]
    axes: [rust, base, arch]
    files:
      - {from: recipes/enzyme/vendor, to: vendor}
""",
    "recipes/enzyme/stage.Dockerfile.j2": """# {{ generator }}
FROM {{ image("base") }} AS build
RUN --mount=type=bind,from={{ image("packages-llvm") }},target=/packages build {{ pins.crates.diffsl.version }}
FROM scratch
COPY --from=build /result /
""",
    "recipes/enzyme/vendor/Cargo.lock": """
[[package]]
name = "diffsl"
version = "0.12.5"
checksum = "abc"
""",
    "recipes/enzyme/vendor/build.sh": "make\n",
    "images/toolchain/image.yaml": """
schema: 1
name: toolchain
summary: compiles
template: Dockerfile.j2
needs: [rustc, enzyme]
axes: [channel, rust, target, base, arch]
user: "65532:65532"
workdir: /src
labels: {org.opencontainers.image.title: toolchain}
contract:
  - {name: rustc, run: "rustc --version", expect: "rustc {{ rust.release }}"}
  - {name: licence, run: "cat /usr/share/doc/libllvm{{ llvm.major }}/copyright", expect: ""}
""",
    "images/toolchain/Dockerfile.j2": """# {{ generator }}
FROM {{ image("rustc") }}
COPY --from={{ image("enzyme") }} / /
ENV TARGET={{ target }}
USER {{ image_kind.user }}
""",
    "smoke_tests/tiny/smoke.yaml": """
schema: 1
name: tiny
summary: one number
kind: cargo-run
command: [cargo, autodiff, run]
cells: ["*"]
oracle: oracle.py
tolerances: [exact]
timeout_s: 5
proof: true
""",
    "smoke_tests/tiny/oracle.py": 'VALUES = {"pi": [3.14159265]}\nVALUES_TOLERANCE = "exact"\n',
    "smoke_tests/tiny/src/main.rs": "fn main() {}\n",
}

#: Of a project with `write_suites`: a cell with packages of the suite `later`.
NEWER = "distro-1.98-host"
#: The base's packages, as they are locked.
BASE = {"libc6": "2.36-9+deb12u1", "apt": "2.6.2"}


def locked(base: Mapping[str, str] | None = None, **versions: str) -> Resolution:
    """The resolution of the lock, or one with other versions: `rustc_web="1.96.0-2"`."""
    names = {
        "rustc": {"rustc-web": "1.96.0-1", "libllvm22": "1:22.1.8-1"},
        "llvm": {"llvm-22-dev": "1:22.1.8-1", "libllvm22": "1:22.1.8-1"},
    }
    changed = {name.replace("_", "-"): version for name, version in versions.items()}
    roots = {"rustc": ("rustc-web",), "llvm": ("llvm-22-dev",)}
    sets = {
        name: LockedSet(
            roots=roots[name],
            packages={
                package: deb(changed.get(package, version), digest_of(f"{package} {changed.get(package, version)}"))
                for package, version in packages.items()
            },
        )
        for name, packages in names.items()
    }
    image = LockedBase(
        image="debian:bookworm-slim", digest=None, include=("ca-certificates",), packages=dict(base or BASE)
    )
    crate = LockedCrate(version="0.12.5", checksum="abc", lockfile="recipes/enzyme/vendor/Cargo.lock")
    return Resolution(bases={PLACE: image}, sets={PLACE: sets}, crates={"diffsl": crate})


def write_project(root: Path) -> Path:
    """Write the project into a folder and return it."""
    for name, text in _FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"), encoding="utf-8")
    (root / "recipes/enzyme/vendor/build.sh").chmod(0o755)
    write_lock(root / "matrix.lock", locked())
    return root


def write_kinds(root: Path) -> Path:
    """Write a project whose images depend on the kind of target and differ in nothing, with two cells for cuda."""
    write_project(root)
    edit(
        root / "matrix.yaml",
        "  sm_90: {summary",
        "  sm_80: {summary: an older card, kind: cuda, triple: nvptx64-nvidia-cuda}\n  sm_90: {summary",
    )
    edit(
        root / "matrix.yaml",
        "  - {id: patched-1.96-host,",
        f'  - {{id: {THIRD}, channel: distro, rust: "1.96", target: sm_80, status: supported,'
        " budget: {compressed_mb: 200, build_minutes: 10}}\n"
        '  - {id: patched-1.96-sm_80, channel: patched, rust: "1.96", target: sm_80, status: planned, reason: later}\n'
        "  - {id: patched-1.96-host,",
    )
    edit(root / "images/toolchain/image.yaml", "rust, target,", "rust, kind,")
    edit(root / "images/toolchain/Dockerfile.j2", "ENV TARGET={{ target }}", "# For {{ kind }}.")
    return root


def write_suites(root: Path) -> Path:
    """Write a project with two versions of Rust, of which the newer comes from a suite beside the base's own."""
    write_project(root)
    matrix, recipe = root / "matrix.yaml", root / "recipes/rustc/recipe.yaml"
    edit(matrix, "rust:\n", "suites:\n  later: {codename: late, moves: it moves}\nrust:\n")
    edit(
        matrix,
        "llvm:\n  ",
        '  "1.98": {release: 1.98.0, llvm: "22", packages: {rustc: rustc, std: libstd}}\nllvm:\n  ',
    )
    edit(matrix, 'packages, rust: ["1.96"]', 'packages, rust: ["1.96", "1.98"]')
    edit(
        matrix,
        "  - {id: patched-1.96-host,",
        f'  - {{id: {NEWER}, channel: distro, rust: "1.98", target: host, suites: [later], status: supported,'
        " budget: {compressed_mb: 200, build_minutes: 10}}\n"
        '  - {id: distro-1.98-sm_90, channel: distro, rust: "1.98", target: sm_90, status: planned, reason: later}\n'
        "  - {id: patched-1.96-host,",
    )
    edit(
        recipe,
        "packages:\n  rustc: [rustc-web]\n",
        "packages_for:\n  rustc:\n"
        '    - {rust: ["1.96"], packages: [rustc-web]}\n'
        '    - {rust: ["1.98"], packages: [rustc], suites: {later: [rustc, libstd]}}\n',
    )
    edit(
        root / "recipes/packages/stage.Dockerfile.j2",
        "RUN fetch",
        "{% if suites %}COPY suites /suites\n{% endif %}RUN fetch",
    )
    write_lock(root / "matrix.lock", locked_suites())
    return root


def locked_suites(**versions: str) -> Resolution:
    """What such a project has locked, or other versions: `rustc="1.98.0-2"`."""
    own = locked(None, **versions)
    changed = {name.replace("_", "-"): version for name, version in versions.items()}

    def file(name: str, version: str, suite: str | None) -> LockedPackage:
        version = changed.get(name, version)
        return deb(version, digest_of(f"{name} {version}")).model_copy(update={"suite": suite})

    newer = LockedSet(
        roots=("rustc",),
        packages={
            "libllvm22": file("libllvm22", "1:22.1.8-1", None),
            "libstd": file("libstd", "1.98.0-1", "later"),
            "rustc": file("rustc", "1.98.0-1", "later"),
        },
        suites={"later": date(2026, 10, 30)},
    )
    sets = {"llvm": own.sets[PLACE]["llvm"], "rustc/1.96": own.sets[PLACE]["rustc"], "rustc/1.98": newer}
    return own.model_copy(update={"sets": {PLACE: sets}})


def edit(path: Path, old: str, new: str) -> None:
    """Replace text in a file, where it is there."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path} has no {old!r}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def good_engine() -> FakeEngine:
    """An engine without images, with an archive that has what is locked, whose containers say what is right."""
    engine = FakeEngine()
    for packages in locked_suites().sets[PLACE].values():
        for name, package in packages.packages.items():
            engine.archive.offer(name, package.version)
    needs = {"rustc-web": ("libllvm22",), "llvm-22-dev": ("libllvm22",), "rustc": ("libstd", "libllvm22")}
    engine.archive.needs = needs
    engine.archive.suites = {"rustc": "later", "libstd": "later"}
    engine.answers = {
        "packages": Answer(stdout="".join(f"{name} {version}\n" for name, version in BASE.items())),
        "identity": identity(),
        "contract": Answer(stdout=contract_output(("rustc 1.96.0 (x)", 0), ("", 0))),
        "compile": Answer(stderr="Finished\n"),
        "run": printed(3.14159265),
    }
    return engine


def printed(number: float) -> Answer:
    """What the proof's program prints."""
    return Answer(stdout=json.dumps({"case": "pi", "values": [number]}) + '\n{"done": 1}\n')


def identity(*build_ids: str) -> Answer:
    """What an image says of its libLLVM: rustc's, libEnzyme's, and the one that libEnzyme was built against."""
    who = ("rustc", "libEnzyme", "libEnzyme when it was built")
    lines = [
        json.dumps({"who": name, "soname": "libLLVM.so.22.1", "build_id": build_id})
        for name, build_id in zip(who, build_ids or ("b1", "b1", "b1"), strict=False)
    ]
    return Answer(stdout="\n".join([*lines, "rustc 1.96.0 (x)", "release: 1.96.0", "cargo 1.96.0", ""]))


def good_session(
    project: Project, state: Path, engine: FakeEngine | None = None, runner: Runner | None = None
) -> Session:
    """A session on a machine where everything works."""
    return Session(
        project=project,
        engine=engine or good_engine(),
        runner=runner or FakeRunner(programs={"mmdebstrap": mmdebstrap}),
        state=state,
        environ={},
        say=lambda text: None,
    )


def graph_of(project: Project, resolution: Resolution | None = None, *cells: str) -> Graph:
    """The graph of some cells (the default one) at a resolution (the lock's)."""
    return planner.graph_of(project, cells_of(project, *cells), resolution or locked())


def cells_of(project: Project, *patterns: str) -> tuple[Cell, ...]:
    """The cells that can be built of those that patterns match, or the default one."""
    return select_ready(project.matrix, patterns, lambda text: None)


def image_of(project: Project, resolution: Resolution | None = None, cell: str = CELL) -> Node:
    """The node of a cell's image."""
    (node,) = graph_of(project, resolution, cell).images
    return node


def build(
    session: Session, patterns: Sequence[str], *, rebuild: bool = False, prove_again: bool = False
) -> list[ProvedCell]:
    """Build and prove the cells that patterns match, or the default one."""
    cells = cells_of(session.project, *patterns)
    return list(build_cells(session, cells, rebuild=rebuild, prove_again=prove_again))


def seed(engine: FakeEngine, graph: Graph, *stages: str) -> None:
    """Have the images of some stages, or of all."""
    for node in graph.nodes.values():
        if not stages or node.stage.name in stages:
            engine.put(node.image, node.build_labels())
