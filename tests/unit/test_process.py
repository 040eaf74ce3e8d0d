"""The one place that starts subprocesses: limits, groups, replay lines, and being stopped."""

from __future__ import annotations

import os
import shlex
import signal
import threading
from pathlib import Path

import pytest
from tests.processes import PATIENCE, is_gone

from holoenzyme import process
from holoenzyme.errors import InfrastructureError
from holoenzyme.process import Command, Completed, SubprocessRunner

#: Seconds for what has to say something before its time is up: more of them where a loaded machine needs them.
LIMITS = (0.3, 3.0, 30.0)


def sh(script: str, *, timeout: float = PATIENCE, **more: object) -> Command:
    return Command(argv=("sh", "-c", script), timeout=timeout, **more)  # type: ignore[arg-type]


def run(command: Command, *, merge: bool = False) -> Completed:
    return SubprocessRunner().run(command, merge=merge)


def test_streams_are_kept_apart_or_together() -> None:
    apart = run(sh("echo out; echo err >&2; exit 3"))
    assert (apart.output, apart.stderr, apart.returncode, apart.ok) == ("out\n", "err\n", 3, False)
    together = run(sh("echo out; echo err >&2; echo out"), merge=True)
    assert (together.output, together.stderr, together.ok) == ("out\nerr\nout\n", "", True)


def test_environment_folder_and_input(tmp_path: Path) -> None:
    command = Command(
        argv=("sh", "-c", 'echo "$WORD"; pwd; cat'), timeout=PATIENCE, cwd=tmp_path, env={"WORD": "a b"}, stdin="given"
    )
    assert run(command).output == f"a b\n{tmp_path}\ngiven"


def test_without_input_there_is_none() -> None:
    assert run(sh("cat; echo end")).output == "end\n"


def test_a_program_that_does_not_read_its_input() -> None:
    assert run(sh("exit 0", stdin="x" * 1_000_000)).ok


def test_output_that_is_no_text_does_no_harm() -> None:
    assert run(sh(r"printf '\377\n'")).output == "\ufffd\n"


def test_lines_go_on_as_they_come_and_into_a_log_file(tmp_path: Path) -> None:
    log_file = tmp_path / "deep" / "log"
    seen: list[str] = []
    done = SubprocessRunner().run(sh("echo one; echo; echo two"), on_line=seen.append, log_file=log_file)
    assert seen == ["one", "", "two"]
    assert log_file.read_text() == done.output == "one\n\ntwo\n"


def test_a_line_is_passed_on_before_the_command_ends(tmp_path: Path) -> None:
    flag = tmp_path / "seen"
    script = f"echo first; while [ ! -e {shlex.quote(str(flag))} ]; do sleep 0.01; done; echo last"
    seen: list[str] = []

    def on_line(line: str) -> None:
        seen.append(line)
        flag.touch()

    assert SubprocessRunner().run(sh(script), on_line=on_line).ok
    assert seen == ["first", "last"]


def test_output_beyond_the_limit_is_only_in_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "OUTPUT_LIMIT", 1000)
    done = SubprocessRunner().run(sh("for i in $(seq 500); do echo line $i; done"), log_file=tmp_path / "log")
    assert 1000 <= len(done.output) < 1100
    assert (tmp_path / "log").read_text().splitlines()[-1] == "line 500"


