"""The launcher scripts/python-env with programs made for the test, and the exit codes that come out of Nox."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.processes import PATIENCE

from holoenzyme.cli import main as cli

ROOT = Path(__file__).resolve().parents[2]

#: What the launcher may use of the real system.
TOOLS = ["cat", "chmod", "cmp", "cp", "date", "flock", "ln", "mkdir", "mv", "readlink", "rm", "sed", "sh", "sleep"]
TOOLS += ["tail", "timeout", "touch", "wc"]

#: A Python that is one: `venv` copies it, `pip` and the first look succeed. What it is asked goes to `calls`.
PYTHON = """
case $* in
    *version_info*) [ -z "${OLD_PYTHON:-}" ] || exit 1; echo "$HERE/python3" ;;
    *ensurepip*) [ -e "$HERE/ensurepip" ] ;;
    "-m venv"*) for last; do :; done; echo venv >>"$HERE/calls"
        mkdir -p "$last/bin" "$last/lib/python3.11/site-packages"; cp "$HERE/python3" "$last/bin/python" ;;
    "-m pip"*) echo pip >>"$HERE/calls"; [ ! -e "$HERE/slow" ] || sleep 1
        [ ! -e "$HERE/no-index" ] || { echo "no index answers" >&2; exit 1; } ;;
    *import*) ;;
    *) echo "python: $*" >&2; exit 99 ;;
esac
"""

UV = """
case $* in
    --version) ;;
    venv*) for last; do :; done; echo "uv venv" >>"$HERE/calls"
        mkdir -p "$last/bin" "$last/lib/python3.11/site-packages"; cp "$HERE/a-python" "$last/bin/python" ;;
    pip*) echo "uv pip" >>"$HERE/calls"; [ ! -e "$HERE/uv-fails" ] || { echo "uv says no" >&2; exit 2; } ;;
