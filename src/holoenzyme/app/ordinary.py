"""`bench ordinary`: the patched compiler against one without our patches, for users who set none of our flags."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from holoenzyme import console
from holoenzyme.app.ordinary_compare import Likeness, compare
from holoenzyme.app.ordinary_compile import (
    CONFIGURATIONS,
    COUNTED,
    Compiler,
    Crate,
    compile_crate,
    count_instructions,
    need_valgrind,
    read_compiler,
    read_crates,
    side_by_side,
    standing,
)
from holoenzyme.app.ordinary_images import built_compilers
from holoenzyme.errors import ExitCode, UserError
from holoenzyme.process import Runner, SubprocessRunner
from holoenzyme.report.ordinary_table import SCHEMA, Counts, summary, tables
from holoenzyme.session import machine_session

FOLDER = "bench/ordinary"
OUTPUT = Path("build/bench/ordinary.json")
_EPILOG = """
The compilers are built where they are not there yet: the one without our patches takes as long as the patched one did
from nothing. Each uses its own std. Comparing takes a minute or two; counting runs each compile under callgrind, a
minute and more for each run of each compiler. All of it runs in containers, but for compilers of yours, which are named
with --base and --patched, say the same version, and run on this machine: it needs cargo then, and valgrind.
"""


@dataclass(kw_only=True)
class Findings:
    """What was compared and counted so far."""

    outputs: list[dict[str, Any]] = field(default_factory=list)
    counts: list[Counts] = field(default_factory=list)


def run(argv: list[str], root: Path) -> int:
    """`bench ordinary`: exit code 0 when everything was measured, whatever was found."""
    parser = argparse.ArgumentParser(
        prog="nox -s bench -- ordinary",
        description="Compile ordinary crates with two compilers, compare what comes out, and count instructions.",
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    parser.add_argument("--base", metavar="DIR", type=Path, help="sysroot without our other patches")
    parser.add_argument("--patched", metavar="DIR", type=Path, help="sysroot with all patches")
    parser.add_argument("--only", metavar="CRATE", action="append", default=[], help="only this crate; repeatable")
    parser.add_argument("--runs", type=int, default=3, help="compiles that are counted, of each; 0 counts none")
    parser.add_argument("--json", action="store_true", help="print what is written instead of tables")
    options = parser.parse_args(argv)
    if options.runs < 0:
        parser.error("--runs: a number from 0 up")
    if (options.base is None) != (options.patched is None):
        parser.error("--base and --patched: both, or none")
    with _compilers(root, options.base, options.patched) as (runner, base, patched, folder):
        if options.runs:
            need_valgrind(runner)
        compilers = read_compilers(runner, base, patched)
        crates = chosen(read_crates(runner, root / FOLDER, compilers[0]), options.only)
        placed = side_by_side(compilers, folder)
        findings = measure(runner, placed, crates, options.runs, folder, console.say)
    data = as_data(compilers, crates, findings, complete=not options.only and options.runs > 0)
    path = root / OUTPUT
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    if options.json:
        print(json.dumps(data, indent=1))
    else:
        for table in tables(findings.outputs, findings.counts):
            console.out().print(table, "")
        for output in findings.outputs:
            if output["verdict"] is Likeness.DIFFERS:
                print(f"{output['crate']}, {output['configuration']}, {output['kind']} differs:")
                print("\n".join(f"  {line[:200]}" for line in output["difference"]))
    console.say(f"written: {path}")
    return ExitCode.OK


@contextmanager
def _compilers(root: Path, base: Path | None, patched: Path | None) -> Iterator[tuple[Runner, Path, Path, Path]]:
    """What runs the compilers, their sysroots, and an empty folder on the disk that they stand on."""
    if base is None or patched is None:
        with built_compilers(machine_session(root), root / FOLDER) as (runner, base, patched):
            folder = runner.folder / "work"
            folder.mkdir()
            yield runner, base, patched, folder
        return
    with tempfile.TemporaryDirectory(prefix="holoenzyme-ordinary-") as name:
        yield SubprocessRunner(), base, patched, Path(name)


def read_compilers(runner: Runner, base: Path, patched: Path) -> tuple[Compiler, Compiler]:
    """Both compilers; raises `UserError` where their versions differ, which every object file would show."""
    first = read_compiler(runner, "base", base.absolute())
    second = read_compiler(runner, "patched", patched.absolute())
    if first.version != second.version:
        raise UserError(
            "the two compilers have different versions",
            why=f"base: {first.version}; patched: {second.version}",
            fix="build both from the same sources with the same bootstrap.toml",
        )
    return first, second


def chosen(crates: Sequence[Crate], names: Sequence[str]) -> tuple[Crate, ...]:
    """The crates of these names, or all; raises `UserError` for a name that there is not."""
    if unknown := set(names) - {crate.name for crate in crates}:
        have = ", ".join(crate.name for crate in crates)
        raise UserError(f"no crate {', '.join(sorted(unknown))}", why=f"the crates are {have}")
    return tuple(crate for crate in crates if crate.name in names or not names)


def measure(
    runner: Runner,
    compilers: tuple[Compiler, Compiler],
    crates: Sequence[Crate],
    runs: int,
    folder: Path,
    say: Callable[[str], None],
) -> Findings:
    """Compile and compare every crate, then count. Files go below `folder`, and the compilers are moved there."""
    findings = Findings()
    out, place = folder / "out", folder / "compiler"
    for crate in crates:
        for configuration in CONFIGURATIONS:
            made: list[dict[str, bytes]] = []
            for compiler in compilers:
                # The same folder for both, so that no output differs by where it was written; and an empty one.
                shutil.rmtree(out, ignore_errors=True)
                out.mkdir()
                with standing(compiler, place) as placed:
                    files = compile_crate(runner, placed, crate, configuration, out)
                made.append({kind: path.read_bytes() for kind, path in files.items()})
            for kind, base in made[0].items():
                output = compare(crate.name, configuration.name, kind, base, made[1][kind])
                findings.outputs.append(asdict(output))
                say(f"{crate.name} {crate.version}, {configuration.name}: {kind} {output.verdict}")
    for crate in crates:
        if crate.counted and runs:
            counted: list[list[int]] = [[], []]
            for _ in range(runs):
                # In turn, so that a change of the machine meets both.
                for compiler, numbers in zip(compilers, counted, strict=True):
                    with standing(compiler, place) as placed:
                        numbers.append(count_instructions(runner, placed, crate, COUNTED, out))
                    say(f"{crate.name}, {COUNTED.name}, {compiler.role}: {numbers[-1]:,} instructions")
            first, second = (tuple(numbers) for numbers in counted)
            findings.counts.append(Counts(crate=crate.name, configuration=COUNTED.name, base=first, patched=second))
    return findings


def as_data(
    compilers: tuple[Compiler, Compiler], crates: Sequence[Crate], findings: Findings, *, complete: bool
) -> dict[str, object]:
    """Everything, as plain data for JSON; `complete` says that no crate and no count was left out."""
    return {
        "schema": SCHEMA,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"system": platform.platform(), "cores": os.cpu_count()},
        "complete": complete,
        "compilers": {
            compiler.role: {
                "version": compiler.version,
                "driver_sha256": compiler.driver,
                "core": compiler.core,
                "core_sha256": compiler.core_digest,
            }
            for compiler in compilers
        },
        "configurations": {configuration.name: list(configuration.flags) for configuration in CONFIGURATIONS},
        "crates": {crate.name: {"version": crate.version, "checksum": crate.checksum} for crate in crates},
        "outputs": findings.outputs,
        "counts": [counts.to_json() for counts in findings.counts],
        "summary": summary(findings.outputs, findings.counts),
    }
