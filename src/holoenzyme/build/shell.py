"""A shell in the last good state of a build that failed."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from holoenzyme.engine.base import BuildFailed, BuildRequest
from holoenzyme.plan.graph import DEBUG
from holoenzyme.process import interact
from holoenzyme.render.truncate import before_step
from holoenzyme.session import Session

NAME = f"{DEBUG}:last-good"


def open_shell(session: Session, error: BuildFailed) -> None:
    """Build up to the step before the failing one (all of it cached) and open a shell there.

    Where stdin is no terminal, the command that opens it is printed instead. Says so where there is no such state.
    """
    text = (error.context / "Dockerfile").read_text(encoding="utf-8")
    good = before_step(text, error.step or "")
    if good is None:
        session.say("no shell: the step that failed is the first of its stage, so there is no state before it")
        return
    dockerfile = error.context.with_suffix(".last-good.Dockerfile")
    dockerfile.write_text(good, encoding="utf-8")
    with session.secrets() as secrets:
        request = BuildRequest(context=error.context, labels={}, secrets=secrets, timeout=600, dockerfile=dockerfile)
        log_file = dockerfile.with_suffix(".log")
        image = session.engine.build(request, on_line=lambda line: None, log_file=log_file)
    session.engine.tag(image, NAME)
    command = shell_command(session.engine.command, error.context)
    session.say(f"the state before the failing step is {NAME}; the build context is at /context; what failed was:")
    session.say(f"  {error.step}")
    session.say(shlex.join(command))
    if sys.stdin.isatty():
        interact(command)


def shell_command(docker: str, context: Path) -> tuple[str, ...]:
    """The command that opens a shell in the last good state, as root, with the build context at hand."""
    mount = f"{context}:/context:ro"
    return (docker, "run", "--rm", "-it", "--user", "0", "--entrypoint", "/bin/sh", "-v", mount, NAME)
