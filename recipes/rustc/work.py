"""Run a build in a folder that is kept between builds, so that a changed patch costs minutes and never a wrong reuse.

    work.py --source DIR --patches DIR --work DIR --config FILE --key TEXT [--fresh] -- COMMAND...

`--source` is a pristine tree and `--patches` a folder with `series` and the patches that it names. `--work` is kept: it
holds `source` (the patched tree), `config` (a copy of FILE), and whatever COMMAND makes while it runs there.

Sources are compared by content: a file that is the same keeps its time, one that differs gets the time of now, one that
is gone is removed. (Times of an archive would not do: a build that looks at times takes an older file for a built one.)

What COMMAND made is used again only if nothing speaks against it. All of it is removed first where `--fresh` asks for
that, where `--key` (all that may never be mixed: versions, configuration) is another than last time, where the last
build did not come to its end, where the clock went back, and where any file is not as the last build left it.

It stands alone, with nothing but the standard library and `patch`: it runs inside a build.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

#: Part of every key: another way of keeping the folder begins anew.
FORMAT = "1"
STATE = "state.json"
SOURCE = "source"
CONFIG = "config"
_TOUCHED = re.compile(r"^(?:---|\+\+\+) (?:[ab]/([^\t\n]+)|/dev/null)", re.MULTILINE)


class Refused(Exception):
    """A patch that does not apply, or a series that does not fit its folder."""


def say(text: str) -> None:
    """Tell it at once, in order with what the build prints."""
    print(f"work: {text}", file=sys.stderr, flush=True)


def walk(folder: Path) -> Iterator[str]:
    """The files and links below a folder, as paths relative to it, in order."""
    for where, folders, names in os.walk(folder):
        linked = [name for name in folders if (Path(where) / name).is_symlink()]
        for name in sorted([*names, *linked]):
            yield os.path.relpath(Path(where) / name, folder)


# Patches


def series(patches: Path) -> list[Path]:
    """The patches that the file `series` names, in order: each once, each there, and none beside them."""
    names = [line.strip() for line in (patches / "series").read_text("utf-8").splitlines()]
    names = [name for name in names if name and not name.startswith("#")]
    there = {path.name for path in patches.glob("*.patch")}
    wrong = [f"{name} is there twice" for name in sorted({name for name in names if names.count(name) > 1})]
    wrong += [f"{name} is named and not there" for name in names if name not in there]
    wrong += [f"{name} is there and not named" for name in sorted(there - set(names))]
    if wrong:
        raise Refused(f"patches/series: {'; '.join(wrong)}")
    return [patches / name for name in names]


def patched(source: Path, patches: Path, overlay: Path) -> set[str]:
    """Write what the patches make of the source's files to `overlay`; returns the paths that they touch.

    A path that is touched and not in `overlay` afterwards was removed by a patch.
    """
    touched: set[str] = set()
    for path in series(patches):
        text = path.read_text("utf-8", errors="surrogateescape")
        for name in sorted({found for found in _TOUCHED.findall(text) if found} - touched):
            touched.add(name)
            if (source / name).is_file():
                (overlay / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source / name, overlay / name)
        done = subprocess.run(
            ["patch", "-p1", "--fuzz=0", "--batch", "--forward", "--no-backup-if-mismatch", "-i", str(path.resolve())],
            cwd=overlay,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Refused(f"{path.name} does not apply after the patches before it:\n{done.stdout.strip()}")
    return touched


# Sources, by content


def same(one: Path, other: Path) -> bool:
    """Whether two files, or links, have the same content and the same right to be run."""
    first, second = one.lstat(), other.lstat()
    if stat.S_ISLNK(first.st_mode) or stat.S_ISLNK(second.st_mode):
        return one.is_symlink() and other.is_symlink() and one.readlink() == other.readlink()
    if not stat.S_ISREG(second.st_mode) or first.st_size != second.st_size:
        return False
    return not (first.st_mode ^ second.st_mode) & stat.S_IXUSR and one.read_bytes() == other.read_bytes()


def put(wanted: Path, target: Path) -> None:
    """Make `target` what `wanted` is, with the time of now."""
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    with suppress(FileNotFoundError):
        part.unlink()
    if wanted.is_symlink():
        part.symlink_to(wanted.readlink())
    else:
        shutil.copyfile(wanted, part)
        part.chmod(0o755 if wanted.stat().st_mode & stat.S_IXUSR else 0o644)
    part.replace(target)


def sync(source: Path, overlay: Path, touched: set[str], target: Path) -> tuple[int, int, int]:
    """Make `target` hold the source with the overlay on it; returns how many files came, changed and went."""
    wanted = {name: source / name for name in walk(source) if name not in touched}
    wanted |= {name: overlay / name for name in touched if os.path.lexists(overlay / name)}
    target.mkdir(parents=True, exist_ok=True)
    gone = [name for name in walk(target) if name not in wanted]
    for name in gone:
        (target / name).unlink()
    new = changed = 0
    for name, path in wanted.items():
        there = os.path.lexists(target / name)
        if there and same(path, target / name):
            continue
        put(path, target / name)
        new, changed = new + (not there), changed + there
    for where, _, _ in os.walk(target, topdown=False):
        with suppress(OSError):
            Path(where).rmdir()
    return new, changed, len(gone)


# What a build left


def digest(path: Path) -> str:
    """What a file is: its content and its time, or where a link points to."""
    if path.is_symlink():
        return f"-> {path.readlink()}"
    with path.open("rb") as stream:
        return f"{hashlib.file_digest(stream, 'sha256').hexdigest()} {path.stat().st_mtime_ns}"


def digests(work: Path) -> dict[str, str]:
    """Every file that the build made: all in the folder but the sources (they are compared) and our own."""
    names = [name for name in walk(work) if name.split("/", 1)[0] not in (SOURCE, CONFIG, STATE)]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        return dict(zip(names, pool.map(lambda name: digest(work / name), names), strict=True))


def objection(work: Path, key: str) -> str | None:
    """Why what is in the folder must not be used again; none where it may."""
    if not (work / STATE).is_file():
        return "the last build there did not come to its end"
    try:
        state = json.loads((work / STATE).read_text("utf-8"))
        known, ended, files = state["key"], float(state["ended"]), dict(state["files"])
    except (ValueError, KeyError, TypeError):
        return "what the last build wrote of itself cannot be read"
    if known != key:
        return "it was built from other packages or with another configuration"
    if time.time() < ended:
        return "the clock went back since the last build"
    found = digests(work)
    for name in sorted({*files, *found}):
        if files.get(name) != found.get(name):
            how = "is gone" if name not in found else "is new" if name not in files else "is not as it was left"
            return f"{name} {how}"
    return None


def empty(work: Path) -> None:
    """Remove what builds left. The sources stay: every one of them is compared with what it has to be."""
    for path in work.iterdir():
        if path.name == SOURCE:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def run(command: Sequence[str], folder: Path) -> int:
    """Run a command to its end, and end what it leaves running: that would write on after the note was made."""
    # A session of its own is a group of its own, which can be ended whole.
    process = subprocess.Popen(command, cwd=folder, start_new_session=True)
    code = process.wait()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
        time.sleep(1)
    return code


def build(
    *, source: Path, patches: Path, work: Path, config: Path, key: str, fresh: bool, command: Sequence[str]
) -> int:
    """Bring the folder to what is wanted, run the command in it, and note what it left; returns its exit code."""
    work.mkdir(parents=True, exist_ok=True)
    full_key = hashlib.sha256(f"{FORMAT}\n{key}\n".encode() + config.read_bytes()).hexdigest()
    start = time.monotonic()
    if not any(work.iterdir()):
        say("beginning: nothing is kept from before")
    elif why := "asked to begin anew" if fresh else objection(work, full_key):
        say(f"beginning anew: {why}")
        empty(work)
    else:
        say(f"going on from the last build, everything as it was left ({time.monotonic() - start:.1f} s)")
    (work / STATE).unlink(missing_ok=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        overlay = Path(folder)
        touched = patched(source, patches, overlay)
        new, changed, gone = sync(source, overlay, touched, work / SOURCE)
    say(f"sources: {new} new, {changed} changed, {gone} gone ({time.monotonic() - start:.1f} s)")
    if not (work / CONFIG).is_file() or not same(config, work / CONFIG):
        put(config, work / CONFIG)
    start = time.monotonic()
    code = run(command, work)
    say(f"the build ended with exit code {code} after {time.monotonic() - start:.1f} s")
    if code >= 0:
        # A build that failed by itself left whole files behind. One that was killed may not have: it leaves no note.
        note = {"key": full_key, "files": digests(work), "ended": time.time()}
        part = work / f"{STATE}.part"
        part.write_text(json.dumps(note), "utf-8")
        part.replace(work / STATE)
    return code if code >= 0 else 128 - code


def main(argv: Sequence[str]) -> int:
    """The command line; exit code 1 where patches do not apply, else that of the command."""
    parser = argparse.ArgumentParser(prog="work.py", description="Run a build in a folder that is kept.")
    for name in ("source", "patches", "work", "config"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--key", required=True, help="all that may never be mixed")
    parser.add_argument("--fresh", action="store_true", help="begin anew, whatever is there")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args(argv)
    try:
        return build(**vars(arguments))
    except Refused as error:
        say(f"error: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
