"""The command line: the module of each command, and the exit code of each error (`errors.ExitCode`)."""

from __future__ import annotations

import difflib
import errno
import importlib
import logging
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, cast

from holoenzyme import __version__, console
from holoenzyme.errors import ExitCode, HoloenzymeError, InfrastructureError, InternalError, UserError

log = logging.getLogger(__name__)

#: Errors of the operating system that are the machine's fault, wherever they come up.
MACHINE_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


@dataclass(frozen=True, kw_only=True)
class CommandEntry:
    """One command: `module:function`, imported only when it is asked for, and a line of help."""

    target: str
    summary: str

    def load(self) -> Callable[[list[str], Path], int]:
        """Import the function that does it."""
        module, _, function = self.target.partition(":")
        return cast("Callable[[list[str], Path], int]", getattr(importlib.import_module(module), function))


COMMANDS = {
    "build-image": CommandEntry(
        target="holoenzyme.cli.build_image:run", summary="load, pull or build a cell's image, and prove it"
    ),
    "matrix": CommandEntry(target="holoenzyme.cli.matrix:run", summary="the cells: what supports what, and why not"),
    "smoke": CommandEntry(target="holoenzyme.cli.smoke:run", summary="run the smoke tests in cells' images"),
    "plan": CommandEntry(target="holoenzyme.cli.plan:run", summary="what a build would do for each stage, and why"),
    "render": CommandEntry(
        target="holoenzyme.cli.render:run", summary="write the build contexts, with a script of plain builds"
    ),
    "lock": CommandEntry(target="holoenzyme.cli.lock:run", summary="write matrix.lock, or say what drifted from it"),
    "update": CommandEntry(
        target="holoenzyme.cli.update:run", summary="newer versions of every pin, written or only said"
    ),
    "patches": CommandEntry(
        target="holoenzyme.cli.patches:run", summary="whether our patches of rustc apply, and their burden"
    ),
    "inspect": CommandEntry(
        target="holoenzyme.cli.inspect:run", summary="the device images in a program, and their kernels"
    ),
    "doctor": CommandEntry(target="holoenzyme.cli.doctor:run", summary="what this machine lacks, and what mends it"),
    "store": CommandEntry(target="holoenzyme.cli.store:run", summary="verify a store, or remove what no cell uses"),
    "clean": CommandEntry(target="holoenzyme.cli.clean:run", summary="free what the project made, and nothing else"),
    "bench": CommandEntry(target="holoenzyme.cli.bench:run", summary="measure builds, plans and sizes"),
    "fuzz": CommandEntry(target="holoenzyme.cli.fuzz:run", summary="generated functions against an exact oracle"),
    "mutants": CommandEntry(
        target="holoenzyme.cli.mutants:run", summary="whether the tests find changes of the program"
    ),
    "lint": CommandEntry(target="holoenzyme.cli.lint:run", summary="run the linters"),
}

HELP = "\n".join(
    [
        "usage: python -m holoenzyme [-v] COMMAND ...",
        "",
        *(f"  {name:<12} {entry.summary}" for name, entry in COMMANDS.items()),
        "",
        "  -v, --verbose  show every command line that is run (the log file has them in any case)",
        "  --version      print the version",
        "",
        "COMMAND --help tells more. `nox -s COMMAND -- ...` is the same.",
    ]
)


def find_root(start: Path) -> Path:
    """The project's folder: `HOLOENZYME_ROOT`, or the nearest one from `start` upwards with a matrix.yaml."""
    if chosen := os.environ.get("HOLOENZYME_ROOT"):
        root = Path(chosen).expanduser().absolute()
        if (root / "matrix.yaml").is_file():
            return root
        raise UserError(
            f"HOLOENZYME_ROOT={chosen} has no matrix.yaml", fix="set it to the project's folder, or unset it"
        )
    for folder in (start, *start.parents):
        if (folder / "matrix.yaml").is_file():
            return folder
    raise UserError(
        f"no matrix.yaml in {start} or above", fix="go to the project's folder, or set HOLOENZYME_ROOT to it"
    )


def _dispatch(words: Sequence[str]) -> int:
    own, dashes, rest = _split(words)
    verbose = any(word in ("-v", "--verbose") for word in own)
    match [word for word in own if word not in ("-v", "--verbose")]:
        case [] | ["-h" | "--help" | "help"] as asked:
            print(HELP, file=sys.stdout if asked else sys.stderr)
            return ExitCode.OK if asked else ExitCode.USER
        case ["--version"]:
            print(f"holoenzyme {__version__}")
            return ExitCode.OK
        case [name, *argv]:
            entry = COMMANDS.get(name)
            if entry is None:
                near = difflib.get_close_matches(name, COMMANDS, n=3)
                fix = f"did you mean {' or '.join(near)}?" if near else f"the commands are {', '.join(COMMANDS)}"
                raise UserError(f"unknown command '{name}'", fix=fix)
            console.start_logging(name, words, verbose=verbose)
            return entry.load()([*argv, *dashes, *rest], find_root(Path.cwd()))
    raise AssertionError(words)


def _split(words: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """The words before a `--`, the `--`, and what comes after it, which is never ours."""
    at = words.index("--") if "--" in words else len(words)
    return list(words[:at]), list(words[at : at + 1]), list(words[at + 1 :])


def main(words: Sequence[str]) -> int:
    """Run one command and return its exit code; every error becomes a message and a code."""
    # Whoever started this may have chosen to ignore a signal (nohup); that stays.
    heeded = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, _interrupt) for number in heeded}
    try:
        code = _dispatch(words)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        console.say("interrupted", style="bold")
        return ExitCode.INTERRUPTED
    except BrokenPipeError as error:
        return ExitCode.READER_GONE if _reader_went() else _report(_as_internal(error), error)
    except HoloenzymeError as error:
        return _report(error, error)
    except OSError as error:
        if error.errno not in MACHINE_ERRORS:
            return _report(_as_internal(error), error)
        return _report(InfrastructureError(str(error), fix="free some space, or choose another folder"), error)
    except Exception as error:
        return _report(_as_internal(error), error)
    finally:
        console.stop_logging()
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _reader_went() -> bool:
    """Whether it is stdout whose reader is gone; if so, stdout is put where the interpreter's last flush succeeds."""
    pipe = select.poll()
    pipe.register(sys.stdout.fileno(), select.POLLOUT)
    if not any(event & select.POLLERR for _, event in pipe.poll(0)):
        return False
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    return True


def _as_internal(error: Exception) -> InternalError:
    what = "".join(traceback.format_exception_only(error)).strip()
    return InternalError(what, why="this is a bug in the project, not in what you typed")


def _report(shown: HoloenzymeError, cause: Exception) -> int:
    """Log the error with its traceback, and print what, why and fix."""
    log.error("%s", shown, exc_info=cause)
    what, *rest = str(shown).splitlines()
    console.say(f"{shown.label}: {what}", style="bold red")
    for line in rest:
        console.say(line)
    file = console.log_file()
    debug = bool(os.environ.get("HOLOENZYME_DEBUG"))
    unexpected = not isinstance(cause, HoloenzymeError) and shown.exit_code is ExitCode.INTERNAL
    if debug or (unexpected and file is None):
        console.say("".join(traceback.format_exception(cause)).rstrip())
    if file is not None and shown.exit_code is not ExitCode.USER:
        hint = " (HOLOENZYME_DEBUG=1 shows the traceback)" if unexpected and not debug else ""
        console.say(f"  log: {file}{hint}")
    return shown.exit_code
