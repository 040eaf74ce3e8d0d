"""Rustc's sources, out of the stage that patched images are built from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from holoenzyme.build.planner import plan_cells
from holoenzyme.engine.base import BuildRequest
from holoenzyme.errors import UserError
from holoenzyme.plan.graph import Node
from holoenzyme.session import Session

#: The stage that holds rustc's sources without our patches, and where in it they stand.
SOURCE_STAGE, SOURCE_FOLDER = "rustc-source", "/rustc"
_COPY_TIMEOUT = 600.0


def source_node(session: Session, rust: str) -> Node | None:
    """The stage with the sources of a version of Rust, or nothing where no cell has it.

    Raises `UserError` where it is not built.
    """
    cells = [cell for cell in session.project.matrix.supported() if cell.rust == rust]
    found = None
    for cell in cells:
        nodes = plan_cells(session, [cell]).graph.nodes.values()
        for node in nodes:
            if node.stage.name == SOURCE_STAGE:
                found = found or cell.id
                if session.engine.image(node.image) is not None:
                    return node
    if found is None:
        return None
    raise UserError(
        f"the sources of rustc {rust} are not there: stage {SOURCE_STAGE} of {found} is not built",
        fix=f"run `nox -s build-image -- {found}`, or name unpacked sources with --source DIR",
    )


def copy_sources(session: Session, node: Node, paths: Sequence[str], place: Path) -> Path:
    """Copy those of the files `paths` that the stage has into a folder below `place`, and return it.

    The stage's image holds only files, so a step of a build copies them out.
    """
    context, result = place / "context", place / "result"
    context.mkdir()
    (context / "paths").write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
    (context / "Dockerfile").write_text(
        f"""FROM {node.needs["base"].image} AS pick
COPY paths /paths
RUN --mount=type=bind,from={node.image},source={SOURCE_FOLDER},target=/source \\
    mkdir /picked; cd /source; \\
    while read -r path; do if [ -f "$path" ]; then cp --parents "$path" /picked; fi; done < /paths
FROM scratch
COPY --from=pick /picked /
""",
        encoding="utf-8",
    )
    request = BuildRequest(context=context, labels={}, secrets=(), timeout=_COPY_TIMEOUT, output=result)
    session.engine.build(request, on_line=lambda line: None, log_file=place / "copy.log")
    return result
