"""`nox -s inspect`: the device images in a program or an image file, their kernels, and how these take arguments."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from holoenzyme import console
from holoenzyme.cli import options
from holoenzyme.errors import ExitCode
from holoenzyme.execute.inspect import inspect
from holoenzyme.report.inspect_table import tables

SCHEMA = 1


def run(argv: list[str], root: Path) -> int:
    """`inspect FILE [--json]`: exit code 0, or 1 where images, labels and the host's side do not fit together."""
    parser = options.command_parser(
        "inspect",
        "Print the device images of a file: what each is for, its kernels, and their arguments.",
        epilog="FILE is a linked program, an object file, an archive, or the host.out of a device pass.",
    )
    parser.add_argument("file", metavar="FILE", type=Path)
    options.add_json(parser, "print for machines")
    asked = parser.parse_args(argv)
    inspection = inspect(asked.file)
    if asked.json:
        data = {"schema": SCHEMA, "path": str(asked.file), "problems": inspection.problems}
        data |= {"entries": inspection.entries, "images": [asdict(image) for image in inspection.images]}
        print(json.dumps(data, indent=1))
    else:
        for table in tables(inspection):
            console.out().print(table, "")
        for problem in inspection.problems:
            print(problem)
    return ExitCode.FAILED if inspection.problems else ExitCode.OK
