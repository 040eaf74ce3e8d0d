"""`store`: verify the images of a store, or remove the stages that no cell uses any more."""

from __future__ import annotations

from pathlib import Path

from holoenzyme.build.planner import used_stages
from holoenzyme.cli import options
from holoenzyme.errors import ExitCode, UserError
from holoenzyme.matrix.select import select_ready
from holoenzyme.session import Session, machine_session
from holoenzyme.store import FolderStore, Refused, StoreRefusedError, StoreState, open_store


def run(argv: list[str], root: Path) -> int:
    """`store verify DIR` and `store prune DIR [CELL ...] [--yes]`: exit code 1 where what a store holds is damaged."""
    asked = _parser().parse_args(argv)
    session = machine_session(root, stores=None)
    if asked.action == "verify":
        return verify(session, asked.folder)
    return prune(session, asked.folder, asked.cells, yes=asked.yes)


def _parser() -> options.Parser:
    parser = options.command_parser(
        "store",
        "Look after a folder that `--save DIR` has made.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    checking = actions.add_parser("verify", help="read every byte of it, and say what is damaged", allow_abbrev=False)
    pruning = actions.add_parser("prune", help="remove the stages that no cell uses any more", allow_abbrev=False)
    for action in (checking, pruning):
        action.add_argument("folder", metavar="DIR", type=Path)
    pruning.add_argument("cells", nargs="*", metavar="CELL", help="keep what these use, by id or pattern; without: all")
    pruning.add_argument("--yes", action="store_true", help="remove it; otherwise only its size is said")
    return parser


def verify(session: Session, folder: Path) -> int:
    """Read all of a store. Raises `UserError` where the folder is none."""
    store = open_store(folder, session.transport())
    if isinstance(store, Refused):
        if store.state is not StoreState.DAMAGED:
            raise UserError(str(store), fix=store.fix)
        refused, lines = store, [store.reason]
    else:
        lines = [f"{problem.tag}: {problem.reason}" for problem in store.verify()]
        if store.refused is None:
            session.say(f"store {folder}: every byte is what it must be")
            return ExitCode.OK
        refused = store.refused
    for line in lines:
        print(line)
    session.say(f"store {folder}: {len(lines)} damaged; {refused.fix}")
    return ExitCode.FAILED


def prune(session: Session, folder: Path, cells: list[str], *, yes: bool) -> int:
    """Remove what no cell uses from a store, or say how much that is.

    Raises `UserError` where the folder is none, and `StoreRefusedError` where it is damaged.
    """
    store = open_store(folder, session.transport())
    match store:
        case Refused(state=StoreState.DAMAGED):
            raise StoreRefusedError(store)
        case Refused():
            raise UserError(str(store), fix=store.fix)
        case FolderStore():
            kept = select_ready(session.project.matrix, cells, session.say) if cells else None
            freed = store.prune(used_stages(session, kept), dry_run=not yes) / 1e6
    told = f"{freed:.1f} MB freed" if yes else f"{freed:.1f} MB would be freed; --yes does it"
    session.say(f"store {folder}: {told}")
    return ExitCode.OK
