"""Running programs in images: raw results, not yet judged."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import assert_never

from holoenzyme.engine.base import Engine, Mount, RunRequest, RunResult
from holoenzyme.engine.network import Network
from holoenzyme.execute.steps import KILLED, Ending, Invocation, endings, script, time_limit
from holoenzyme.matrix.smoke import Phase, SmokeStep
from holoenzyme.render.stages import File

#: An id that no image knows: images must run as any user.
UNKNOWN_UID = 12345
WORK = "/src"


@dataclass(frozen=True, kw_only=True)
class Sandbox:
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


def script_request(sandbox: Sandbox, script: str, limit: float) -> RunRequest:
    """The container that runs shell, without network, for at most `limit` seconds."""
    return RunRequest(
        image=sandbox.image,
        argv=("sh", "-c", script),
        timeout=limit,
        mounts=_work(sandbox),
        user=user(),
        workdir=WORK if sandbox.folder else None,
    )


def step_request(sandbox: Sandbox, step: SmokeStep, env: Mapping[str, str]) -> RunRequest:
    """The container for one step of a smoke test.

    Only the fetching has network; only what is run gets `env`.
    """
    request = RunRequest(
        image=sandbox.image, argv=step.argv, timeout=step.limit, mounts=_work(sandbox), user=user(), workdir=WORK
    )
    match step.phase:
        case Phase.FETCH:
            return sandbox.network.open(request)
        case Phase.COMPILE:
            return replace(request, env=step.env)
        case Phase.RUN:
            return replace(request, env={**env, **step.env})
        case _:
            assert_never(step.phase)


def containers(steps: Sequence[SmokeStep]) -> Iterator[tuple[SmokeStep, ...]]:
    """The steps of a smoke test by the containers that they are run in: cases are independent, and share one."""
    for is_case, group in groupby(steps, lambda step: step.case is not None):
        if is_case:
            yield tuple(group)
        else:
            yield from ((step,) for step in group)


def container_request(sandbox: Sandbox, steps: Sequence[SmokeStep], env: Mapping[str, str]) -> RunRequest:
    """The container for these steps: that of the step where it is one, and else a script of them all."""
    if len(steps) == 1:
        return step_request(sandbox, steps[0], env)
    calls = _invocations(sandbox, steps, env)
    return replace(script_request(sandbox, script(calls), time_limit(calls)), workdir=WORK)


def run_steps(
    engine: Engine, sandbox: Sandbox, steps: Sequence[SmokeStep], env: Mapping[str, str]
) -> Iterator[tuple[SmokeStep, RunResult]]:
    """Run the steps of a smoke test one after the other, for as long as each that others depend on ends well.

    Each has a result of its own, whose request is the container that does the same with it alone.
    """
    for group in containers(steps):
        for step, result in _run_together(engine, sandbox, group, env):
            yield step, result
            if step.case is None and (result.timed_out or result.returncode != 0):
                return


def _run_together(
    engine: Engine, sandbox: Sandbox, steps: Sequence[SmokeStep], env: Mapping[str, str]
) -> Iterator[tuple[SmokeStep, RunResult]]:
    """Run steps in one container; after a step that took its container along, the others get another.

    Where not even the script begins, the first step has the container's end for its own, and the others are not run.
    """
    while steps:
        result = engine.run(container_request(sandbox, steps, env))
        if len(steps) == 1:
            yield steps[0], result
            return
        whole = Ending(
            returncode=result.returncode,
            stdout=result.stdout,
            stderr=result.stderr,
            duration=result.duration,
            timed_out=result.timed_out,
        )
        found = endings(_invocations(sandbox, steps, env), whole)
        for step, ending in zip(steps, found or (replace(whole, returncode=whole.returncode or KILLED),), strict=False):
            yield step, _result(step_request(sandbox, step, env), ending)
        if not found:
            return
        steps = steps[len(found) :]


def _invocations(sandbox: Sandbox, steps: Sequence[SmokeStep], env: Mapping[str, str]) -> tuple[Invocation, ...]:
    requests = [step_request(sandbox, step, env) for step in steps]
    return tuple(Invocation(argv=one.argv, env=one.env, limit=one.timeout) for one in requests)


def _result(request: RunRequest, ending: Ending) -> RunResult:
    return RunResult(
        request=request,
        returncode=ending.returncode,
        stdout=ending.stdout,
        stderr=ending.stderr,
        duration=ending.duration,
        timed_out=ending.timed_out,
    )


def _work(sandbox: Sandbox) -> tuple[Mount, ...]:
    return (Mount(source=sandbox.folder, target=WORK),) if sandbox.folder else ()


def built_programs(folder: Path) -> tuple[Path, ...]:
    """The programs that cargo has made in `folder`."""
    found = sorted((folder / "target" / "release").glob("*"))
    return tuple(path for path in found if path.is_file() and os.access(path, os.X_OK))
