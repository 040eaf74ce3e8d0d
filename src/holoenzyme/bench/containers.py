"""The two compilers of `bench ordinary`, built as stages and run in containers: it needs nothing but an engine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from holoenzyme.build.images import make_images
from holoenzyme.engine.base import Mount, RunRequest
from holoenzyme.engine.network import Network
from holoenzyme.errors import InternalError
from holoenzyme.process import Command, Completed
from holoenzyme.session import Session

#: Where the image has a compiler of each role.
_COMPILERS = "/compilers"
_COPY_TIMEOUT = 600.0


@dataclass(frozen=True, kw_only=True)
class ContainerRunner:
    """A `Runner` whose commands run in containers of `image`.

    `folder` and what is in `shown` have there the paths that they have here; only `folder` can be written to. Network
    is for cargo alone, where it may fetch.
    """

    session: Session
    image: str
    folder: Path
    shown: tuple[Path, ...]

    def run(
        self,
        command: Command,
        *,
        on_line: Callable[[str], None] | None = None,
        log_file: Path | None = None,
        merge: bool = False,
    ) -> Completed:
        """Run to the end or the time limit; there are no lines on the way, and no log file."""
        if self.stopped:
            raise KeyboardInterrupt
        environ = self.session.environ
        fetches = "cargo" in command.argv and "--offline" not in command.argv
        mounts = [Mount(source=self.folder, target=str(self.folder))]
        mounts += [Mount(source=path, target=str(path), read_only=True) for path in self.shown]
        home = self.folder / "cargo"
        if config := environ.get("HOLOENZYME_CARGO_CONFIG"):
            mounts.append(Mount(source=Path(config).absolute(), target=f"{home}/config.toml", read_only=True))
        request = RunRequest(
            image=self.image,
            argv=command.argv,
            timeout=command.timeout,
            mounts=tuple(mounts),
            user=f"{os.getuid()}:{os.getgid()}",
            workdir=str(command.cwd or self.folder),
            env={"CARGO_HOME": str(home), **command.env},
        )
        result = self.session.engine.run(Network.of(environ).open(request) if fetches else request)
        return Completed(
            command=command,
            returncode=result.returncode,
            output=result.stdout + (result.stderr if merge else ""),
            stderr="" if merge else result.stderr,
            duration=result.duration,
            timed_out=result.timed_out,
        )

    @property
    def stopped(self) -> bool:
        """Whether the machine's own runner was stopped."""
        return self.session.runner.stopped

    def stop(self) -> None:
        """Stop the machine's own runner; a container goes on to its end or time limit, as the engine's `run` does."""
        self.session.runner.stop()

    def resume(self) -> None:
        """Let the machine's own runner go on."""
        self.session.runner.resume()


@contextmanager
def built_compilers(session: Session, shown: Path) -> Iterator[tuple[ContainerRunner, Path, Path]]:
    """Build both compilers; gives what runs them, and their sysroots. All of it is gone afterwards but the images.

    `shown` is a folder that commands read. Raises what building raises.
    """
    session = session.of_image("ordinary")
    cell = session.project.buildable()[0]
    resolved, _ = make_images(session, (cell,))
    with tempfile.TemporaryDirectory(prefix="holoenzyme-ordinary-") as name:
        folder = Path(name)
        (folder / "cargo").mkdir()
        runner = ContainerRunner(
            session=session, image=resolved.graph.images[0].image, folder=folder, shown=(shown.absolute(),)
        )
        copy = Command(argv=("cp", "-r", f"{_COMPILERS}/.", str(folder)), timeout=_COPY_TIMEOUT)
        done = runner.run(copy)
        if not done.ok:
            raise InternalError("the compilers cannot be copied out of their image", why=done.stderr)
        yield runner, folder / "base", folder / "patched"
