"""Build contexts: folders with a Dockerfile, and the files that it copies."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from holoenzyme.build.planner import graph_of
from holoenzyme.engine.bootstrap import bootstrap_argv
from holoenzyme.matrix.model import Cell
from holoenzyme.plan.graph import Node
from holoenzyme.render.contexts import ScriptStage, build_script
from holoenzyme.render.stages import StageKind
from holoenzyme.session import Project


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
    images = graph_of(project, cells, project.lock.resolution()).images
    folders = []
    for cell, image in zip(cells, images, strict=True):
        stages = []
        for number, node in enumerate(image.below):
            folder = f"{number:02}-{node.stage.name}"
            if node.stage.kind is StageKind.BASE:
                suite = project.matrix.bases[node.stage.base].suite
                packages = "".join(f"{name} {version}\n" for name, version in sorted(node.stage.resolved.items()))
                (out / cell.id / folder).mkdir(parents=True, exist_ok=True)
                (out / cell.id / folder / "packages").write_text(packages, encoding="utf-8")
                command = bootstrap_argv(project.cookbook.base_rule(), node.stage.base, suite, "base.tar")
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


def write_context(folder: Path, node: Node) -> None:
    """Write a stage's build context: its Dockerfile with real image names, and the files that it copies."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text(node.dockerfile, encoding="utf-8")
    for name, file in node.stage.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        path.chmod(0o755 if file.executable else 0o644)
    # The same bytes must give the same layers: BuildKit's cache looks at modes, never at times.
    for path in folder.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
