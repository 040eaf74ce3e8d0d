"""The house: exit codes, the command line's errors, logs, linters, the lock of the Python environment."""

from __future__ import annotations

import ast
import errno
import logging
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
import types
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.fakes import Stoppable
from tests.processes import PATIENCE
from tests.small_project import CELL, OTHER, write_project

from holoenzyme import console
from holoenzyme.cli import lint
from holoenzyme.cli import main as cli
from holoenzyme.errors import ExitCode, InfrastructureError, InternalError, UserError
from holoenzyme.lint import linters
from holoenzyme.lint.files import project_files
from holoenzyme.process import Command, Completed

ROOT = Path(__file__).resolve().parents[2]


#: The stages of the small project that have a Dockerfile.
STAGES = ("packages-llvm", "packages-rustc", "enzyme", "rustc", "toolchain")

Capture = pytest.CaptureFixture[str]
Run = Callable[[list[str], Path], int]
Install = Callable[[Run], None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Install:
    """Makes `fake` a command that does what is given, in a project folder of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "matrix.yaml").touch()

    def install(run: Run) -> None:
        module = types.ModuleType("fake_command")
        module.__dict__["run"] = run
        monkeypatch.setitem(sys.modules, "fake_command", module)
        monkeypatch.setitem(
            cli.COMMANDS, "fake", cli.CommandEntry(target="fake_command:run", summary="made for a test")
        )

    return install


def raising(error: BaseException) -> Run:
    def run(argv: list[str], root: Path) -> int:
        raise error

    return run


# The command line


def test_command_gets_its_words_and_the_root(install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def run(argv: list[str], root: Path) -> int:
        seen.append((argv, root))
        return 7

    install(run)
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert cli.main(["-v", "fake", "a", "--verbose", "--", "-v"]) == 7
    assert seen == [(["a", "--", "-v"], tmp_path)]


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (
            UserError("no such cell", why="it is not there", fix="look"),
            2,
            "error: no such cell\n  why: it is not there\n  fix: look\n",
        ),
        (InfrastructureError("engine down", fix="start it"), 3, "infrastructure error: engine down\n  fix: start it\n"),
        (InternalError("wrong derivative"), 4, "internal error: wrong derivative\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (
            ValueError("surprise"),
            4,
            "internal error: ValueError: surprise\n  why: this is a bug in the project, not in what you typed\n",
        ),
        (
            OSError(28, "No space left on device"),
            3,
            "infrastructure error: [Errno 28] No space left on device\n"
            "  fix: free some space, or choose another folder\n",
        ),
    ],
)
def test_errors_have_a_message_and_a_code(
    install: Install, capsys: Capture, error: BaseException, code: int, text: str
) -> None:
    install(raising(error))
    assert cli.main(["fake"]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.sub(r"^  log: .*\n", "", shown.err, flags=re.MULTILINE) == text


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, 3), (errno.EDQUOT, 3), (errno.EROFS, 3), (errno.EACCES, 4), (errno.ENOENT, 4)]
)
def test_a_disk_that_takes_no_more_is_the_machines_fault(install: Install, number: int, code: int) -> None:
    install(raising(OSError(number, os.strerror(number))))
    assert cli.main(["fake"]) == code


def test_a_bug_leaves_its_traceback_in_the_log(install: Install, capsys: Capture, state: Path) -> None:
    install(raising(ValueError("surprise")))
    cli.main(["fake", "two words"])
    (file,) = (state / "logs").glob("*-fake-*.log")
    assert f"  log: {file} (HOLOENZYME_DEBUG=1 shows the traceback)\n" in capsys.readouterr().err
    text = file.read_text()
    assert text.startswith("holoenzyme fake 'two words'\n")
    assert "Traceback (most recent call last)" in text
    assert "ValueError: surprise" in text


def test_debug_shows_the_traceback(install: Install, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLOENZYME_DEBUG", "1")
    install(raising(ValueError("surprise")))
    cli.main(["fake"])
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_state_folder_that_cannot_be_made_stops_nothing(
    install: Install, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOLOENZYME_STATE", str(tmp_path / "file/state"))
    install(raising(ValueError("surprise")))
    assert cli.main(["fake"]) == 4
    shown = capsys.readouterr().err
    assert "warning: no log file is written: " in shown
    assert "Traceback (most recent call last)" in shown


def test_verbose_shows_the_lines_that_are_run(install: Install, capsys: Capture) -> None:
    def run(argv: list[str], root: Path) -> int:
        logging.getLogger("holoenzyme.process").info("%s", Command(argv=("true", "a b"), timeout=10).replay())
        return 0

    install(run)
    assert cli.main(["fake"]) == 0
    assert capsys.readouterr().err == ""
    assert cli.main(["fake", "-v"]) == 0
    assert capsys.readouterr().err == "+ true 'a b'\n"


def test_a_request_to_end_is_an_interruption(install: Install, capsys: Capture) -> None:
    def run(argv: list[str], root: Path) -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
        return 0

    install(run)
    assert cli.main(["fake"]) == 130
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_mistyped_command_gets_the_nearest(capsys: Capture) -> None:
    assert cli.main(["biuld-image"]) == 2
    assert capsys.readouterr().err == "error: unknown command 'biuld-image'\n  fix: did you mean build-image?\n"
    assert cli.main(["qqq"]) == 2
    assert f"  fix: the commands are {', '.join(cli.COMMANDS)}\n" in capsys.readouterr().err


def test_error_before_the_log_is_open_is_shown_once() -> None:
    words = [sys.executable, "-m", "holoenzyme", "matrx"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: unknown command 'matrx'\n  fix: did you mean matrix?\n"


def test_help_names_every_command(capsys: Capture) -> None:
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in cli.COMMANDS)
    assert cli.main([]) == 2
    assert cli.main(["--version"]) == 0


def test_root_is_told_or_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"no matrix\.yaml in .* or above"):
        cli.find_root(tmp_path)
    monkeypatch.setenv("HOLOENZYME_ROOT", str(tmp_path))
    with pytest.raises(UserError, match=r"HOLOENZYME_ROOT=.* has no matrix\.yaml"):
        cli.find_root(Path("/"))
    (tmp_path / "matrix.yaml").touch()
    assert cli.find_root(Path("/")) == tmp_path


def test_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "matrix.yaml").touch()
    script = (
        "import sys, types; from holoenzyme import console; from holoenzyme.cli import main as cli\n"
        "fake = types.ModuleType('fake'); sys.modules['fake'] = fake\n"
        "def plain(argv, root):\n    for number in range(100000): print(number)\n    return 0\n"
        "def rich(argv, root):\n    for number in range(5000): console.out().print(number)\n    return 0\n"
        "fake.run = {'plain': plain, 'rich': rich}[sys.argv[1]]\n"
        "cli.COMMANDS['fake'] = cli.CommandEntry(target='fake:run', summary='')\n"
        "sys.exit(cli.main(['fake']))"
    )
    for way in ("plain", "rich"):
        with subprocess.Popen(
            [sys.executable, "-c", script, way], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            assert process.stderr.read() == ""
            assert process.wait(PATIENCE) == ExitCode.READER_GONE


def test_a_broken_pipe_elsewhere_is_an_error(install: Install, capsys: Capture, tmp_path: Path) -> None:
    install(raising(BrokenPipeError(32, "Broken pipe")))
    with (tmp_path / "out").open("w") as file, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", file)
        assert cli.main(["fake"]) == 4


def test_answers_fast_because_heavy_modules_are_imported_late() -> None:
    script = "import sys; import holoenzyme.cli.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"rich", "pydantic", "docker", "jinja2", "requests"} & set(done.stdout.split())


# The state folder, and logs


def test_state_folder_is_told_or_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOLOENZYME_STATE", "relative")
    assert console.state_dir() == Path.cwd() / "relative"
    monkeypatch.delenv("HOLOENZYME_STATE")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert console.state_dir() == tmp_path / "holoenzyme"


def test_old_logs_go(state: Path) -> None:
    logs = state / "logs"
    logs.mkdir(parents=True)
    for number in range(console.LOGS_KEPT + 5):
        (logs / f"20200101T{number:06}-old-1.log").touch()
    console.start_logging("new", ["new"], verbose=False)
    assert console.log_file() is None
    console.log.info("something")
    assert console.log_file() in set(logs.iterdir())
    console.stop_logging()
    assert len(list(logs.iterdir())) == console.LOGS_KEPT


# The linters


class FakeRunner(Stoppable):
    """Answers every command with one exit code and one output, and remembers it."""

    def __init__(self, returncode: int = 0, output: str = "") -> None:
        super().__init__()
        self.returncode, self.output = returncode, output
        self.argvs: list[tuple[str, ...]] = []

    def run(
        self,
        command: Command,
        *,
        on_line: Callable[[str], None] | None = None,
        log_file: Path | None = None,
        merge: bool = False,
    ) -> Completed:
        self.argvs.append(command.argv)
        return Completed(command=command, returncode=self.returncode, output=self.output, stderr="", duration=0.0)


def test_long_modules_are_found(tmp_path: Path) -> None:
    (tmp_path / "fits.py").write_text("\n" * linters.MODULE_LINES)
    (tmp_path / "long.py").write_text("\n" * (linters.MODULE_LINES + 1))
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/foreign.py").write_text("\n" * 9999)
    assert linters.long_modules(tmp_path) == ["long.py: 501 lines, at most 500: split it"]


@pytest.mark.parametrize("home", ["root", "home", "Users", "work"])
def test_machine_paths_are_found(tmp_path: Path, home: str) -> None:
    (tmp_path / "a.md").write_text(f"first\nsee /{home}/me/x\n")
    (tmp_path / "b.md").write_text(f"$HOME/{home}/x ./{home}/x ~/{home}/x https://a.example/{home}/x /usr/{home}/x\n")
    (tmp_path / "c.bin").write_bytes(b"\xff /" + home.encode() + b"/x")
    assert linters.machine_paths(tmp_path) == [
        f"a.md:2:5: /{home}/ is a path of one machine: make it relative, or a variable"
    ]


def test_build_results_are_no_files_of_the_project_and_a_room_called_build_is(tmp_path: Path) -> None:
    for name in ("build/log", "crates/a/target/x", "crates/a/src/lib.rs", "src/build/a.py", "src/__pycache__/a.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [str(path.relative_to(tmp_path)) for path in project_files(tmp_path)]
    assert found == ["crates/a/src/lib.rs", "src/build/a.py"]


def test_a_class_has_a_name_of_its_own(root: Path) -> None:
    """A reader who meets a name finds one thing under it; private ones stay in their module."""
    found: dict[str, list[str]] = {}
    for path in sorted((root / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(f"{path.relative_to(root)}:{node.lineno}")
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


def test_no_folder_of_tests_is_passed_over(root: Path, pytestconfig: pytest.Config) -> None:
    patterns = pytestconfig.getini("norecursedirs")
    folders = {path.parent.name for path in (root / "tests").rglob("test_*.py")}
    assert "build" in folders
    assert not [name for name in folders if any(fnmatch(name, pattern) for pattern in patterns)]


def test_shell_scripts_are_known_by_their_first_line(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    for name, first in {
        ".ci/run": "#!/bin/bash",
        "a": "#!/bin/sh",
        "b": "#!/usr/bin/env python3",
        "c": "text sh",
    }.items():
        (tmp_path / name).write_text(f"{first}\n")
    assert [str(path.relative_to(tmp_path)) for path in linters.shell_scripts(tmp_path)] == [".ci/run", "a"]


def linter(name: str, found: str | Exception) -> linters.Linter:
    def check(root: Path, runner: object) -> str:
        if isinstance(found, Exception):
            raise found
        return found

    return linters.Linter(name=name, summary=f"about {name}", check=check)


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (["", ""], 0),
        (["", "a.py:1: bad", ""], 1),
        ([InfrastructureError("engine down"), ""], 3),
        ([InfrastructureError("engine down"), "bad"], 1),
        ([ValueError("a bug"), ""], 4),
    ],
)
def test_all_linters_run_and_have_a_line(capsys: Capture, found: list[str | Exception], code: int) -> None:
    chosen = tuple(linter(f"l{number}", what) for number, what in enumerate(found))
    assert linters.lint(Path(), FakeRunner(), chosen) == code
    shown = capsys.readouterr().err
    words = re.findall(r"^(ok|failed) +l\d +\d+\.\d s  about l\d$", shown, flags=re.MULTILINE)
    assert words == ["failed" if what else "ok" for what in found]
    assert all(str(what) in shown for what in found)


def test_linters_of_the_house_pass_on_what_programs_say(root: Path) -> None:
    bad = FakeRunner(returncode=1, output="x.py:1:1: wrong\n")
    for each in linters.LINTERS:
        if each.name in ("ruff", "format", "mypy", "imports", "shellcheck"):
            assert each.check(root, bad) == "x.py:1:1: wrong"
            assert each.check(root, FakeRunner()) == ""
    assert Path(linters.program("shellcheck")).is_file()
    assert Path(linters.program("hadolint")).is_file()


def test_unknown_linter_is_the_users_error(root: Path) -> None:
    with pytest.raises(UserError, match="unknown linter 'rusty'"):
        lint.run(["rusty"], root)


def test_hadolint_sees_every_dockerfile_below_a_folder(tmp_path: Path) -> None:
    for name in ("cell/1-enzyme", "cell/2-toolchain"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "Dockerfile").write_text("FROM scratch\n")
    runner = FakeRunner()
    assert linters.lint_dockerfiles(tmp_path, tmp_path / "rules.yaml", runner) == ""
    assert runner.argvs == [
        (
            linters.program("hadolint"),
            "--no-color",
            "--config",
            str(tmp_path / "rules.yaml"),
            str(tmp_path / "cell/1-enzyme/Dockerfile"),
            str(tmp_path / "cell/2-toolchain/Dockerfile"),
        )
    ]
    bad = FakeRunner(returncode=1, output="x/Dockerfile:1 DL3006\n")
    assert linters.lint_dockerfiles(tmp_path, tmp_path / "rules.yaml", bad) == "x/Dockerfile:1 DL3006"
    assert linters.lint_dockerfiles(tmp_path / "none", tmp_path / "rules.yaml", runner) == "no Dockerfile was rendered"


def test_hadolint_gets_the_dockerfiles_of_every_image(tmp_path: Path) -> None:
    root = write_project(tmp_path)
    (hadolint,) = [each for each in linters.LINTERS if each.name == "hadolint"]
    runner = FakeRunner()
    assert hadolint.check(root, runner) == ""
    (words,) = runner.argvs
    assert words[3] == str(root / ".hadolint.yaml")
    rendered = {tuple(Path(word).parts[-4:-1]) for word in words[4:]}
    assert {(cell, name.partition("-")[2]) for _, cell, name in rendered} == {
        (cell, stage) for cell in (CELL, OTHER) for stage in STAGES
    }
    assert {image for image, _, _ in rendered} == {"toolchain"}


# The lock of the Python environment


def test_lock_has_every_dependency_with_hashes_and_no_host(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    lock = (root / "requirements/lock.txt").read_text()
    blocks = re.split(r"\n(?=[a-z])", re.sub(r"^ *#.*\n", "", lock, flags=re.MULTILINE))
    locked = {match[1] for block in blocks if (match := re.match(r"([a-z0-9-]+)==\S+", block))}
    assert len(locked) == len(blocks)
    assert {canonicalize_name(Requirement(each).name) for each in wanted} <= locked
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in lock