def test_the_time_limit_ends_the_whole_group(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"sleep 600 & echo $! > {pids}; (trap '' TERM; sh -c 'echo $PPID' >> {pids}; sleep 600; sleep 600) & wait"
    for limit in LIMITS:
        done = run(sh(script, timeout=limit))
        assert done.timed_out and not done.ok
        found = [int(word) for word in pids.read_text().split()] if pids.is_file() else []
        if len(found) == 2:
            break
    assert len(found) == 2
    assert all(is_gone(pid) for pid in found), "one of them does not listen to SIGTERM"


def test_what_was_printed_before_the_limit_is_kept() -> None:
    for limit in LIMITS:
        done = run(sh("echo begun; sleep 600", timeout=limit))
        if done.output:
            break
    assert (done.timed_out, done.output) == (True, "begun\n")
    with pytest.raises(InfrastructureError) as caught:
        done.check("the thing")
    assert str(caught.value) == (
        "the thing failed\n  why: ran past its time limit: sh -c 'echo begun; sleep 600'\nbegun"
    )


def test_a_failure_is_told_with_the_end_of_the_output() -> None:
    done = run(sh("for i in $(seq 30); do echo line $i; done; exit 7"))
    with pytest.raises(InfrastructureError) as caught:
        done.check("the thing", fix="do it by hand")
    assert caught.value.what == "the thing failed" and caught.value.fix == "do it by hand"
    assert caught.value.why is not None
    first, *tail = caught.value.why.splitlines()
    assert first.startswith("ended with exit status 7: sh -c ")
    assert tail == [f"line {number}" for number in range(16, 31)]


def test_a_success_is_passed_on() -> None:
    done = run(sh("true"))
    assert done.check("nothing") is done


@pytest.mark.parametrize("argv", [("no-such-program-at-all",), ("/",)])
def test_a_program_that_cannot_be_started(argv: tuple[str, ...]) -> None:
    with pytest.raises(InfrastructureError) as caught:
        run(Command(argv=argv, timeout=PATIENCE))
    assert caught.value.what == f"{argv[0]} could not be started"
    assert caught.value.fix == "`nox -s doctor` says what is missing and how to install it"


def test_a_line_to_run_it_again(tmp_path: Path) -> None:
    command = Command(
        argv=("printf", "%s|", "a b", "it's", "$HOME", ""),
        timeout=PATIENCE,
        cwd=tmp_path / "with space",
        env={"B": "2 3", "A": "$x"},
    )
    (tmp_path / "with space").mkdir()
    line = command.replay()
    assert line == (f"cd '{tmp_path}/with space' && A='$x' B='2 3' printf '%s|' 'a b' 'it'\"'\"'s' '$HOME' ''")
    assert run(Command(argv=("sh", "-c", line), timeout=PATIENCE)).output == "a b|it's|$HOME||" == run(command).output


def test_stopping_ends_what_runs_in_other_threads() -> None:
    runner = SubprocessRunner()
    begun = threading.Event()
    ends: list[str] = []

    def work() -> None:
        try:
            runner.run(sh("echo begun; sleep 600", timeout=600), on_line=lambda line: begun.set())
        except KeyboardInterrupt:
            ends.append("interrupted")

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(PATIENCE)
    runner.stop()
    thread.join(PATIENCE)
    assert ends == ["interrupted"] and runner.stopped


def test_a_stopped_runner_starts_nothing_until_it_is_resumed(tmp_path: Path) -> None:
    runner = SubprocessRunner()
    runner.stop()
    with pytest.raises(KeyboardInterrupt):
        runner.run(Command(argv=("touch", str(tmp_path / "x")), timeout=PATIENCE))
    assert not (tmp_path / "x").exists()
    runner.resume()
    assert runner.run(sh("true")).ok


def test_no_process_slips_through_a_stop() -> None:
    """Commands that start at the very moment of the stop end too."""
    for _ in range(10):
        runner = SubprocessRunner()
        ready = threading.Barrier(3)
        ends: list[str] = []

        def work(runner: SubprocessRunner = runner, ready: threading.Barrier = ready, ends: list[str] = ends) -> None:
            ready.wait(PATIENCE)
            try:
                runner.run(sh("sleep 600", timeout=600))
            except KeyboardInterrupt:
                ends.append("interrupted")

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        ready.wait(PATIENCE)
        runner.stop()
        for thread in threads:
            thread.join(PATIENCE)
        assert ends == ["interrupted"] * 2


def test_ctrl_c_while_waiting_ends_the_command(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"

    def press(line: str) -> None:
        pid_file.write_text(line)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        SubprocessRunner().run(sh("echo $$; sleep 600", timeout=600), on_line=press)
    assert is_gone(int(pid_file.read_text()))
