"""`doctor`: requirements that this machine lacks, and the command that mends each."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from holoenzyme.cli import options
from holoenzyme.console import out
from holoenzyme.engine.install import ThisHost
from holoenzyme.errors import ExitCode
from holoenzyme.machine.doctor import Condition, Diagnosis, examine
from holoenzyme.process import SubprocessRunner


def run(argv: list[str], root: Path) -> int:
    """Print what each check found; exit code 3 where something that builds need is missing."""
    parser = options.command_parser("doctor", "What this machine lacks, and what mends it.")
    options.add_json(parser, "print for machines: a list of objects")
    asked = parser.parse_args(argv)
    findings = examine(ThisHost(SubprocessRunner()))
    if asked.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            _print(finding)
    missing = any(finding.condition is Condition.MISSING for finding in findings)
    return ExitCode.INFRASTRUCTURE if missing else ExitCode.OK


def _print(finding: Diagnosis) -> None:
    style = {Condition.OK: "green", Condition.WARN: "yellow", Condition.MISSING: "bold red"}[finding.condition]
    out().print(f"{finding.condition:8} {finding.name:14} {finding.message}", style=style, soft_wrap=True)
    if finding.fix:
        out().print(f"{'':8} {'':14} fix: {finding.fix}", soft_wrap=True)
