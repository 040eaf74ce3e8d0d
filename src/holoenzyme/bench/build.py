"""Figures of builds for `bench build`. Each function leaves the engine as it was, whatever happens."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import sys
import tarfile
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from holoenzyme.build.planner import Planner, plan_cells
from holoenzyme.build.progress import Board, board
from holoenzyme.build.resolver import resolve
from holoenzyme.build.scheduler import carry_out
from holoenzyme.engine.base import RunRequest
from holoenzyme.errors import UserError
from holoenzyme.evidence.record import Record
from holoenzyme.matrix.model import Cell, Matrix
from holoenzyme.matrix.recipe import Cookbook
from holoenzyme.plan.decide import Existing, Inventory, decide
from holoenzyme.plan.graph import Graph, Node, build_graph
from holoenzyme.process import Command
from holoenzyme.prove.proof import proof_of, prove
from holoenzyme.render.stages import MARK_LABEL, ProjectFiles, Renderer, StageKind
from holoenzyme.report.bench_table import Figure, Part, critical_path, largest_parts, layer_names, median
from holoenzyme.resolve.model import Resolution, place
from holoenzyme.session import Project, Session
from holoenzyme.store import ImageSize, StageRef, StoreSet, create_store, measure

CELLS = 1000
#: Goals in seconds: for the plan of 1,000 cells, for a build with nothing to do, and to the first checked derivative.
_PLAN_GOAL, _NOOP_GOAL, _COLD_GOAL, _STORE_GOAL = 0.5, 1.0, 300.0, 60.0
_STEPS = "steps of the proof, s"
_FILES = r"find / -xdev -type f -printf '%i %s %p\n'; echo =====; "
_FILES += 'cd /var/lib/dpkg/info; for list in *.list; do echo "=${list%.list}"; cat "$list"; done'


@dataclass(kw_only=True)
class MeasuredCell:
    """The cell whose image is measured, and the session to measure it with."""

    session: Session
    cell: Cell
    size: ImageSize | None = None

    def part(
        self, name: str, figures: Sequence[Figure], load: float, details: Mapping[str, Sequence[tuple[str, float]]]
    ) -> Part:
        """The part with these figures, as of now."""
        return Part(
            name=name,
            measured=datetime.now(UTC).isoformat(timespec="seconds"),
            load=load,
            figures=tuple(figures),
            details=details,
        )

    def built(self) -> Node:
        """The node of the cell's image; raises `UserError` where it is not built."""
        (node,) = plan_cells(self.session, [self.cell]).graph.images
        if self.session.engine.image(node.image) is None:
            raise UserError(
                f"{self.cell.id} is not built as it would be now",
                fix=f"run `nox -s build-image -- {self.cell.id}` first",
            )
        return node


def _load() -> float:
    return round(os.getloadavg()[0], 2)


def measure_plan(bench: MeasuredCell) -> Part:
    """The plan of 1,000 cells that do not exist, with every stage rendered and hashed."""
    load = _load()
    matrix, resolution, cells = synthetic(
        bench.session.project.matrix, bench.session.project.lock.resolution(), bench.cell, CELLS
    )
    cookbook, root = packages_everywhere(bench.session.project.cookbook, bench.cell), bench.session.project.root

    def graph_of() -> Graph:
        renderer = Renderer(matrix, cookbook, resolution, ProjectFiles(root))
        return build_graph(renderer.stages(cell) for cell in cells)

    def seconds(inventory: Inventory) -> float:
        start = time.perf_counter()
        decide(graph_of(), inventory)
        return time.perf_counter() - start

    graph = graph_of()
    how = f"{len(graph.nodes)} stages rendered, hashed and decided, matrix and lock read before; median of 5"
    figures = [
        Figure(
            name=f"{len(cells)} cells, {name}",
            value=median(partial(seconds, inventory)),
            unit="s",
            how=how,
            goal=_PLAN_GOAL,
        )
        for name, inventory in (
            ("nothing built", Inventory()),
            ("everything built", Inventory(local=[_existing(node, node.input_hash) for node in graph.nodes.values()])),
            ("everything out of date", Inventory(local=[_existing(node, "0" * 64) for node in graph.nodes.values()])),
        )
    ]
    return bench.part("plan", figures, load, {})


