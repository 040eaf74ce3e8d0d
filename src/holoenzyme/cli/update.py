"""`update`: newer versions of every pin that the archives have, written wherever they stand."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from holoenzyme.build.updating import Draft, Updater, write
from holoenzyme.cli import options
from holoenzyme.engine.secrets import ca_bundle, own_sources
from holoenzyme.errors import ExitCode
from holoenzyme.resolve.apt import AptArchive
from holoenzyme.resolve.archives import Archives
from holoenzyme.resolve.cargo import CargoRegistry
from holoenzyme.resolve.uv import UvIndex
from holoenzyme.session import Session, machine_session


def _parser() -> options.Parser:
    parser = options.command_parser(
        "update",
        "Ask the archives for newer versions of every pin, write them wherever they stand, and show the difference.",
        epilog="Exit codes: 0; 1 where --check found something newer; else 3 where an archive did not answer.",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; only say what is newer")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="only these: packages, bases, crates, wheels, requirements"
    )
    return parser


def run(argv: list[str], root: Path) -> int:
    """`update [--check] [NAME ...]`: what is newer, and the difference, go to stdout.

    Returns 0; 1 where `--check` found something newer; 3 where an archive did not answer: what the others have is
    written all the same. Raises `UserError` for a name that is pinned nowhere.
    """
    asked = _parser().parse_args(argv)
    session = machine_session(root)
    draft = Updater(session.project, machine_archives(session), asked.names, session.say).draft()
    show(draft, root)
    for what, error in draft.unanswered:
        session.say(f"warning: {what} were not looked at: {error}")
    if not asked.check:
        write(root, draft.texts)
        for path in draft.texts:
            session.say(f"{path}: written")
    if asked.check and draft.newer:
        return ExitCode.FAILED
    return ExitCode.INFRASTRUCTURE if draft.unanswered else ExitCode.OK


def show(draft: Draft, root: Path) -> None:
    """Print what is newer, a line each, and the files before and after as a unified diff."""
    for finding in draft.findings:
        print(finding)
    print(difference({path: (root / path).read_text("utf-8") for path in draft.texts}, draft.texts), end="")
    if not draft.findings and not draft.unanswered:
        print("nothing is newer")


def difference(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """Files before and after (path → text) as a unified diff."""
    lines: list[str] = []
    for path, text in new.items():
        before, after = old[path].splitlines(keepends=True), text.splitlines(keepends=True)
        lines += difflib.unified_diff(before, after, f"a/{path}", f"b/{path}")
    return "".join(lines)


def machine_archives(session: Session) -> Archives:
    """The archives as this machine reaches them: with the user's own configuration of apt, cargo, and pip or uv."""
    environ = session.environ
    sources, lists = own_sources(environ)
    auth = environ.get("HOLOENZYME_APT_AUTH")
    folder = session.state / "update"
    return Archives(
        distribution=AptArchive(
            runner=session.runner,
            folder=folder / "apt",
            sources=sources,
            lists=lists,
            auth=Path(auth).absolute() if auth else None,
        ),
        crates=CargoRegistry(runner=session.runner),
        index=UvIndex(runner=session.runner, tools=folder / "uv", environ=environ, ca=ca_bundle(environ)),
        digest=lambda image: session.engine.digest(image),
    )
