"""Stages side by side: order, failures, Ctrl-C, and two builds at once."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import traceback
from concurrent.futures import _base as futures
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes import Build, FakeEngine, FakeRunner, failing, hanging
from tests.processes import PATIENCE
from tests.small_project import CELL, OTHER, edit, good_engine, good_session, graph_of, locked, seed, write_project

from holoenzyme.build.contexts import write_context
from holoenzyme.build.locks import held
from holoenzyme.build.planner import Resolved, inventory
from holoenzyme.build.scheduler import PlanAgain, Report, carry_out, context_folder, stage_lock
from holoenzyme.engine.base import BuildFailed
from holoenzyme.plan.decide import Action, Plan, decide
from holoenzyme.plan.graph import CREATED_LABEL, Graph
from holoenzyme.process import Command, SubprocessRunner
from holoenzyme.session import Project, Session


def press_ctrl_c() -> None:
    """What the kernel does on Ctrl-C, from another thread, once the main thread waits for stages."""
    identity = threading.main_thread().ident
    assert identity is not None
    while not waits_for_stages(identity):
        threading.Event().wait(0.001)
    signal.pthread_kill(identity, signal.SIGINT)


def waits_for_stages(identity: int) -> bool:
    """Whether a thread is inside `concurrent.futures.wait`."""
    stack = traceback.extract_stack(sys._current_frames()[identity])
    return any((frame.filename, frame.name) == (futures.__file__, "wait") for frame in stack)


class Recorder:
    """A board that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.waiting = threading.Event()

    def start(self, stage: str, doing: str, because: str) -> None:
        self.events.append((stage, doing))

    def line(self, stage: str, text: str) -> None:
        if "waiting" in text:
            self.events.append((stage, text))
            self.waiting.set()

    def finish(self, stage: str, how: str) -> None:
        self.events.append((stage, how))

    def ends(self) -> dict[str, str]:
        """How each stage ended."""
        return dict(self.events)


class Site:
    """A graph, an engine that has its base, real subprocesses, and a board."""

    def __init__(self, project: Project, state: Path, *cells: str) -> None:
        self.graph: Graph = graph_of(project, None, *cells)
        self.engine: FakeEngine = good_engine()
        seed(self.engine, self.graph, "base")
        self.runner = SubprocessRunner()
        self.session: Session = good_session(project, state, self.engine, self.runner)
        self.board = Recorder()

    def resolved(self, *, rebuild: bool = False) -> Resolved:
        plan = decide(self.graph, inventory(self.session, self.graph), rebuild=rebuild)
        return Resolved(resolution=locked(), graph=self.graph, plan=plan)

    def build(self, board: Recorder | None = None, *, no_cache: bool = False) -> Report:
        resolved = self.resolved(rebuild=no_cache)
        return carry_out(self.session, resolved, board or self.board, no_cache=no_cache, timeout=60)

    def has(self, stage: str) -> bool:
        """Whether a stage's image has its name."""
        return any(node.image in self.engine.tags for node in self.graph.nodes.values() if node.stage.name == stage)

    def runs_a_command(self) -> bool:
        """Whether the runner can be used."""
        return self.runner.run(Command(argv=("true",), timeout=10)).ok


@pytest.fixture
def site(small_project: Project, tmp_path: Path) -> Site:
    return Site(small_project, tmp_path / "state")


def test_each_stage_comes_after_those_that_it_needs(small_project: Project, tmp_path: Path) -> None:
    site = Site(small_project, tmp_path, CELL, OTHER)
    report = site.build()
    # The fake engine refuses a build whose FROM or COPY names an image that is not there.
    events = site.board.events
    for node in site.graph.nodes.values():
        for need in node.needs.values():
            if need.stage.name != "base" and node.stage.name != "toolchain":
                assert events.index((need.stage.name, "done")) < events.index((node.stage.name, "build"))
    assert sorted(report.built) == sorted(node.stage.name for node in site.graph.nodes.values() if node.needs)
    assert report.reused == ["base"] and report.loaded == []


def test_labels_and_names_are_those_of_the_graph(site: Site) -> None:
    site.build()
    for node in site.graph.nodes.values():
        image = site.engine.image(node.image)
        assert image is not None
        labels = dict(image.labels)
        # When it was built is not known beforehand, and the base is not built by the plan.
        assert (CREATED_LABEL in labels) == (node.stage.name != "base")
        labels.pop(CREATED_LABEL, None)
        assert labels == node.build_labels()


def test_independent_stages_run_at_the_same_time(site: Site) -> None:
    together = threading.Barrier(2)

    def meet(build: Build) -> None:
        together.wait(PATIENCE)

    site.engine.hooks = {"packages-rustc": meet, "packages-llvm": meet}
    site.build()
    assert site.has("toolchain")