esac
"""

APT = """
echo "apt-get $*" >>"$HERE/calls"
[ ! -e "$HERE/stale" ] || { rm "$HERE/stale"; exit 100; }
case $* in *install*) touch "$HERE/ensurepip" ;; esac
"""

VIRTUALENV = """
for last; do :; done; echo "virtualenv" >>"$HERE/calls"
mkdir -p "$last/bin" "$last/lib/python3.11/site-packages"; cp "$HERE/a-python" "$last/bin/python"
"""


class Machine:
    """A project folder, and a PATH with chosen programs."""

    def __init__(self, folder: Path) -> None:
        self.root, self.bin = folder / "a project", folder / "bin"
        self.bin.mkdir()
        for name in TOOLS:
            found = shutil.which(name)
            assert found, name
            (self.bin / name).symlink_to(found)
        self.program("a-python", PYTHON)
        self.program("id", "echo 1000")
        for name in ("scripts", "requirements"):
            (self.root / name).mkdir(parents=True)
        shutil.copy(ROOT / "scripts/python-env", self.root / "scripts")
        self.lock = self.root / "requirements/lock.txt"
        self.lock.write_text("a==1\n")
        self.env = self.root / ".venv"

    def program(self, name: str, script: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\nHERE={self.bin}\n{script}\n")
        path.chmod(0o755)

    def start(self, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.bin / "sh"), "scripts/python-env"],
            cwd=self.root,
            env={"PATH": str(self.bin), **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, **environ: str) -> tuple[int, str, str]:
        process = self.start(**environ)
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, re.sub(r"in \d+ s", "in N s", err)

    def calls(self) -> list[str]:
        path = self.bin / "calls"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def with_venv(machine: Machine) -> Machine:
    machine.program("python3", PYTHON)
    (machine.bin / "ensurepip").touch()
    return machine


def made(machine: Machine) -> str:
    return f"{machine.env}/bin/python\n"


def test_uv_comes_first(machine: Machine) -> None:
    with_venv(machine).program("uv", UV)
    assert machine.run() == (
        0,
        made(machine),
        "making the Python environment .venv from requirements/lock.txt, with uv\nmade the Python environment in N s\n",
    )
    assert machine.calls() == ["uv venv", "uv pip"]
    assert (machine.env / "made-from.lock").read_text() == "a==1\n"
    site = machine.env / "lib/python3.11/site-packages"
    assert (site / (site / "holoenzyme.pth").read_text().strip()).resolve() == machine.root / "src"


def test_uv_that_fails_is_followed_by_venv(machine: Machine) -> None:
    with_venv(machine).program("uv", UV)
    (machine.bin / "uv-fails").touch()
    code, out, err = machine.run()
    assert (code, out) == (0, made(machine))
    assert "uv says no" in err
    assert machine.calls() == ["uv venv", "uv pip", "venv", "pip"]


def test_python_alone_is_enough(machine: Machine) -> None:
    code, out, err = with_venv(machine).run()
    assert (code, out) == (0, made(machine))
    assert f"with {machine.bin}/python3 -m venv" in err
    assert machine.calls() == ["venv", "pip"]


def test_nothing_is_done_twice(machine: Machine) -> None:
    with_venv(machine).run()
    assert machine.run() == (0, made(machine), "")
    assert machine.calls() == ["venv", "pip"]


def test_moved_project_keeps_its_environment(machine: Machine) -> None:
    with_venv(machine).run()
    moved = machine.root.with_name("elsewhere")
    machine.root.rename(moved)
    machine.root, machine.env = moved, moved / ".venv"
    assert machine.run() == (0, made(machine), "")


def test_another_lock_makes_another_environment(machine: Machine) -> None:
    with_venv(machine).run()
    (machine.env / "left-over").touch()
    machine.lock.write_text("a==2\n")
    assert machine.run()[0] == 0
    assert machine.calls() == ["venv", "pip"] * 2
    assert not (machine.env / "left-over").exists()


def test_python_that_went_away_makes_another_environment(machine: Machine) -> None:
    with_venv(machine).run()
    (machine.env / "bin/python").unlink()
    (machine.env / "bin/python").symlink_to("/nowhere/python3.11")
    assert machine.run()[:2] == (0, made(machine))
    assert machine.calls() == ["venv", "pip"] * 2


def test_half_made_environment_is_not_used(machine: Machine) -> None:
    with_venv(machine)
    (machine.bin / "no-index").touch()
    code, out, err = machine.run()
    assert (code, out) == (3, "")
    assert "  | no index answers\n" in err
    assert "infrastructure error: the Python environment could not be made" in err
    assert (machine.env / "bin/python").exists()
    (machine.bin / "no-index").unlink()
    assert machine.run()[:2] == (0, made(machine))


def test_root_on_debian_gets_the_missing_package(machine: Machine) -> None:
    machine.program("python3", PYTHON)
    machine.program("apt-get", APT)
    machine.program("id", "echo 0")
    (machine.bin / "stale").touch()
    code, out, err = machine.run()
    assert (code, out) == (0, made(machine))
    install = "apt-get install -y --no-install-recommends python3-venv"
    assert machine.calls() == [install, "apt-get update", install, "venv", "pip"]
    assert "installing the Debian package python3-venv" in err


def test_others_on_debian_get_the_command(machine: Machine) -> None:
    machine.program("python3", PYTHON)
    machine.program("apt-get", APT)
    assert machine.run() == (
        3,
        "",
        "infrastructure error: there is no uv, no pipx and no virtualenv, and no Python 3.11 or newer that can make"
        " environments\n  fix: sudo apt-get install python3-venv\n",
    )
    assert machine.calls() == []


@pytest.mark.parametrize("name", ["virtualenv", "pipx"])
def test_virtualenv_and_pipx_help_out(machine: Machine, name: str) -> None:
    machine.program("python3", PYTHON)
    machine.program(name, VIRTUALENV)
    code, out, err = machine.run()
    assert (code, out) == (0, made(machine))
    assert machine.calls() == ["virtualenv", "pip"]
    assert ("with pipx run virtualenv" if name == "pipx" else "with virtualenv") in err


def test_two_launchers_make_one_environment(machine: Machine) -> None:
    with_venv(machine)
    (machine.bin / "slow").touch()
    both = [machine.start(), machine.start()]
    errors = []
    for process in both:
        out, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, out) == (0, made(machine))
        errors.append(err)
    assert machine.calls() == ["venv", "pip"]
    assert sum("another launcher is making the Python environment" in err for err in errors) == 1


def test_killed_launcher_leaves_no_lock(machine: Machine) -> None:
    with_venv(machine)
    with (machine.root / ".venv.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        process = machine.start()
        assert process.stderr is not None
        assert "another launcher is making the Python environment" in process.stderr.readline()
    out, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (0, made(machine))


# Nox: whichever it is, the exit code of the command comes out of it

MAIN = """
import pathlib, sys, time
how = sys.argv[2] if len(sys.argv) > 2 else "0"
print("ran", *sys.argv[1:], flush=True)
if how == "wait":
    import signal
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    pathlib.Path("started").touch()
    try:
        time.sleep(600)
    except KeyboardInterrupt:
        time.sleep(0.5)
        pathlib.Path("tidied").touch()
        sys.exit(130)
