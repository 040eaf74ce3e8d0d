"""The one place that starts subprocesses.

Every command is logged as a shell-quoted line that can be pasted to run it again, has a time limit, and takes its
whole process group with it when it ends early.
"""

from __future__ import annotations

import logging
import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from holoenzyme.errors import InfrastructureError

log = logging.getLogger(__name__)

#: Bytes of output kept in memory for each command; the log file, where one is asked for, has all of it.
OUTPUT_LIMIT = 4_000_000


@dataclass(frozen=True, kw_only=True)
class Command:
    """One subprocess: what to run, where, with which changes to the environment, and for how long (seconds)."""

    argv: tuple[str, ...]
    timeout: float
    cwd: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: str | None = None

    def replay(self) -> str:
        """The line that runs it again by hand, shell-quoted."""
        words = [f"{key}={shlex.quote(value)}" for key, value in sorted(self.env.items())]
        line = " ".join([*words, shlex.join(self.argv)])
        return f"cd {shlex.quote(str(self.cwd))} && {line}" if self.cwd else line


@dataclass(frozen=True, kw_only=True)
class Completed:
    """The end of a command. `output` is stdout and stderr together, in order, when they were not kept apart."""

    command: Command
    returncode: int
    output: str
    stderr: str
    duration: float
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        """Whether it ended by itself with exit status 0."""
        return self.returncode == 0 and not self.timed_out

    def check(self, what: str, *, fix: str | None = None) -> Completed:
        """Return itself, or raise `InfrastructureError` saying that `what` failed, with the end of the output."""
        if self.ok:
            return self
        how = "ran past its time limit" if self.timed_out else f"ended with exit status {self.returncode}"
        tail = "\n".join((self.stderr or self.output).rstrip().splitlines()[-15:])
        why = f"{how}: {self.command.replay()}" + (f"\n{tail}" if tail else "")
        raise InfrastructureError(f"{what} failed", why=why, fix=fix)


class Runner(Protocol):
    """Runs commands; replaced by a fake in unit tests."""

    def run(
        self,
        command: Command,
        *,
        on_line: Callable[[str], None] | None = None,
        log_file: Path | None = None,
        merge: bool = False,
    ) -> Completed:
        """Run to the end or the time limit; `merge` puts stderr into stdout, in order.

        Raises `InfrastructureError` where the program cannot be started, and `KeyboardInterrupt` after `stop()`.
        """
        ...

    @property
    def stopped(self) -> bool:
        """Whether `stop()` holds."""
        ...

    def stop(self) -> None:
        """End everything that runs now, in any thread, and start nothing more until `resume()`."""
        ...

    def resume(self) -> None:
        """Let commands run again after `stop()`, once every thread has answered it."""
        ...


class SubprocessRunner:
    """Runs commands for real.

    Ctrl-C (or any other exception in the waiting thread) and `stop()` end the whole process group of what runs; what
    was stopped, or is started then, raises `KeyboardInterrupt` in its thread until `resume()`.
    """

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._guard = threading.Lock()
        self._stopped = False

    def run(
        self,
        command: Command,
        *,
        on_line: Callable[[str], None] | None = None,
        log_file: Path | None = None,
        merge: bool = False,
    ) -> Completed:
        """See `Runner`."""
        log.info("%s", command.replay())
        start = time.monotonic()
        with closing(_Sink(on_line, log_file)) as out, closing(_Sink(None, None)) as err:
            # Under the guard: `stop` finds every process, or keeps it from starting.
            with self._guard:
                if self._stopped:
                    raise KeyboardInterrupt
                process = _start(command, merge=merge)
                self._running.add(process)
            try:
                timed_out = _supervise(process, command, out, err)
            finally:
                with self._guard:
                    self._running.discard(process)
        if self._stopped:
            raise KeyboardInterrupt
        return Completed(
            command=command,
            returncode=process.returncode,
            output=out.text(),
            stderr=err.text(),
            duration=time.monotonic() - start,
            timed_out=timed_out,
        )

    @property
    def stopped(self) -> bool:
        """See `Runner`."""
        return self._stopped

    def resume(self) -> None:
        """See `Runner`."""
        self._stopped = False

    def stop(self) -> None:
        """See `Runner`."""
        with self._guard:
            self._stopped = True
            running = list(self._running)
        for process in running:
            _end_group(process)


def _start(command: Command, *, merge: bool) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            command.argv,
            cwd=command.cwd,
            env={**os.environ, **command.env},
            stdin=subprocess.DEVNULL if command.stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge else subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise InfrastructureError(
            f"{command.argv[0]} could not be started",
            why=str(error),
            fix="`nox -s doctor` says what is missing and how to install it",
        ) from error


def _supervise(process: subprocess.Popen[str], command: Command, out: _Sink, err: _Sink) -> bool:
    """Feed a process and keep what it says until it ends, or end it; returns whether it ran past its time limit."""
    waiting = [(pipe, sink) for pipe, sink in ((process.stdout, out), (process.stderr, err)) if pipe is not None]
    readers: list[threading.Thread] = []
    try:
        while waiting:
            pipe, sink = waiting.pop()
            reader = threading.Thread(target=sink.drain, args=(pipe,), daemon=True)
            reader.start()
            readers.append(reader)
        if command.stdin is not None and process.stdin is not None:
            try:
                with process.stdin:
                    process.stdin.write(command.stdin)
            except BrokenPipeError:
                log.debug("%s did not read its whole input", command.argv[0])
        try:
            process.wait(command.timeout)
        except subprocess.TimeoutExpired:
            _end_group(process)
            return True
        return False
    except BaseException:
        _end_group(process)
        raise
    finally:
        # Ctrl-C may come before every reader was started.
        for pipe, _ in waiting:
            pipe.close()
        for reader in readers:
            reader.join(timeout=5)


def _end_group(process: subprocess.Popen[str]) -> None:
    """Ask the group to end, and kill what is left of it when its first process has ended or 5 s have passed."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(5)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class _Sink:
    """Keeps what a pipe gives, line by line, up to `OUTPUT_LIMIT`, and passes it on."""

    def __init__(self, on_line: Callable[[str], None] | None, log_file: Path | None) -> None:
        self._lines: list[str] = []
        self._size = 0
        self._on_line = on_line
        self._file: IO[str] | None = None
        if log_file is not None:
            log_file.parent.mkdir(parents=True, exist_ok=True)
            self._file = log_file.open("a", encoding="utf-8")

    def drain(self, pipe: IO[str]) -> None:
        with pipe:
            for line in pipe:
                self._take(line)

    def _take(self, line: str) -> None:
        if self._size < OUTPUT_LIMIT:
            self._lines.append(line)
            self._size += len(line)
        if self._file is not None:
            self._file.write(line)
            self._file.flush()
        if self._on_line is not None:
            self._on_line(line.rstrip("\n"))

    def text(self) -> str:
        return "".join(self._lines)

    def close(self) -> None:
        # A process that left the group may still hold the pipe; what it says from now on is not kept.
        file, self._file = self._file, None
        if file is not None:
            file.close()


def interact(argv: Sequence[str]) -> int:
    """Give the terminal to a command, without a time limit, and return its exit status."""
    log.info("%s", shlex.join(argv))
    return subprocess.run(argv, check=False).returncode
