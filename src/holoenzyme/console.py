"""Output for people, and the log file: consoles, plain messages, logging, and the folder of the project's state.

Results go to stdout, everything said on the way to stderr. Importing rich takes longer than many commands do, so only
what uses a console pays for it.
"""

from __future__ import annotations

import functools
import logging
import os
import shlex
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

log = logging.getLogger(__name__)
logging.getLogger("holoenzyme").addHandler(logging.NullHandler())

#: Log files kept; older ones go when a new one is written.
LOGS_KEPT = 100

#: Columns of a table that goes into a file or a pipe.
PLAIN_WIDTH = 160


def state_dir() -> Path:
    """The folder for logs, records and downloads: `HOLOENZYME_STATE`, or the user's usual one. It may not exist yet."""
    if chosen := os.environ.get("HOLOENZYME_STATE"):
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return platformdirs.user_state_path("holoenzyme")


def interactive() -> bool:
    """Whether stderr is a terminal that can move its cursor: live progress and colours make sense there."""
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    class PlainConsole(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich ends the process here; the command line decides about that

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PLAIN_WIDTH
    return PlainConsole(stderr=stderr, width=width, markup=False, highlight=False, emoji=False)


@functools.cache
def out() -> Console:
    """The rich console on stdout, for results. Markup is off: `cells[rust]` is text."""
    return _console(stderr=False)


@functools.cache
def err() -> Console:
    """The rich console on stderr, for progress and messages. Markup is off."""
    return _console(stderr=True)


def say(text: str, *, style: str = "") -> None:
    """Print a message to stderr, in a rich style where that is a terminal."""
    if style and interactive():
        err().print(text, style=style, soft_wrap=True)
    else:
        print(text, file=sys.stderr, flush=True)


class _LogFile(logging.FileHandler):
    """A log file that is made when the first record comes, with the command line at its top."""

    def __init__(self, path: Path, title: str) -> None:
        self.path = path
        self._title = title
        super().__init__(path, encoding="utf-8", delay=True)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def _open(self) -> TextIOWrapper:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for old in sorted(self.path.parent.glob("*.log"))[: -LOGS_KEPT + 1]:
            with suppress(FileNotFoundError):  # another command may tidy up at the same time
                old.unlink()
        stream = super()._open()
        stream.write(f"{self._title}\n")
        return stream

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record; a folder that cannot be written to is reported once and ends the logging, not the work."""
        try:
            super().emit(record)
        except OSError as error:
            logging.getLogger("holoenzyme").removeHandler(self)
            say(f"warning: no log file is written: {error}")


def start_logging(command: str, words: Sequence[str], *, verbose: bool) -> None:
    """Log to a new file in the state folder, and with `verbose` to stderr too (every command line that is run)."""
    stop_logging()
    logger = logging.getLogger("holoenzyme")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    name = f"{time.strftime('%Y%m%dT%H%M%S')}-{command}-{os.getpid()}.log"
    logger.addHandler(_LogFile(state_dir() / "logs" / name, shlex.join(["holoenzyme", *words])))
    if verbose:
        stderr = logging.StreamHandler()
        stderr.setLevel(logging.INFO)
        stderr.setFormatter(logging.Formatter("+ %(message)s"))
        logger.addHandler(stderr)


def stop_logging() -> None:
    """Close what `start_logging` opened. Records before and after it go nowhere, not to stderr."""
    logger = logging.getLogger("holoenzyme")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.addHandler(logging.NullHandler())
    logger.propagate = True


def log_file() -> Path | None:
    """This command's log file, once something was written to it."""
    for handler in logging.getLogger("holoenzyme").handlers:
        if isinstance(handler, _LogFile) and handler.path.exists():
            return handler.path
    return None
