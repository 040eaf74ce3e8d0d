"""Running programs in images: raw results, not yet judged."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import assert_never

from holoenzyme.engine.base import Engine, Mount, RunRequest, RunResult
from holoenzyme.engine.network import Network
from holoenzyme.matrix.smoke import Phase, SmokeStep
from holoenzyme.render.stages import File

#: An id that no image knows: images must run as any user.
UNKNOWN_UID = 12345
WORK = "/src"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where programs are run: an image, a folder of the host that is `/src` in it, and the network for fetching."""

    image: str
    folder: Path | None = None
    network: Network = field(default_factory=Network)


@contextmanager
def work_folder(files: Mapping[str, File]) -> Iterator[Path]:
    """A folder with these files that an unknown user may write to; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="holoenzyme-smoke-"))
    try:
        for name, file in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)
        if os.getuid() == 0:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, UNKNOWN_UID, UNKNOWN_UID)
        yield folder
    finally:
        shutil.rmtree(folder)


def user() -> str:
    """Who runs in containers: an unknown user where we are root, else ourselves, so that files stay ours."""
    return f"{UNKNOWN_UID}:{UNKNOWN_UID}" if os.getuid() == 0 else f"{os.getuid()}:{os.getgid()}"


def script_request(place: Place, script: str, limit: float) -> RunRequest:
    """The container that runs shell, without network, for at most `limit` seconds."""
    return RunRequest(
        image=place.image,
        argv=("sh", "-c", script),
        timeout=limit,
        mounts=_work(place),
        user=user(),
        workdir=WORK if place.folder else None,
    )


def step_request(place: Place, step: SmokeStep, env: Mapping[str, str]) -> RunRequest:
    """The container for one step of a smoke test.

    Only the fetching has network; only what is run gets `env`.
    """
    request = RunRequest(
        image=place.image, argv=step.argv, timeout=step.limit, mounts=_work(place), user=user(), workdir=WORK
    )
    match step.phase:
        case Phase.FETCH:
            return place.network.open(request)
        case Phase.COMPILE:
            return replace(request, env=step.env)
        case Phase.RUN:
            return replace(request, env={**env, **step.env})
        case _:
            assert_never(step.phase)


def run_steps(
    engine: Engine, place: Place, steps: Iterable[SmokeStep], env: Mapping[str, str]
) -> Iterator[tuple[SmokeStep, RunResult]]:
    """Run the steps of a smoke test one after the other, for as long as each that others depend on ends well."""
    for step in steps:
        result = engine.run(step_request(place, step, env))
        yield step, result
        if step.case is None and (result.timed_out or result.returncode != 0):
            return


def _work(place: Place) -> tuple[Mount, ...]:
    return (Mount(source=place.folder, target=WORK),) if place.folder else ()


def built_programs(folder: Path) -> tuple[Path, ...]:
    """The programs that cargo has made in `folder`."""
    found = sorted((folder / "target" / "release").glob("*"))
    return tuple(path for path in found if path.is_file() and os.access(path, os.X_OK))