def test_a_failing_stage_ends_the_others_and_leaves_no_name(site: Site) -> None:
    begun = threading.Event()

    def fail(build: Build) -> None:
        assert begun.wait(PATIENCE)
        failing("[2/3] RUN apt-get", "E: broken")(build)

    site.engine.hooks = {"packages-rustc": fail, "packages-llvm": hanging(site.runner, begun=begun)}
    with pytest.raises(BuildFailed, match=r"packages-rustc: step \[2/3\] RUN apt-get failed"):
        site.build()
    assert site.board.ends() == {"packages-rustc": "failed", "packages-llvm": "interrupted"}
    assert not any(site.has(stage) for stage in ("packages-rustc", "packages-llvm", "toolchain"))
    node = next(node for node in site.graph.nodes.values() if node.stage.name == "packages-rustc")
    folder = context_folder(site.session, node)
    assert (folder / "Dockerfile").read_text() == node.dockerfile
    assert (folder / "packages.sha256").is_file()
    assert folder.with_suffix(".log").read_text() == "#1 packages-rustc\n"


def test_after_a_failure_the_runner_still_runs_commands(site: Site) -> None:
    """A shell in the last good state, and a new plan, need it."""
    site.engine.hooks = {"packages-rustc": failing()}
    with pytest.raises(BuildFailed):
        site.build()
    assert site.runs_a_command()


def test_whatever_runner_it_is_it_is_stopped_and_resumed(small_project: Project, tmp_path: Path) -> None:
    """Nothing asks which class a runner is of: one of a machine elsewhere is stopped as this machine's own is."""
    told: list[str] = []

    class Elsewhere(FakeRunner):
        def stop(self) -> None:
            told.append("stop")

        def resume(self) -> None:
            told.append("resume")

    site = Site(small_project, tmp_path / "state")
    site.session = replace(site.session, runner=Elsewhere())
    site.engine.hooks = {"packages-rustc": failing()}
    with pytest.raises(BuildFailed):
        site.build()
    assert told == ["stop", "resume"]


