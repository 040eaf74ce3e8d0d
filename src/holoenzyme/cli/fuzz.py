"""`fuzz`: functions made from seeds, differentiated, and compared with an exact oracle."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from holoenzyme import console
from holoenzyme.cli import options
from holoenzyme.errors import ExitCode, UserError
from holoenzyme.fuzz.benches import host_bench, image_bench
from holoenzyme.fuzz.campaign import AUTODIFF, OFFLOAD, Bench
from holoenzyme.fuzz.generate import generate
from holoenzyme.fuzz.hunt import Hunt
from holoenzyme.fuzz.model import GeneratedFunction
from holoenzyme.fuzz.oracle import FunctionOutcome
from holoenzyme.fuzz.tangle import tangle
from holoenzyme.process import SubprocessRunner
from holoenzyme.prove.images import build_cells
from holoenzyme.report.fuzz_table import as_data, tables
from holoenzyme.session import machine_session

OUTPUT = Path("build/fuzz")

#: What is tested.
WHAT = ("autodiff", "offload", "generator")

_FUNCTIONS, _KERNELS = 300, 30

#: Compilers of this channel take 1 for the seed of a gradient, whatever is given.
_UNSEEDED = "distro"

_SEED = 0.75

_EPILOG = """
Each function is made from its seed: the first is --seed, the next one more, and so on. Exit code 1 says that a
function was wrong, hung, crashed, was refused without a place, or that the generator itself is at fault.
docs/fuzzing.md has more.
"""


def run(argv: list[str], root: Path) -> int:
    """`fuzz autodiff [--functions N | --hours N] [--seed S]`: exit code 1 where a function failed."""
    arguments = _parser().parse_args(argv)
    folder = arguments.out or root / OUTPUT
    if arguments.crate < 1 or (arguments.functions or 1) < 1:
        raise UserError("fewer than one function was asked for", fix="give --functions and --crate a number above 0")
    with _bench(arguments, root) as (bench, about):
        hunt = Hunt(
            bench=bench,
            crate=arguments.crate,
            shrinks=arguments.shrink,
            folder=folder,
            differences=arguments.what == "generator",
            make=_maker(arguments),
            words=_words(arguments),
        )
        seeds = range(arguments.seed, arguments.seed + arguments.functions) if arguments.functions else None
        if seeds is None and arguments.hours is None:
            count = _KERNELS if arguments.what == OFFLOAD.name else _FUNCTIONS
            seeds = range(arguments.seed, arguments.seed + count)
        hunt.go(seeds, arguments.seed, arguments.hours)
        data = as_data(hunt.results, {**about, **hunt.facts()})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{arguments.what}.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    for table in tables(hunt.results):
        console.out().print(table)
    console.say(f"everything: {folder / f'{arguments.what}.json'}")
    failed = any(result.outcome.is_failure or result.outcome is FunctionOutcome.INVALID for result in hunt.results)
    return ExitCode.FAILED if failed else ExitCode.OK


def _parser() -> options.Parser:
    parser = options.command_parser(
        "fuzz", "Differentiate generated functions and compare with an exact oracle.", epilog=_EPILOG
    )
    parser.add_argument(
        "what",
        choices=WHAT,
        help="`cargo autodiff`, the same in kernels (`cargo offload --autodiff`), or the oracle against differences",
    )
    parser.add_argument(
        "--functions",
        type=int,
        metavar="N",
        help=f"how many; {_FUNCTIONS} ({_KERNELS} in kernels) where no --hours are given",
    )
    parser.add_argument("--hours", type=float, metavar="N", help="for how long")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="the seed of the first function (1)")
    parser.add_argument("--cell", metavar="CELL", help="another cell than the default one")
    options.add_stores(parser)
    made = parser.add_mutually_exclusive_group()
    made.add_argument("--wide", action="store_true", help="with constructs that are refused more often, too")
    made.add_argument("--tangled", action="store_true", help="few constructs, in loops and branches in each other")
    parser.add_argument("--crate", type=int, default=50, metavar="N", help="functions in one crate (50)")
    parser.add_argument("--shrink", type=int, default=10, metavar="N", help="failures that are shrunk (10)")
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"where programs and figures go ({OUTPUT})")
    parser.add_argument("--compiler", metavar="COMMAND", help="a compiler of this machine: COMMAND SOURCE RESULT ...")
    parser.add_argument("--rustc", default="rustc", metavar="FILE", help="what compiles the oracle beside --compiler")
    return parser


def _words(arguments: argparse.Namespace) -> list[str]:
    """The arguments that make the same functions for the same compiler again, but for the seed."""
    cell = ["--cell", arguments.cell] if arguments.cell else []
    compiler = ["--compiler", arguments.compiler, "--rustc", arguments.rustc] if arguments.compiler else []
    made = [f"--{word}" for word in ("wide", "tangled") if getattr(arguments, word)]
    return [arguments.what, *cell, *compiler, *made]


def _maker(arguments: argparse.Namespace) -> Callable[[int], GeneratedFunction]:
    return tangle if arguments.tangled else partial(generate, wide=arguments.wide)


@contextmanager
def _bench(arguments: argparse.Namespace, root: Path) -> Iterator[tuple[Bench, dict[str, object]]]:
    """The bench that compiles and runs, and the facts of it for the record."""
    way = OFFLOAD if arguments.what == OFFLOAD.name else AUTODIFF
    if way is OFFLOAD and not arguments.cell:
        raise UserError("kernels: no cell is named", fix="name one that compiles them, as `--cell patched-1.96-host`")
    if way is OFFLOAD and arguments.compiler:
        raise UserError("kernels are compiled in images only", fix="leave --compiler out, or run `fuzz autodiff`")
    if arguments.compiler:
        words = tuple(shlex.split(arguments.compiler))
        with host_bench(SubprocessRunner(), words, arguments.rustc) as host:
            yield host, {"what": arguments.what, "compiler": arguments.compiler}
        return
    session = machine_session(root, stores=arguments.store)
    cell = options.one_cell(session, arguments.cell)
    (built,) = build_cells(session, [cell])
    image = session.engine.image(built.name)
    seed = 1.0 if cell.channel == _UNSEEDED else _SEED
    with image_bench(session.engine, built.name, seed=seed, way=way) as bench:
        about: dict[str, object] = {"what": arguments.what, "cell": cell.id}
        yield bench, {**about, "image": image.id if image else None}
