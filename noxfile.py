"""The sessions. Each is thin: `python -m holoenzyme COMMAND ARGS`, in the environment that scripts/python-env makes.

Nox itself may come from anywhere, so this file has only Nox and the standard library.
"""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import nox
import nox.virtualenv

nox.needs_version = ">=2024.3.2"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "tests"]
# No session has an environment of Nox's making, so Nox need not look for uv (three starts of it for each session).
nox.virtualenv.OPTIONAL_VENVS = {}

ROOT = Path(__file__).resolve().parent


def python(session: nox.Session, *words: str) -> None:
    """Run the project's Python with `words`. The session, and Nox, end with its exit code where that is not 0."""
    made = subprocess.run(["sh", str(ROOT / "scripts/python-env")], stdout=subprocess.PIPE, text=True, check=False)
    code = made.returncode or _wait(subprocess.Popen([made.stdout.strip(), *words], cwd=ROOT))
    if code:
        session.log(f"{session.name} ended with exit code {code}")
        raise SystemExit(code)


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Let the process end by itself and tidy up: Ctrl-C reaches it from the terminal, a request to end from here."""
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda number, _: process.send_signal(number))
    try:
        code = process.wait()
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return code if code >= 0 else 128 - code


def command(session: nox.Session) -> None:
    """Run the command that has the session's name."""
    python(session, "-m", "holoenzyme", session.name, *session.posargs)


@nox.session(name="build-image")
def build_image(session: nox.Session) -> None:
    """Load, pull or build a cell's image, and prove it: `-- [CELL ...]`."""
    command(session)


@nox.session
def smoke(session: nox.Session) -> None:
    """Run the smoke tests in the images of cells: `-- [CELL ...] [--test NAME]`."""
    command(session)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Compare derivatives of generated functions with an exact oracle: `-- autodiff [--hours N] [--seed S]`."""
    command(session)


@nox.session
def matrix(session: nox.Session) -> None:
    """Print the cells, what supports what, and why not: `-- [--explain CELL] [--json]`."""
    command(session)


@nox.session
def plan(session: nox.Session) -> None:
    """Say what a build would do for each stage, and why: `-- CELL`."""
    command(session)


@nox.session
def render(session: nox.Session) -> None:
    """Write a cell's build contexts, with a script of plain builds: `-- CELL`."""
    command(session)


@nox.session
def lock(session: nox.Session) -> None:
    """Write matrix.lock, or say what drifted from it: `-- --check`."""
    command(session)


@nox.session
def update(session: nox.Session) -> None:
    """Write newer versions of every pin that the archives have, or say them: `-- [--check] [NAME ...]`."""
    command(session)


@nox.session
def patches(session: nox.Session) -> None:
    """Check that our patches of rustc apply, and print their burden: `-- [--source DIR] [--json FILE]`."""
    command(session)


@nox.session
def inspect(session: nox.Session) -> None:
    """Say which device images a program holds, with which kernels: `-- FILE [--json]`."""
    command(session)


@nox.session
def doctor(session: nox.Session) -> None:
    """Say what this machine lacks, and what mends it."""
    command(session)


@nox.session
def store(session: nox.Session) -> None:
    """Verify a store, or remove what no cell uses any more: `-- verify DIR`, `-- prune DIR [CELL ...] [--yes]`."""
    command(session)


@nox.session
def clean(session: nox.Session) -> None:
    """Free what the project made, and nothing else."""
    command(session)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure builds, plans and sizes: `-- build`."""
    command(session)


@nox.session
def lint(session: nox.Session) -> None:
    """Run the linters: `-- [--fix] [LINTER ...]`."""
    command(session)


@nox.session
def mutants(session: nox.Session) -> None:
    """Change the program in places that matter, and see whether the tests find it: `-- [--all-tests] [NAME ...]`."""
    command(session)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests: all, or `-- unit` / `-- integration`; what follows goes to pytest."""
    words = list(session.posargs)
    parts = [words.pop(0)] if words[:1] in (["unit"], ["integration"]) else ["unit", "integration"]
    folders = {"unit": ["tests", "--ignore=tests/integration"], "integration": ["tests/integration", "--verbose"]}
    for part in parts:
        python(session, "-m", "pytest", *folders[part], f"--junit-xml=build/tests-{part}.xml", *words)
