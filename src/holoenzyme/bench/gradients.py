"""Gradients beside their functions, in time and memory, and beside the same in C."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from holoenzyme.errors import InternalError, UserError
from holoenzyme.evidence.judge.outcome import Outcome
from holoenzyme.process import Command, Completed, Runner
from holoenzyme.report.gradients_table import (
    SCHEMA,
    GradientsRecord,
    Machine,
    Measured,
    Reading,
    Versions,
    Wrong,
)

FOLDER = "bench/gradients"
#: Seconds to compile one program, or all that is in C; and for one run beyond what is measured.
_COMPILE_TIMEOUT, _RUN_TIMEOUT = 600.0, 120.0
#: Characters of a compiler's message that are kept.
_MESSAGE = 1500
#: What asks for versions. Cargo goes by RUSTC, so this does too.
_RUSTC = '"${RUSTC:-rustc}" --version'
_ENZYME = 'lib=$(ls "$("${RUSTC:-rustc}" --print target-libdir)"/libEnzyme-*.so) && sha256sum "$lib"'


@dataclass(frozen=True, kw_only=True)
class Workbench:
    """Where programs are compiled and run: what runs commands, the crate, and a folder for results."""

    name: str
    runner: Runner
    source: Path
    folder: Path

    def run(self, *argv: str, timeout: float, env: dict[str, str] | None = None) -> Completed:
        """Run a command in the crate's folder; what it says of errors is kept apart."""
        return self.runner.run(Command(argv=argv, timeout=timeout, cwd=self.source, env=env or {}))

    @property
    def target(self) -> Path:
        """Cargo's folder."""
        return self.folder / "target"


def read_record(path: Path) -> GradientsRecord:
    """The record of an earlier run; raises `UserError` where it is none."""
    try:
        return GradientsRecord.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise UserError(
            f"{path}: no record of `bench gradients`", why=str(error), fix="name a file that `bench gradients` wrote"
        ) from error


def chosen(source: Path, names: Sequence[str]) -> tuple[str, ...]:
    """The programs of these names, or all; raises `UserError` for a name that there is not."""
    known = tuple(path.stem for path in sorted((source / "src/bin").glob("*.rs")))
    if unknown := set(names) - set(known):
        raise UserError(f"no program {', '.join(sorted(unknown))}", why=f"the programs are {', '.join(known)}")
    return tuple(name for name in known if name in names or not names)


def compile_c(workbench: Workbench) -> bool:
    """Make the library of what is in C; raises `InternalError` where that fails."""
    done = workbench.run("sh", "c/build.sh", str(workbench.folder), timeout=_COMPILE_TIMEOUT)
    if not done.ok:
        raise InternalError(
            "the programs in C cannot be made",
            why=(done.stderr or done.output)[-_MESSAGE:],
            fix="`--no-c` leaves them out",
        )
    return True


def measure(
    workbench: Workbench, names: Sequence[str], runs: int, seconds: float, say: Callable[[str], None], *, in_c: bool
) -> GradientsRecord:
    """Compile every program, then run all of them, as often as is asked for; nothing is left out silently."""
    load, found = os.getloadavg()[0], dict[tuple[str, str], Measured]()
    for name in names:
        done = _compile(workbench, name, in_c=in_c)
        if not done.ok:
            outcome = Outcome.HANG if done.timed_out else Outcome.NOT_COMPILED
            message = _first_error(done.stderr)
            found[name, "rust"] = Measured(program=name, language="rust", outcome=outcome, message=message)
        say(f"{name}: {'compiled' if done.ok else 'not compiled'} in {done.duration:.0f} s")
    compiled = [name for name in names if (name, "rust") not in found]
    for number in range(runs):
        for name in compiled:
            limit = _RUN_TIMEOUT + 10 * seconds
            done = workbench.run(str(workbench.target / "release" / name), str(seconds), timeout=limit)
            for one in read_run(name, done):
                found[one.key] = joined(found.get(one.key), one)
        say(f"run {number + 1} of {runs} is done")
    return GradientsRecord(
        schema=SCHEMA,
        written=datetime.now(UTC).isoformat(timespec="seconds"),
        place=workbench.name,
        versions=_versions(workbench),
        machine=Machine(system=platform.platform(), processor=_processor(), cores=os.cpu_count(), load=round(load, 2)),
        runs=runs,
        seconds=seconds,
        measured=tuple(found.values()),
    )


def _compile(workbench: Workbench, name: str, *, in_c: bool) -> Completed:
    features = ("--features", "c") if in_c else ()
    words = ("cargo", "autodiff", "build", "--release", "--offline", "--locked", "--bin", name, *features)
    env = {"CARGO_TARGET_DIR": str(workbench.target), "GRADIENTS_C": str(workbench.folder)}
    return workbench.run(*words, timeout=_COMPILE_TIMEOUT, env=env)


def read_run(name: str, done: Completed) -> list[Measured]:
    """The readings of one run of a program, by version."""
    found: list[Measured] = []
    for line in done.output.splitlines():
        try:
            data = json.loads(line)
            if "wrong" in data:
                wrong = Wrong.model_validate(data)
                found.append(
                    Measured(program=wrong.program, language=wrong.language, outcome=Outcome.WRONG, message=wrong.wrong)
                )
            else:
                reading = Reading.model_validate(data)
                found.append(
                    Measured(
                        program=reading.program, language=reading.language, outcome=Outcome.PASS, readings=(reading,)
                    )
                )
        except ValueError as error:
            raise InternalError(f"{name}: its output is not what was agreed", why=f"{line[:200]}: {error}") from error
    if not done.ok and not any(one.outcome is Outcome.WRONG for one in found):
        outcome = Outcome.HANG if done.timed_out else Outcome.CRASH
        message = f"exit status {done.returncode}: {done.stderr[-_MESSAGE:]}"
        found.append(Measured(program=name, language="rust", outcome=outcome, message=message))
    return found


def joined(before: Measured | None, now: Measured) -> Measured:
    """Readings of all runs; one run that is not right makes all of them worth nothing."""
    if before is None:
        return now
    if before.outcome is not Outcome.PASS:
        return before
    if now.outcome is not Outcome.PASS:
        return now
    return before.model_copy(update={"readings": (*before.readings, *now.readings)})


def _first_error(text: str) -> str:
    """The first error that a compiler says, not the dump that may follow it."""
    lines = text.splitlines()
    first = next((number for number, line in enumerate(lines) if line.startswith("error")), 0)
    return "\n".join(lines[first : first + 8])[:_MESSAGE]


def _versions(workbench: Workbench) -> Versions:
    rustc = workbench.run("sh", "-c", _RUSTC, timeout=60).check("asking rustc for its version").output.strip()
    digest = workbench.run("sh", "-c", _ENZYME, timeout=60).check("reading libEnzyme").output.split()[0]
    return Versions(rustc=rustc, enzyme_sha256=digest)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