def test_who_waits_for_a_lock_gives_up_when_its_runner_is_stopped(small_project: Project, tmp_path: Path) -> None:
    runner = FakeRunner()
    session = good_session(small_project, tmp_path, runner=runner)
    (tmp_path / "locks").mkdir()
    with (tmp_path / "locks/stage.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        # Who does not give up gets the lock in the end, so that the test fails instead of waiting for ever.
        release = threading.Timer(PATIENCE, fcntl.flock, (other, fcntl.LOCK_UN))
        release.start()
        try:
            with pytest.raises(KeyboardInterrupt), held(session, "stage", waiting=runner.stop):
                raise AssertionError("two have the lock")
        finally:
            release.cancel()
            release.join()


def test_ctrl_c_ends_what_runs_and_leaves_no_name(site: Site) -> None:
    begun = threading.Event()

    def interrupted(build: Build) -> None:
        assert begun.wait(PATIENCE)
        press_ctrl_c()
        hanging(site.runner)(build)

    site.engine.hooks = {"packages-rustc": interrupted, "packages-llvm": hanging(site.runner, begun=begun)}
    with pytest.raises(KeyboardInterrupt):
        site.build()
    assert site.board.ends() == {"packages-rustc": "interrupted", "packages-llvm": "interrupted"}
    assert not any(site.has(stage) for stage in ("packages-rustc", "packages-llvm", "toolchain"))
    site.engine.hooks.clear()
    site.build()
    assert site.has("toolchain")


def test_ctrl_c_in_a_build_leaves_no_name(site: Site) -> None:
    def interrupted(build: Build) -> None:
        raise KeyboardInterrupt

    site.engine.hooks = {"enzyme": interrupted}
    with pytest.raises(KeyboardInterrupt):
        site.build()
    assert site.board.ends()["enzyme"] == "interrupted"
    assert not site.has("enzyme") and not site.has("toolchain")
    assert site.has("packages-llvm"), "what was finished stays"


def test_ctrl_c_while_another_build_is_waited_for(site: Site) -> None:
    node = next(node for node in site.graph.nodes.values() if node.stage.name == "packages-rustc")

    def interrupt() -> None:
        assert site.board.waiting.wait(PATIENCE)
        press_ctrl_c()

    with stage_lock(site.session, node, waiting=lambda: None):
        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            site.build()
    assert ("packages-rustc", "another build makes it; waiting") in site.board.events
    assert site.board.ends()["packages-rustc"] == "interrupted"


def test_of_two_builds_one_builds_and_the_other_waits_and_reuses(site: Site) -> None:
    second = Recorder()
    reports: dict[str, Report] = {}

    def until_the_other_waits(build: Build) -> None:
        assert second.waiting.wait(PATIENCE)

    site.engine.hooks = {"packages-rustc": until_the_other_waits}
    begun = threading.Event()
    site.engine.hooks["packages-llvm"] = lambda build: begun.set()
    first = threading.Thread(target=lambda: reports.update(first=site.build()))
    first.start()
    assert begun.wait(PATIENCE)
    # Planned while the first one builds, so that its plan is to build everything too.
    while not any(build.stage == "packages-rustc" for build in site.engine.builds):
        begun.wait(0.001)
    reports["second"] = site.build(second)
    first.join(PATIENCE)
    assert sorted(site.engine.built) == sorted(set(site.engine.built)), "each stage was built once"
    assert ("packages-rustc", "another build makes it; waiting") in second.events
    assert second.ends()["packages-rustc"] == "reused"
    done = sorted(reports["first"].built + reports["second"].built)
    assert done == ["enzyme", "packages-llvm", "packages-rustc", "rustc", "toolchain"]


_HOLD = """
import sys
from pathlib import Path
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_is_waited_for_too(site: Site) -> None:
    node = next(node for node in site.graph.nodes.values() if node.stage.name == "packages-rustc")
    with stage_lock(site.session, node, waiting=lambda: None):
        (path,) = (site.session.state / "locks").iterdir()
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdin is not None and holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        build = threading.Thread(target=site.build)
        build.start()
        assert site.board.waiting.wait(PATIENCE)
        assert not site.has("packages-rustc")
        # The other process dies without letting go: the lock goes with it.
        holder.kill()
        build.join(PATIENCE)
    assert site.has("toolchain")


def test_without_cache_stages_are_built_although_they_exist(site: Site) -> None:
    site.build()
    before = {node.image: site.engine.image(node.image) for node in site.graph.nodes.values() if node.needs}
    site.engine.forget()
    site.build(no_cache=True)
    assert len(site.engine.built) == len(before)
    for name, old in before.items():
        new = site.engine.image(name)
        assert old is not None and new is not None and new.id != old.id


def test_only_a_stage_that_keeps_something_is_told_to_begin_anew(tmp_path: Path) -> None:
    root = write_project(tmp_path / "project")
    edit(root / "recipes/rustc/stage.Dockerfile.j2", "COPY exclude.conf", "ARG FRESH=\nCOPY exclude.conf")
    site = Site(Project(root), tmp_path / "state")
    site.build()
    assert all(build.request.args == {} for build in site.engine.builds), "what is kept is used"
    site.engine.forget()
    site.build(no_cache=True)
    assert {build.stage: build.request.args for build in site.engine.builds if build.request.args} == {
        "rustc": {"FRESH": "1"}
    }


def test_a_plan_that_has_nothing_to_do_asks_nothing(site: Site) -> None:
    seed(site.engine, site.graph)
    resolved = site.resolved()
    site.engine.forget()
    report = carry_out(site.session, resolved, site.board, timeout=60)
    assert (site.engine.questions, site.board.events) == (0, [])
    assert report.reused == ["toolchain"]


def test_a_context_has_what_is_hashed_whatever_stood_there(site: Site, tmp_path: Path) -> None:
    node = next(node for node in site.graph.nodes.values() if node.stage.name == "enzyme")
    folder = tmp_path / "context"
    folder.mkdir(mode=0o700)
    (folder / "left over").write_text("x")
    old = os.umask(0o077)
    try:
        write_context(folder, node)
    finally:
        os.umask(old)
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*")}
    assert {name: oct(path.stat().st_mode & 0o777) for name, path in files.items() if name != "Dockerfile"} == {
        "vendor": "0o755",
        "vendor/Cargo.lock": "0o644",
        "vendor/build.sh": "0o755",
    }
    assert "@image:" not in files["Dockerfile"].read_text()


class StoreBoard(Recorder):
    """Lets the loading of packages-rustc begin only when `begun` is set, and sets `ended` at its end."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.ended = threading.Event(), threading.Event()

    def start(self, stage: str, doing: str, because: str) -> None:
        super().start(stage, doing, because)
        if stage == "packages-rustc":
            assert self.begun.wait(PATIENCE)

    def finish(self, stage: str, how: str) -> None:
        super().finish(stage, how)
        if stage == "packages-rustc":
            self.ended.set()


def test_a_refused_store_does_not_end_what_runs(site: Site) -> None:
    """What is built at that time serves the new plan."""
    board = StoreBoard()

    def go_on(build: Build) -> None:
        board.begun.set()
        assert board.ended.wait(PATIENCE)
        assert site.runs_a_command()

    site.engine.hooks = {"packages-llvm": go_on}
    decisions = tuple(
        replace(decision, action=Action.LOAD) if decision.node.stage.name == "packages-rustc" else decision
        for decision in site.resolved().plan.decisions
    )
    resolved = Resolved(resolution=locked(), graph=site.graph, plan=Plan(decisions=decisions))
    with pytest.raises(PlanAgain):
        carry_out(site.session, resolved, board, timeout=60)
    assert board.ends() == {"packages-rustc": "failed", "packages-llvm": "done"}
    assert site.has("packages-llvm") and not site.has("packages-rustc")
    assert site.runs_a_command()
