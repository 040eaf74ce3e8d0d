"""Evidence records: programs, machine, image, outcomes, comparisons. JSON, schema version 1."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from holoenzyme.evidence.judge.launches import Launch
from holoenzyme.evidence.judge.numbers import Comparison
from holoenzyme.evidence.judge.outcome import Outcome


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ImageFacts(_Strict):
    """The image that ran: its name, the engine's id for its content, and the input hash that it was built from."""

    name: str
    id: str
    input_hash: str


class HostFacts(_Strict):
    """Where it ran."""

    system: str
    machine: str
    engine: str


class StepRecord(_Strict):
    """One step: what was run, as a line to run it again, and what came of it. `duration` is in seconds."""

    name: str
    command: str
    outcome: Outcome
    returncode: int | None
    duration: float
    output: str = Field(description="the end of what it printed")


class Record(_Strict):
    """One run. `started` is a UTC time stamp (ISO 8601), `duration` in seconds; `versions` what the image says it has.

    `oracle_hash` (`evidence.digest`) covers the programs, how they are run, their oracles, the tolerances, the cell's
    contract and the judge itself. `expected` is the outcome that is right: not every program has to run. `launches` is
    the runtime's own record of what ran where.
    """

    schema_version: Literal[1] = Field(default=1, alias="schema")
    kind: Literal["proof", "smoke"]
    test: str
    cell: str
    image: ImageFacts
    oracle_hash: str
    started: str
    duration: float
    host: HostFacts
    device: str
    versions: dict[str, str]
    steps: tuple[StepRecord, ...]
    comparisons: tuple[Comparison, ...]
    tolerances: dict[str, tuple[float, float]]
    problems: tuple[str, ...]
    launches: tuple[Launch, ...] = ()
    notes: tuple[str, ...] = Field(default=(), description="what was found and is no problem, such as device images")
    outcome: Outcome
    expected: Outcome = Outcome.PASS

    @property
    def is_right(self) -> bool:
        """Whether what had to happen did."""
        return self.outcome is self.expected

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong, though there may have been no device to know more with."""
        return self.is_right or self.outcome is Outcome.NOT_EXECUTED


class EvidenceFolder:
    """The folder of records. Records are added, never changed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, record: Record) -> Path:
        """Write a record and return its path: complete, or not there."""
        self.path.mkdir(parents=True, exist_ok=True)
        stamp = record.started.replace(":", "").replace("-", "").split("+")[0]
        name = f"{stamp}-{record.kind}-{record.cell}-{record.test}-{_short(record.image.id)}"
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=self.path, suffix=".part") as part:
            part.write(record.model_dump_json(by_alias=True, indent=1) + "\n")
            part.flush()
            for number in count():
                path = self.path / f"{name}.{number:03}.json"
                # Unlike a rename, a link never takes the place of another record, whoever writes it.
                with suppress(FileExistsError):
                    path.hardlink_to(part.name)
                    path.chmod(0o644)
                    return path
        raise AssertionError("numbers do not end")

    def proofs(self, cell: str, image_id: str) -> Iterator[tuple[Path, Record]]:
        """The proofs of an image in a cell, newest first; files that are no records are passed over."""
        for path in sorted(self.path.glob(f"*-proof-{cell}-*-{_short(image_id)}.*.json"), reverse=True):
            try:
                record = Record.model_validate_json(path.read_text(encoding="utf-8"))
            except ValidationError:
                continue
            if (record.kind, record.cell, record.image.id) == ("proof", cell, image_id):
                yield path, record


def _short(image_id: str) -> str:
    return image_id.removeprefix("sha256:")[:12]
