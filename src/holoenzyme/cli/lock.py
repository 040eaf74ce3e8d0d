"""`lock`: write the versions that the pins resolve to today, or say which have drifted since."""

from __future__ import annotations

from pathlib import Path

from holoenzyme.build.locks import held
from holoenzyme.build.today import resolve_today
from holoenzyme.cli import options
from holoenzyme.errors import ExitCode
from holoenzyme.plan.decide import BaseSource
from holoenzyme.resolve.model import (
    LOCK_NAME,
    read_lock,
    write_lock,
)
from holoenzyme.resolve.reconcile import check_fits, compare
from holoenzyme.session import machine_session


def run(argv: list[str], root: Path) -> int:
    """`lock [--check] [BASE ...]`: exit code 0 when the lock was written or has not drifted, 1 when it has."""
    parser = options.command_parser("lock", "Resolve all pins and write matrix.lock.")
    parser.add_argument("--check", action="store_true", help="write nothing; say what has drifted")
    parser.add_argument("bases", nargs="*", metavar="BASE", help="only these bases; of others the lock stays as it is")
    options.add_base(parser, "how bases are made")
    arguments = parser.parse_args(argv)
    session = machine_session(root, base_source=BaseSource(arguments.base))
    path = root / LOCK_NAME
    with held(session, "base", waiting=lambda: session.say("another command makes a base; waiting")):
        offered = resolve_today(session, arguments.bases)
    if not arguments.check:
        project = session.project
        files = project.pinning_files(offered)
        # What stands in the old lock is no longer said of what is about to be written.
        files.pop(LOCK_NAME, None)
        check_fits(project.matrix, project.cookbook, offered, files)
        old = path.read_text(encoding="utf-8") if path.is_file() else ""
        text = write_lock(path, offered)
        session.say(f"{LOCK_NAME}: {'unchanged' if text == old else 'written'}")
        return ExitCode.OK
    changes = compare(read_lock(path).resolution(), offered)
    for change in changes:
        print(change)
    print(f"{LOCK_NAME}: {len(changes)} differences from what the archives offer today")
    return ExitCode.FAILED if changes else ExitCode.OK
