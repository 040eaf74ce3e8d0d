"""The linters: the files that each looks at, and running them."""

from __future__ import annotations

import logging
import re
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from holoenzyme import console
from holoenzyme.errors import ExitCode, HoloenzymeError, InternalError
from holoenzyme.lint.files import project_files
from holoenzyme.process import Command, Runner

log = logging.getLogger(__name__)

#: Lines of a module, of tests too.
MODULE_LINES = 500


#: A path of one machine: a home, or a folder that only somebody's machine has at its top.
MACHINE_PATH = re.compile(r"(?<![\w.~>})-])/(?:root|home|Users|work)/")

#: How long one linter may take, in seconds.
TIME_LIMIT = 600.0


@dataclass(frozen=True, kw_only=True)
class Linter:
    """One linter: `check` returns what it found, empty when that is nothing."""

    name: str
    summary: str
    check: Callable[[Path, Runner], str]


def long_modules(root: Path) -> list[str]:
    """The Python modules over the limit of lines."""
    found = []
    for path in project_files(root):
        if path.suffix == ".py" and (lines := len(path.read_bytes().splitlines())) > MODULE_LINES:
            found.append(f"{path.relative_to(root)}: {lines} lines, at most {MODULE_LINES}: split it")
    return found


def machine_paths(root: Path) -> list[str]:
    """The lines of text files that name a path of one machine."""
    found = []
    for path in project_files(root):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if match := MACHINE_PATH.search(line):
                place = f"{path.relative_to(root)}:{number}:{match.start() + 1}"
                found.append(f"{place}: {match[0]} is a path of one machine: make it relative, or a variable")
    return found


def shell_scripts(root: Path) -> list[Path]:
    """The files whose first line says that sh or bash runs them."""
    return [path for path in project_files(root) if re.match(rb"#!.*\b(ba|da)?sh\b", _first_line(path))]


def _first_line(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.readline(200)


def dockerfiles(folder: Path) -> list[Path]:
    """Every Dockerfile below a folder of rendered build contexts."""
    return sorted(path for path in folder.rglob("*Dockerfile*") if path.is_file())


def _command(root: Path, runner: Runner, *argv: str) -> str:
    done = runner.run(Command(argv=argv, cwd=root, timeout=TIME_LIMIT), merge=True)
    if done.ok:
        return ""
    ended = f"no end within {TIME_LIMIT:.0f} s\n" if done.timed_out else ""
    return ended + (done.output.rstrip() or f"{argv[0]} ended with exit status {done.returncode}")


def _module(*argv: str) -> Callable[[Path, Runner], str]:
    """A linter that is a Python module. As `python -m`, it works in an environment that was moved."""
    return lambda root, runner: _command(root, runner, sys.executable, "-m", *argv)


def program(name: str) -> str:
    """The path of a program that came in a wheel of our environment."""
    return str(Path(sysconfig.get_path("scripts")) / name)


def _import_linter(root: Path, runner: Runner) -> str:
    start = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    return _command(root, runner, sys.executable, "-c", start, "--no-logo")


def _shellcheck(root: Path, runner: Runner) -> str:
    names = [str(path.relative_to(root)) for path in shell_scripts(root)]
    return _command(root, runner, program("shellcheck"), "--external-sources", *names) if names else "no shell script"


def _hadolint(root: Path, runner: Runner) -> str:
    from holoenzyme.build.contexts import render_all

    with tempfile.TemporaryDirectory(prefix="holoenzyme-lint-") as name:
        render_all(root, Path(name))
        return lint_dockerfiles(Path(name), root / ".hadolint.yaml", runner)


def lint_dockerfiles(folder: Path, config: Path, runner: Runner) -> str:
    """Hadolint's findings in the Dockerfiles below a folder of rendered build contexts; to have none is a finding."""
    files = dockerfiles(folder)
    if not files:
        return "no Dockerfile was rendered"
    words = ("--no-color", "--config", str(config))
    return _command(folder, runner, program("hadolint"), *words, *map(str, files))


def _docs(root: Path, runner: Runner) -> str:
    from holoenzyme.lint.pages import drifted

    return drifted(root)


def _rust(root: Path, runner: Runner) -> str:
    from holoenzyme.lint import rust

    return "" if rust.run(root) == 0 else "see above"


LINTERS = (
    Linter(name="ruff", summary="Python: likely bugs and style", check=_module("ruff", "check", "--quiet")),
    Linter(name="format", summary="Python: layout", check=_module("ruff", "format", "--check", "--quiet", "--diff")),
    Linter(name="mypy", summary="Python: types, strict", check=_module("mypy")),
    Linter(name="imports", summary="data flows one way between packages", check=_import_linter),
    Linter(name="size", summary="no long module", check=lambda root, _: "\n".join(long_modules(root))),
    Linter(name="paths", summary="no path of one machine", check=lambda root, _: "\n".join(machine_paths(root))),
    Linter(name="docs", summary="pages that are made of data are as these have it", check=_docs),
    Linter(name="shellcheck", summary="shell scripts", check=_shellcheck),
    Linter(name="hadolint", summary="every cell's rendered Dockerfiles", check=_hadolint),
    Linter(name="rust", summary="rustfmt and clippy on every crate, in a container", check=_rust),
)


def mend(root: Path, runner: Runner) -> None:
    """Let ruff mend what it can, layout too; the linters report what is left over."""
    for words in (("check", "--fix", "--quiet"), ("format", "--quiet")):
        _module("ruff", *words)(root, runner)


def lint(root: Path, runner: Runner, linters: tuple[Linter, ...]) -> int:
    """Run all of them, print a line for each, and return 0, 1 when one found something, or the code of its error."""
    findings, codes = 0, [ExitCode.OK]
    for linter in linters:
        start = time.monotonic()
        try:
            found = linter.check(root, runner)
            findings += bool(found)
        except HoloenzymeError as error:
            found = f"{error.label}: {error}"
            codes.append(error.exit_code)
        except Exception as error:  # the other linters still run
            log.exception("%s", linter.name)
            found = f"{InternalError.label}: {type(error).__name__}: {error}"
            codes.append(ExitCode.INTERNAL)
        if found:
            console.say(found)
        word, style = ("failed", "bold red") if found else ("ok", "green")
        line = f"{word:<6}  {linter.name:<10}  {time.monotonic() - start:6.1f} s  {linter.summary}"
        console.say(line, style=style)
    return ExitCode.FAILED if findings else max(codes)
