"""How long builds took, and what `bench build` makes of rustc's."""

from __future__ import annotations

import json
from pathlib import Path

from tests.small_project import cells_of, good_session, image_of

from holoenzyme.bench.build import MeasuredCell
from holoenzyme.bench.rustc import measure_rustc
from holoenzyme.build.times import note, times
from holoenzyme.session import Project

LOG = """#12 [build 3/3] RUN work: this is a step's own text
#12 8.1 work: {first}
#12 40.0 work: sources: {sources} (31.9 s)
#12 44.0    Compiling work: v1.0
#12 {end} work: the build ended with exit code 0 after {seconds} s
"""


def write(state: Path, project: Project, seconds: float, first: str, sources: str) -> None:
    log = state / "x.log"
    log.write_text(LOG.format(first=first, sources=sources, seconds=seconds - 50, end=seconds))
    note(state, image_of(project), seconds, log)


def as_rustc(state: Path) -> None:
    """Let what was noted be of rustc's build."""
    path = state / "times/stages.jsonl"
    lines = [json.loads(line) | {"stage": "rustc-build"} for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_build_is_noted_with_what_it_says_of_itself(small_project: Project, tmp_path: Path) -> None:
    write(tmp_path, small_project, 120.04, "beginning: nothing is kept from before", "36513 new, 0 changed, 0 gone")
    (found,) = times(tmp_path, "toolchain")
    assert found.input_hash == image_of(small_project).input_hash
    assert found.seconds == 120.0
    assert found.notes == (
        "beginning: nothing is kept from before",
        "sources: 36513 new, 0 changed, 0 gone (31.9 s)",
        "the build ended with exit code 0 after 70.04 s",
    )
    assert times(tmp_path, "enzyme") == ()


def test_a_line_that_cannot_be_read_is_left_out(small_project: Project, tmp_path: Path) -> None:
    note(tmp_path, image_of(small_project), 3.0, tmp_path / "no.log")
    with (tmp_path / "times/stages.jsonl").open("a") as file:
        file.write('{"stage": "toolchain"}\n{"stage"\n[]\n{"notes": null}\n')
    assert [time.seconds for time in times(tmp_path, "toolchain")] == [3.0]


def test_the_last_builds_of_rustc_are_told(small_project: Project, tmp_path: Path) -> None:
    bench = MeasuredCell(
        session=good_session(small_project, tmp_path),
        cell=cells_of(small_project)[0],
    )
    assert measure_rustc(bench).figures == ()
    write(tmp_path, small_project, 1500, "beginning: nothing is kept from before", "36513 new, 0 changed, 0 gone")
    write(tmp_path, small_project, 1600, "beginning anew: the clock went back", "0 new, 0 changed, 0 gone")
    write(tmp_path, small_project, 170, "going on from the last build (8.0 s)", "0 new, 2 changed, 0 gone")
    write(tmp_path, small_project, 60, "going on from the last build (8.0 s)", "0 new, 0 changed, 0 gone")
    as_rustc(tmp_path)
    part = measure_rustc(bench)
    assert [(figure.name, figure.value, figure.reached) for figure in part.figures] == [
        ("rustc from nothing", 1600.0, None),
        ("rustc after a changed patch", 170.0, True),
    ]
    rows = list(part.details.values())[-1]
    assert rows == [
        ("going on from the last build", 8.0),
        ("sources: 0 new, 0 changed, 0 gone", 31.9),
        ("the build ended with exit code 0", 10.0),
    ]
