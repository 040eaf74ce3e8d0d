"""Locks between the processes and threads that work in one state folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from holoenzyme.session import Session

#: Seconds to wait before saying so.
_PATIENCE = 0.2


@contextmanager
def held(session: Session, name: str, *, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of this name; `waiting` is called where somebody else has it.

    Raises `KeyboardInterrupt` where the runner was stopped meanwhile.
    """
    folder = session.state / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{name}.lock")
    try:
        lock.acquire(timeout=_PATIENCE)
    except Timeout:
        waiting()
        try:
            # Ctrl-C reaches the main thread alone; this may be another.
            lock.acquire(cancel_check=lambda: session.runner.stopped)
        except Timeout:
            raise KeyboardInterrupt from None
    try:
        yield
    finally:
        lock.release()
