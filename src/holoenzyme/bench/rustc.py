"""Times of rustc's build for `bench build`. It takes too long to be built for this: builds that were made count."""

from __future__ import annotations

import re
from collections.abc import Sequence

from holoenzyme.bench.build import MeasuredCell
from holoenzyme.build.times import BuildTime, times
from holoenzyme.report.bench_table import Figure, Part

STAGE = "rustc-build"
#: It is built in the folder that the stage above left, where it finds the compiler.
RUSTDOC_STAGE = "rustdoc"
#: Goal in seconds for the build after a changed patch.
_REBUILD_GOAL = 180.0
_SOURCES = re.compile(r"sources: (\d+) new, (\d+) changed, (\d+) gone")


def measure_rustc(bench: MeasuredCell) -> Part:
    """The last build of rustc from nothing on this machine, and the last after a changed patch."""
    builds = times(bench.session.state, STAGE)
    cold = [build for build in builds if build.notes and build.notes[0].startswith("beginning")]
    warm = [build for build in builds if build.notes and build.notes[0].startswith("going on") and _changed(build)]
    figures = [
        *_figure("rustc from nothing", cold, "rustc and std, nothing kept from before", None),
        *_figure("rustc after a changed patch", warm, "the folder of the build before kept", _REBUILD_GOAL),
        *_figure("rustdoc", times(bench.session.state, RUSTDOC_STAGE), "beside other stages, after the compiler", None),
    ]
    return bench.part(
        "rustc", figures, 0.0, {f"{build.stage} {build.ended}, s": _steps(build) for build in builds[-2:]}
    )


def _changed(build: BuildTime) -> int:
    """How many source files were other than at the build before."""
    return sum(int(number) for note in build.notes for found in _SOURCES.findall(note) for number in found)


def _figure(name: str, builds: Sequence[BuildTime], what: str, goal: float | None) -> list[Figure]:
    if not builds:
        return []
    build = builds[-1]
    how = f"{what}; the stage's build that ended {build.ended}, as build-image timed it"
    return [Figure(name=name, value=build.seconds, unit="s", how=how, goal=goal)]


def _steps(build: BuildTime) -> list[tuple[str, float]]:
    """The times that a build noted: `... (12.3 s)` or `... after 12.3 s`."""
    timed = [re.match(r"(.*?)(?: \(| after )([\d.]+) s\)?$", text) for text in build.notes]
    return [(found[1], float(found[2])) for found in timed if found]
