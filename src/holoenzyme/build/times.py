"""Times of stages' builds on this machine: one line for each build, for `bench`."""

from __future__ import annotations

import json
import re
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from holoenzyme.plan.graph import Node

_FILE = Path("times/stages.jsonl")
#: What a script inside a build says of itself, in a log where BuildKit puts a step's number and the time before it.
_NOTE = re.compile(r"^#\d+ [\d.]+ work: (.+)$", re.MULTILINE)
_GUARD = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class BuildTime:
    """One build of a stage: when it ended (UTC, ISO 8601), its seconds, and what it noted on the way."""

    stage: str
    input_hash: str
    ended: str
    seconds: float
    notes: tuple[str, ...] = ()


def note(state: Path, node: Node, seconds: float, log_file: Path) -> None:
    """Keep the time of a build that came to its end."""
    log = ""
    with suppress(OSError):
        log = log_file.read_text(encoding="utf-8", errors="replace")
    time = BuildTime(
        stage=node.stage.name,
        input_hash=node.input_hash,
        ended=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(seconds, 1),
        notes=tuple(_NOTE.findall(log)),
    )
    path = state / _FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with _GUARD, path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(time)) + "\n")


def times(state: Path, stage: str) -> tuple[BuildTime, ...]:
    """The builds of a stage that were kept, the oldest first; a line that cannot be read counts as none."""
    found = []
    with suppress(FileNotFoundError):
        for line in (state / _FILE).read_text(encoding="utf-8").splitlines():
            with suppress(ValueError, TypeError, KeyError):
                data = json.loads(line)
                found.append(BuildTime(**data | {"notes": tuple(data["notes"])}))
    return tuple(time for time in found if time.stage == stage)
