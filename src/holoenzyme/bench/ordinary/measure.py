"""Ordinary crates through both compilers: artefacts are compared, and instructions are counted."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from holoenzyme.bench.ordinary.compare import compare
from holoenzyme.bench.ordinary.compile import (
    CONFIGURATIONS,
    COUNTED,
    Compiler,
    OrdinaryCrate,
    compile_crate,
    count_instructions,
    read_compiler,
    standing,
)
from holoenzyme.errors import UserError
from holoenzyme.process import Runner
from holoenzyme.report.ordinary_table import SCHEMA, Counts, summary

FOLDER = "bench/ordinary"


@dataclass(kw_only=True)
class Findings:
    """The comparisons and counts so far."""

    outputs: list[dict[str, Any]] = field(default_factory=list)
    counts: list[Counts] = field(default_factory=list)


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


def chosen(crates: Sequence[OrdinaryCrate], names: Sequence[str]) -> tuple[OrdinaryCrate, ...]:
    """The crates of these names, or all; raises `UserError` for a name that there is not."""
    if unknown := set(names) - {crate.name for crate in crates}:
        have = ", ".join(crate.name for crate in crates)
        raise UserError(f"no crate {', '.join(sorted(unknown))}", why=f"the crates are {have}")
    return tuple(crate for crate in crates if crate.name in names or not names)


def measure(
    runner: Runner,
    compilers: tuple[Compiler, Compiler],
    crates: Sequence[OrdinaryCrate],
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
    compilers: tuple[Compiler, Compiler], crates: Sequence[OrdinaryCrate], findings: Findings, *, complete: bool
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
