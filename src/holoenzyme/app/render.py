"""`render`: write the build contexts of cells, with a script that builds the same images without us."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from holoenzyme import console
from holoenzyme.app.building import write_context
from holoenzyme.engine.bootstrap import bootstrap_argv
from holoenzyme.errors import ExitCode
from holoenzyme.matrix.model import Cell
from holoenzyme.render.contexts import ScriptStage, build_script
from holoenzyme.render.stages import StageKind
from holoenzyme.session import Project


def run(argv: list[str], root: Path) -> int:
    """`render [CELL ...]`: write contexts below `--out`, one folder a cell."""
    parser = argparse.ArgumentParser(prog="render", description="Write build contexts and a script of plain builds.")
    parser.add_argument("cells", nargs="*", metavar="CELL", help="ids or patterns; without one the default cell")
    parser.add_argument("--out", default="build/render", metavar="DIR", help="where to write (default: build/render)")
    arguments = parser.parse_args(argv)
    project = Project(root)
    out = Path(arguments.out) if Path(arguments.out).is_absolute() else root / arguments.out
    for folder in render_cells(project, project.cells(arguments.cells), out):
        console.say(f"written; build it by hand with: sh {folder / 'build.sh'}")
        print(folder)
    return ExitCode.OK


def render_all(root: Path, out: Path) -> tuple[Path, ...]:
    """Render every image of every cell that can be built; returns the Dockerfiles. For linters."""
    found: list[Path] = []
    for image in Project(root).cookbook.images:
        project = Project(root, image=image.name)
        for folder in render_cells(project, project.buildable(), out / image.name):
            found += sorted(folder.glob("*/Dockerfile"))
    return tuple(found)


def render_cells(project: Project, cells: Sequence[Cell], out: Path) -> tuple[Path, ...]:
    """Write the contexts of cells at the versions of the lock; returns a folder for each cell."""
    graph = project.graph(cells, project.lock.resolution())
    folders = []
    for cell in cells:
        below = graph.below(graph.images[cell.id])
        nodes = [node for key, node in graph.nodes.items() if key in below]
        stages = []
        for number, node in enumerate(nodes):
            folder = f"{number:02}-{node.stage.name}"
            if node.stage.kind is StageKind.BASE:
                suite = project.matrix.bases[node.stage.base].suite
                packages = "".join(f"{name} {version}\n" for name, version in sorted(node.stage.resolved.items()))
                (out / cell.id / folder).mkdir(parents=True, exist_ok=True)
                (out / cell.id / folder / "packages").write_text(packages, encoding="utf-8")
                command = bootstrap_argv(project.cookbook.base_rule(), suite, "base.tar")
                stages.append(
                    ScriptStage(folder=folder, image=node.image, labels=node.build_labels(), base_command=command)
                )
                continue
            write_context(out / cell.id / folder, node)
            stages.append(ScriptStage(folder=folder, image=node.image, labels=node.build_labels()))
        script = out / cell.id / "build.sh"
        script.write_text(build_script(cell.id, stages), encoding="utf-8")
        script.chmod(0o755)
        folders.append(out / cell.id)
    return tuple(folders)
