"""A project folder, read, and the machine that its commands work with: one session of a command."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from holoenzyme import console
from holoenzyme.engine.base import Engine, Secret
from holoenzyme.engine.secrets import for_base, host_secrets
from holoenzyme.matrix.model import MATRIX_NAME, Cell, Matrix, load_matrix
from holoenzyme.matrix.recipe import Cookbook, load_cookbook
from holoenzyme.matrix.together import check_together
from holoenzyme.plan.decide import BaseSource
from holoenzyme.process import Runner, SubprocessRunner
from holoenzyme.render.stages import ProjectFiles
from holoenzyme.resolve.mentions import manifest_of
from holoenzyme.resolve.model import LOCK_NAME, Lock, Resolution, read_lock
from holoenzyme.resolve.reconcile import check_fits
from holoenzyme.store import StoreSet, Transport, open_all, store_paths

#: The folder below the state folder that keeps cargo's downloads and results for the Rust linters.
RUST_CACHE = "lint"


class Project:
    """The data of the project folder `root`, each part read when it is first asked for.

    `image` is the kind of image that is made: a folder below `images/`. With a `mark` nothing that is built counts:
    every stage has the mark among its labels, and so a name of its own, and caches of its own, which are empty.
    """

    def __init__(self, root: Path, *, image: str = "toolchain", mark: str = "") -> None:
        self.root = root
        self.image = image
        self.mark = mark

    @cached_property
    def matrix(self) -> Matrix:
        """`matrix.yaml`."""
        return load_matrix(self.root / "matrix.yaml")

    @cached_property
    def cookbook(self) -> Cookbook:
        """The recipes and images; raises `UserError` where they and the matrix contradict."""
        cookbook = load_cookbook(self.root)
        check_together(self.root, self.matrix, cookbook)
        return cookbook

    @cached_property
    def files(self) -> ProjectFiles:
        """Templates and the files that recipes copy."""
        return ProjectFiles(self.root)

    @cached_property
    def lock(self) -> Lock:
        """`matrix.lock`; raises `UserError` where it does not fit the matrix."""
        lock = read_lock(self.root / LOCK_NAME)
        check_fits(self.matrix, self.cookbook, lock, self.pinning_files(lock))
        return lock

    def pinning_files(self, resolution: Resolution) -> dict[str, str]:
        """The files in which a version of a pin stands, as far as they are there: path → text."""
        lockfiles = set(resolution.lockfiles().values())
        manifests = {manifest_of(crate.lockfile) for crate in resolution.crates.values()}
        paths = sorted({MATRIX_NAME, LOCK_NAME, *lockfiles, *manifests})
        return {path: (self.root / path).read_text("utf-8") for path in paths if (self.root / path).is_file()}

    def buildable(self) -> tuple[Cell, ...]:
        """Every cell that can be built and has this kind of image."""
        image = self.cookbook.image_rule(self.image)
        return tuple(cell for cell in self.matrix.supported() if image.serves(cell.channel))


@dataclass(kw_only=True)
class Session:
    """What a command works with: a project, and this machine, whose parts unit tests replace by fakes.

    `state` is the folder for logs, locks and records, `say` prints a message on the way, `ensure` sees that a small
    program is there before it is used. `base_source` is how bases are made.
    """

    project: Project
    engine: Engine
    runner: Runner
    state: Path
    environ: Mapping[str, str]
    say: Callable[[str], None]
    stores: StoreSet = field(default_factory=StoreSet)
    base_source: BaseSource = BaseSource.AUTO
    ensure: Callable[[str], None] = lambda program: None

    def of_image(self, image: str) -> Session:
        """The same session for another kind of image."""
        return replace(self, project=Project(self.project.root, image=image, mark=self.project.mark))

    @contextmanager
    def secrets(self, base: str | None = None) -> Iterator[tuple[Secret, ...]]:
        """CA bundle, proxies and mirrors of this host, for builds on a base, or for `for_base` to choose from."""
        with host_secrets(self.environ) as secrets:
            yield for_base(secrets, base) if base else secrets

    def transport(self) -> Transport:
        """The transport of images between the engine and stores."""
        return Transport(self.engine, self.runner, environ=self.environ)


def machine_session(
    root: Path,
    *,
    image: str = "toolchain",
    stores: Sequence[str] | None = (),
    base_source: BaseSource = BaseSource.AUTO,
) -> Session:
    """A session on this machine: Docker, subprocesses, the user's state folder, and the stores that are named.

    Those that the environment names come too; with None there are no stores at all.
    """
    from holoenzyme.engine.docker import DockerEngine
    from holoenzyme.engine.install import ThisHost, ensure

    runner = SubprocessRunner()
    session = Session(
        project=Project(root, image=image),
        engine=DockerEngine(runner),
        runner=runner,
        state=console.state_dir(),
        environ=os.environ,
        say=console.say,
        base_source=base_source,
        ensure=lambda program: ensure((program,), ThisHost(runner)),
    )
    paths = () if stores is None else store_paths(stores, os.environ)
    if paths:
        session.stores = open_all(paths, lambda refused: console.say(f"warning: {refused}"), session.transport())
    return session
