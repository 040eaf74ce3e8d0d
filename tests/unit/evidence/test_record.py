"""The folder of records: added, never changed; complete, or not there."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Literal

import pytest
from pydantic import ValidationError

from holoenzyme.evidence.judge.numbers import Comparison
from holoenzyme.evidence.judge.outcome import Outcome
from holoenzyme.evidence.record import (
    EvidenceFolder,
    HostFacts,
    ImageFacts,
    Record,
    StepRecord,
)

IMAGE = "sha256:" + "a" * 64


def record(
    started: str = "2026-11-23T01:02:03.004+00:00",
    *,
    kind: Literal["proof", "smoke"] = "proof",
    cell: str = "distro-1.96-host",
    image: str = IMAGE,
    outcome: Outcome = Outcome.PASS,
) -> Record:
    return Record(
        kind=kind,
        test="tiny",
        cell=cell,
        image=ImageFacts(name="stage:1", id=image, input_hash="h"),
        oracle_hash="o",
        started=started,
        duration=1.5,
        host=HostFacts(system="Linux", machine="x86_64", engine="fake"),
        device="cpu",
        versions={"rustc": "1.96.0"},
        steps=(StepRecord(name="run", command="docker run", outcome=outcome, returncode=0, duration=1, output=""),),
        comparisons=(
            Comparison(
                case="pi",
                mode="forward",
                width=1,
                quantity="value[0]",
                got=0.1,
                expected=0.1,
                error=0.0,
                tolerance=1e-6,
                rule="exact",
                ok=True,
            ),
        ),
        tolerances={"exact": (1e-6, 0.0)},
        problems=(),
        outcome=outcome,
    )


@pytest.fixture
def folder(tmp_path: Path) -> EvidenceFolder:
    return EvidenceFolder(tmp_path / "deep" / "evidence")


def names(folder: EvidenceFolder) -> list[str]:
    return sorted(path.name for path in folder.path.iterdir())


def test_a_record_is_json_with_a_schema_version(folder: EvidenceFolder) -> None:
    path = folder.add(record())
    assert path.parent == folder.path
    assert path.name == "20261123T010203.004-proof-distro-1.96-host-tiny-aaaaaaaaaaaa.000.json"
    data = json.loads(path.read_text())
    assert data["schema"] == 1 and data["outcome"] == "pass"
    assert data["comparisons"][0]["got"] == 0.1
    assert Record.model_validate_json(path.read_text()) == record()
    assert path.stat().st_mode & 0o777 == 0o644


def test_records_are_added_and_never_changed(folder: EvidenceFolder) -> None:
    first = folder.add(record())
    before = first.read_bytes()
    second = folder.add(record(outcome=Outcome.WRONG))
    assert second != first and first.read_bytes() == before
    assert len(names(folder)) == 2, "nothing else is left there"


def test_many_writers_at_once_lose_nothing(folder: EvidenceFolder) -> None:
    paths: list[Path] = []
    threads = [threading.Thread(target=lambda: paths.append(folder.add(record()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(paths)) == 8
    assert names(folder) == sorted(path.name for path in paths)


def test_a_record_that_cannot_be_written_leaves_nothing(
    folder: EvidenceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.add(record())

    def disk_full(path: Path, target: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "hardlink_to", disk_full)
    with pytest.raises(OSError, match="No space left"):
        folder.add(record("2026-11-24T01:02:03+00:00"))
    assert len(names(folder)) == 1


def test_proofs_come_newest_first(folder: EvidenceFolder) -> None:
    starts = ["2026-11-23T01:02:03.004+00:00", "2026-11-23T01:02:03.010+00:00", "2026-11-24T00:00:00+00:00"]
    for started in (starts[1], starts[2], starts[0]):
        folder.add(record(started))
    same = [folder.add(record(starts[2])) for _ in range(12)]
    found = list(folder.proofs("distro-1.96-host", IMAGE))
    assert [item.started for _, item in found] == [starts[2]] * 13 + [starts[1], starts[0]]
    assert [path for path, _ in found[:12]] == same[::-1]


def test_proofs_are_those_of_the_image_and_the_cell(folder: EvidenceFolder) -> None:
    wanted = folder.add(record())
    folder.add(record(kind="smoke"))
    folder.add(record(cell="distro-1.96-host-aarch64"))
    folder.add(record(image="sha256:" + "b" * 64))
    folder.add(record(image="sha256:" + "a" * 63 + "b"))
    assert [path for path, _ in folder.proofs("distro-1.96-host", IMAGE)] == [wanted]


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", '{"schema": 2}'])
def test_what_is_no_record_is_passed_over(folder: EvidenceFolder, text: str) -> None:
    wanted = folder.add(record())
    folder.add(record("2026-11-25T00:00:00+00:00")).write_text(text)
    assert [path for path, _ in folder.proofs("distro-1.96-host", IMAGE)] == [wanted]


def test_without_a_folder_there_are_no_proofs(folder: EvidenceFolder) -> None:
    assert list(folder.proofs("distro-1.96-host", IMAGE)) == []
    assert not folder.path.exists()


def test_a_record_has_nothing_that_is_not_declared() -> None:
    data = json.loads(record().model_dump_json(by_alias=True))
    with pytest.raises(ValidationError):
        Record.model_validate({**data, "extra": 1})
    with pytest.raises(ValidationError):
        Record.model_validate({**data, "outcome": "fine"})