sys.exit(int(how))
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project whose commands end with the exit code that they are told, and whose environment is this one."""
    for name in ("scripts", "requirements", "src/holoenzyme", ".venv/bin"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("scripts/nox", "scripts/python-env", "noxfile.py", "requirements/lock.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "requirements/lock.txt", tmp_path / ".venv/made-from.lock")
    (tmp_path / "src/holoenzyme/__init__.py").touch()
    (tmp_path / "src/holoenzyme/__main__.py").write_text(MAIN)
    python = tmp_path / ".venv/bin/python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{tmp_path}/src" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return tmp_path


LAUNCHERS = {"scripts/nox": ["scripts/nox"], "nox": [sys.executable, "-m", "nox"]}


@pytest.mark.parametrize("way", LAUNCHERS)
@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 130])
def test_exit_code_comes_out_of_nox(tree: Path, way: str, code: int) -> None:
    words = [*LAUNCHERS[way], "-s", "matrix", "plan", "--", str(code), "--json", "a b"]
    done = subprocess.run(words, cwd=tree, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == code
    ran = ["ran matrix", "ran plan"] if code == 0 else ["ran matrix"]
    assert done.stdout.splitlines() == [f"{each} {code} --json a b" for each in ran]


def test_launcher_works_from_anywhere(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    link = elsewhere / "link"
    link.symlink_to(tree / "scripts/nox")
    for name in (tree / "scripts/nox", link):
        done = subprocess.run([name, "-s", "doctor"], cwd=elsewhere, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "ran doctor\n")


def test_missing_environment_ends_nox_with_its_code(tree: Path) -> None:
    (tree / ".venv/made-from.lock").unlink()
    (tree / "build").write_text("a file in the way")
    done = subprocess.run([*LAUNCHERS["nox"], "-s", "matrix"], cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "cannot be written to" in done.stderr


@pytest.mark.parametrize("way", ["ctrl-c", "kill"])
def test_interrupted_command_tidies_up_first(tree: Path, way: str) -> None:
    words = ["scripts/nox", "-s", "matrix", "--", "wait"]
    with subprocess.Popen(words, cwd=tree, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        for _ in range(2400):
            if (tree / "started").exists():
                break
            time.sleep(0.05)
        if way == "ctrl-c":
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.terminate()
        assert process.wait(PATIENCE) == 130
    assert (tree / "tidied").exists()


def test_every_command_is_a_session() -> None:
    words = [sys.executable, "-m", "nox", "--list-sessions"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(re.findall(r"^[*-] (\S+)", done.stdout, flags=re.MULTILINE)) == {*cli.COMMANDS, "tests"}
