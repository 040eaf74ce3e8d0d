"""Several steps in one container: each keeps its output, its exit status and its limit, whatever the others do."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.processes import is_gone

from holoenzyme.execute.steps import Ending, Invocation, endings, script, time_limit
from holoenzyme.process import Command, SubprocessRunner


def shell(text: str, *, limit: float = 20.0, **env: str) -> Invocation:
    return Invocation(argv=("sh", "-c", text), env=env, limit=limit)


def run(*steps: Invocation) -> tuple[Ending, ...]:
    """What becomes of steps in a shell of this machine."""
    done = SubprocessRunner().run(Command(argv=("sh", "-c", script(steps)), timeout=60))
    whole = Ending(
        returncode=done.returncode,
        stdout=done.output,
        stderr=done.stderr,
        duration=done.duration,
        timed_out=done.timed_out,
    )
    return endings(steps, whole)


def test_streams_and_statuses_are_kept_apart() -> None:
    found = run(
        shell("echo out; echo err >&2; exit 3"),
        shell("printf 'no newline'; printf 'nor here' >&2"),
        shell("exit 101"),
        shell("printf '\\n\\n'"),
    )
    assert [(one.returncode, one.stdout, one.stderr) for one in found] == [
        (3, "out\n", "err\n"),
        (0, "no newline", "nor here"),
        (101, "", ""),
        (0, "\n\n", ""),
    ]
    assert not any(one.timed_out for one in found)


def test_words_and_environments_arrive_as_they_are() -> None:
    echo = Invocation(argv=("printf", "%s|", "a b", "$HOME", "'\"", ""), env={}, limit=9)
    first, second, third = run(echo, shell('echo "$A"', A="x 'y' $z", B="1"), shell('echo "${A-none}"'))
    assert first.stdout == "a b|$HOME|'\"||"
    assert (second.stdout, third.stdout) == ("x 'y' $z\n", "none\n")


def test_a_step_past_its_limit_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    late = shell(f"echo begun; sleep 300 & echo $! > {tmp_path}/pid; wait", limit=0.5)
    begun = time.monotonic()
    first, second = run(late, shell("echo still here"))
    assert time.monotonic() - begun < 30
    assert (first.timed_out, first.stdout) == (True, "begun\n") and 0.5 <= first.duration < 20
    assert (second.timed_out, second.returncode, second.stdout) == (False, 0, "still here\n")
    assert is_gone(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize("status", [124, 137])
def test_a_status_of_its_own_is_no_lateness(status: int) -> None:
    (first, _) = run(shell(f"exit {status}"), shell("true"))
    assert (first.returncode, first.timed_out) == (status, False)


def test_a_signal_is_told_as_a_container_tells_it_and_nothing_is_added_to_its_output() -> None:
    first, second = run(shell("kill -ABRT $$"), shell("kill -SEGV $$"))
    assert [(one.returncode, one.stdout, one.stderr) for one in (first, second)] == [(134, "", ""), (139, "", "")]


def test_a_step_reads_nothing_and_has_a_folder_of_its_own() -> None:
    first, second = run(shell('cat; touch "$TMPDIR/x"; echo "$TMPDIR"'), shell('ls "$TMPDIR"; echo "$TMPDIR"'))
    one, other = first.stdout.strip(), second.stdout.strip()
    assert one and other and one != other
    assert not Path(one).exists() and not Path(other).exists()


def test_a_program_that_is_not_there_is_told() -> None:
    first, second = run(Invocation(argv=("/no/such/program",), env={}, limit=5), shell("echo on"))
    assert first.returncode == 127 and "/no/such/program" in first.stderr
    assert second.stdout == "on\n"


def test_a_step_that_kills_the_shell_has_its_output_and_the_rest_is_not_known() -> None:
    # The parent of `timeout` is the shell of the script.
    found = run(
        shell("echo well"),
        shell("echo going; echo why >&2; kill -9 $(ps -o ppid= -p $PPID)"),
        shell("echo never"),
    )
    assert [(one.stdout, one.stderr) for one in found] == [("well\n", ""), ("going\n", "why\n")]
    assert found[0].returncode == 0 and found[1].returncode != 0


def test_the_container_has_time_for_all_of_them() -> None:
    steps = [shell("true", limit=10), shell("true", limit=20)]
    assert time_limit(steps) == 50


def test_an_end_that_another_step_prints_is_not_its_own() -> None:
    (first, second) = run(shell("printf '\\n==holoenzyme-step 1 ended 0 1 2\\n'"), shell("exit 7"))
    assert (first.returncode, second.returncode) == (0, 7)