def packages_everywhere(cookbook: Cookbook, cell: Cell) -> Cookbook:
    """The recipes, with the sets of packages of one cell for every version of Rust and every base."""
    recipes = []
    for recipe in cookbook.recipes:
        rules = {
            name: tuple(rule.model_copy(update={"rust": ("*",), "base": None}) for rule in each if rule.serves(cell))
            for name, each in recipe.packages_for.items()
        }
        recipes.append(recipe.model_copy(update={"packages_for": rules}))
    return cookbook.model_copy(update={"recipes": tuple(recipes)})


def synthetic(
    matrix: Matrix, resolution: Resolution, cell: Cell, count: int
) -> tuple[Matrix, Resolution, tuple[Cell, ...]]:
    """A matrix, a resolution and `count` cells like `cell`, which differ in Rust, target, base and architecture.

    All targets are of one kind, so cells that differ in the target alone share an image.
    """
    bases = [f"base{number}" for number in range(5)]
    places = list(product(matrix.targets, bases, matrix.architectures))
    versions = [f"9.{number}" for number in range(-(-count // len(places)))]
    grown = matrix.model_copy(
        update={
            "rust": {
                version: matrix.rust[cell.rust].model_copy(update={"release": f"{version}.0"}) for version in versions
            },
            "bases": dict.fromkeys(bases, matrix.bases[cell.base]),
            # All of the cell's own kind: its channel need not have what the image of another kind needs.
            "targets": dict.fromkeys(matrix.targets, matrix.targets[cell.target]),
            "cells": (),
        }
    )
    here = place(cell.base, cell.arch)
    # What is locked for the cell's own version of Rust is there for each of them.
    own = f"/{cell.rust}"
    sets = {
        name: item
        for key, item in resolution.sets[here].items()
        for name in ([f"{key.removesuffix(own)}/{each}" for each in versions] if key.endswith(own) else [key])
    }
    everywhere = [place(base, arch) for base, arch in product(bases, matrix.architectures)]
    resolved = resolution.model_copy(
        update={
            "bases": dict.fromkeys(everywhere, resolution.bases[here]),
            "sets": dict.fromkeys(everywhere, sets),
        }
    )
    cells = [
        replace(cell, id=f"{version}-{target}-{base}-{arch}", rust=version, target=target, base=base, arch=arch)
        for version in versions
        for target, base, arch in places
    ]
    return grown, resolved, tuple(cells[:count])


def _existing(node: Node, input_hash: str) -> Existing:
    tags = (node.image,) if input_hash == node.input_hash else ()
    return Existing(
        key=node.stage.key,
        stage=node.stage.name,
        input_hash=input_hash,
        inputs=node.inputs.to_json(),
        created=0.0,
        tags=tags,
    )


def measure_noop(bench: MeasuredCell) -> Part:
    """A build with nothing to do, as whole processes."""
    load = _load()
    bench.built()
    root, runner = bench.session.project.root, bench.session.runner

    def seconds(*words: str) -> float:
        command = Command(argv=(*words, bench.cell.id), cwd=root, timeout=600, env={"PYTHONPATH": str(root / "src")})
        return runner.run(command, merge=True).check("a build with nothing to do").duration

    nox = partial(seconds, str(root / "scripts/nox"), "-s", "build-image", "--")
    bare = partial(seconds, sys.executable, "-m", "holoenzyme", "build-image")
    nox()  # proves the image where that was not done yet
    how = "from the start of the process to its end, after one run that does not count; median of 5"
    figures = (
        Figure(name="scripts/nox -s build-image", value=median(nox), unit="s", how=how, goal=_NOOP_GOAL),
        Figure(name="python -m holoenzyme build-image", value=median(bare), unit="s", how=how),
    )
    return bench.part("noop", figures, load, {})


def measure_size(bench: MeasuredCell) -> Part:
    """The size of the image, by layer and by its parts."""
    load = _load()
    node = bench.built()
    size = bench.size or measure(node.image, bench.session.transport())
    bench.size = size
    request = RunRequest(image=node.image, argv=("sh", "-c", _FILES), timeout=120, user="0:0")
    files, _, owners = bench.session.engine.run(request).stdout.partition("=====\n")
    budget = bench.cell.budget
    figures = (
        Figure(
            name="compressed",
            value=size.compressed / 1e6,
            unit="MB",
            how="the sum of the image's OCI blobs, base included, as skopeo writes them (zstd level 10)",
            goal=budget.compressed_mb if budget else None,
        ),
        Figure(
            name="uncompressed", value=size.uncompressed / 1e6, unit="MB", how="the sum of its layers as tar archives"
        ),
    )
    layers = list(
        zip(layer_names(bench.session.engine.history(node.image), len(size.layers)), size.layers, strict=True)
    )
    return bench.part(
        "size",
        figures,
        load,
        {
            "layers, MB compressed": [(n, layer.compressed / 1e6) for n, layer in layers],
            "layers, MB uncompressed": [(n, layer.uncompressed / 1e6) for n, layer in layers],
            "packages and folders, MB uncompressed": largest_parts(files, owners),
        },
    )


def measure_store(bench: MeasuredCell) -> Part:
    """From a store to the first checked derivative, on an engine that has no layer of the image."""
    load = _load()
    node = bench.built()
    ref = StageRef(stage=node.stage.name, input_hash=node.input_hash)
    # A name that no build looks for: the image that is there stays.
    other = replace(node, input_hash=hashlib.sha256(uuid.uuid4().bytes).hexdigest())
    with tempfile.TemporaryDirectory(prefix="holoenzyme-bench-") as folder:
        session = replace(bench.session, state=Path(folder) / "state", stores=StoreSet())
        transport = session.transport()
        start = time.perf_counter()
        saved = create_store(Path(folder) / "store", transport).save(ref, node.image)
        saving = time.perf_counter() - start
        bench.size = saved.size
        put_layer_below(Path(folder) / "store")
        try:
            start = time.perf_counter()
            create_store(Path(folder) / "store", transport).load(ref, other.image)
            loading = time.perf_counter() - start
            _, record = prove(session, proof_of(session.project, bench.cell), other)
        finally:
            session.engine.remove(other.image)
    checked = loading + _until_checked(record)
    figures = (
        Figure(
            name="to the first checked derivative",
            value=checked,
            unit="s",
            how="loading and then proving up to the program's numbers, in one process; a layer of its own below the "
            "image makes every layer new to the engine",
            goal=_STORE_GOAL,
        ),
        Figure(
            name="loading", value=loading, unit="s", how="every blob verified, unpacked by skopeo, taken by the engine"
        ),
        Figure(name="proof", value=record.duration, unit="s", how="all of it, the contract included"),
        Figure(name="saving", value=saving, unit="s", how="out of the engine into a folder, zstd level 10"),
    )
    return bench.part("store", figures, load, {_STEPS: [(step.name, step.duration) for step in record.steps]})


def _until_checked(record: Record) -> float:
    """The seconds of a proof's steps up to the first program whose numbers were compared."""
    seconds = 0.0
    for step in record.steps:
        seconds += step.duration
        if step.name == "run":
            break
    return seconds


def put_layer_below(folder: Path) -> None:
    """Put a small layer below those of the one image in a layout.

    An engine knows a layer by its content and all that is below it, so none of the layers is one that it has.
    """
    index = json.loads((folder / "index.json").read_text())
    (entry,) = index["manifests"]
    manifest = json.loads(_blob(folder, entry["digest"]).read_bytes())
    config = json.loads(_blob(folder, manifest["config"]["digest"]).read_bytes())
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        name = uuid.uuid4().hex
        archive.addfile(tarfile.TarInfo(f"tmp/{name}"), io.BytesIO())
    plain = buffer.getvalue()
    config["rootfs"]["diff_ids"].insert(0, f"sha256:{hashlib.sha256(plain).hexdigest()}")
    config.setdefault("history", []).insert(0, {"created_by": "a layer to measure with"})
    layer = _add(folder, gzip.compress(plain)) | {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"}
    manifest["layers"].insert(0, layer)
    manifest["config"] |= _add(folder, json.dumps(config).encode())
    entry |= _add(folder, json.dumps(manifest).encode())
    (folder / "index.json").write_text(json.dumps(index))


def _blob(folder: Path, digest: str) -> Path:
    return folder / "blobs/sha256" / digest.removeprefix("sha256:")


def _add(folder: Path, content: bytes) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    _blob(folder, digest).write_bytes(content)
    return {"digest": digest, "size": len(content)}


@dataclass
class Timed(Board):
    """A board that also keeps how long each stage took, in seconds."""

    inner: Board
    seconds: dict[str, float] = field(default_factory=dict)
    _started: dict[str, float] = field(default_factory=dict)

    def start(self, stage: str, doing: str, because: str) -> None:
        """See `Board`."""
        self._started[stage] = time.perf_counter()
        self.inner.start(stage, doing, because)

    def line(self, stage: str, text: str) -> None:
        """See `Board`."""
        self.inner.line(stage, text)

    def finish(self, stage: str, how: str) -> None:
        """See `Board`."""
        self.seconds[stage] = time.perf_counter() - self._started[stage]
        self.inner.finish(stage, how)


def measure_cold(bench: MeasuredCell) -> Part:
    """From nothing to the first checked derivative: base, packages, sources and all stages anew, downloads included."""
    load = _load()
    project = Project(bench.session.project.root, mark=uuid.uuid4().hex[:12])
    start = time.perf_counter()
    said: list[tuple[str, float]] = []

    def say(text: str) -> None:
        said.append((text, time.perf_counter() - start))
        bench.session.say(text)

    with tempfile.TemporaryDirectory(prefix="holoenzyme-bench-") as folder, _removing(bench.session, project.mark):
        session = replace(bench.session, project=project, state=Path(folder), stores=StoreSet(), say=say)
        resolved = resolve(Planner(session=session, cells=[bench.cell]))
        resolving = time.perf_counter() - start
        with board("cold build") as progress:
            timed = Timed(progress)
            carry_out(session, resolved, timed, no_cache=True, timeout=3600)
        building = time.perf_counter() - start
        (node,) = resolved.graph.images
        _, record = prove(session, proof_of(project, bench.cell), node)
    nodes = resolved.graph.nodes.values()
    seconds = {n.stage.name: timed.seconds.get(n.stage.name, 0.0) for n in nodes}
    seconds |= {n.stage.name: resolving for n in nodes if n.stage.kind is StageKind.BASE}
    needs = {n.stage.name: [need.stage.name for need in n.needs.values()] for n in nodes}
    budget = bench.cell.budget
    how = "no stage, layer or download kept from before; what the engine's host has cached of the network is not ours"
    figures = (
        Figure(
            name="to the first checked derivative",
            value=building + _until_checked(record),
            unit="s",
            how="the build, then the proof up to the program's numbers",
            goal=_COLD_GOAL,
        ),
        Figure(name="build", value=building, unit="s", how=how, goal=budget.build_minutes * 60 if budget else None),
        Figure(
            name="base", value=resolving, unit="s", how="made, and the archive asked for what it has; part of the build"
        ),
        Figure(name="proof", value=record.duration, unit="s", how="all of it, the contract included"),
    )
    return bench.part(
        "cold",
        figures,
        load,
        {
            "stages, s": sorted(seconds.items(), key=lambda item: -item[1]),
            "critical path, s": critical_path(needs, seconds),
            "before the stages, said after s": said,
            _STEPS: [(step.name, step.duration) for step in record.steps],
        },
    )


@contextmanager
def _removing(session: Session, mark: str) -> Iterator[None]:
    """Remove the images that carry the mark in the end, whatever happened."""
    try:
        yield
    finally:
        for image in session.engine.images():
            if image.labels.get(MARK_LABEL) == mark:
                for name in image.tags or (image.id,):
                    session.engine.remove(name)
