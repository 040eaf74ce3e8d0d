"""`fuzz`: functions made from seeds, differentiated, and compared with an exact oracle."""

from __future__ import annotations

import argparse
import json
import shlex
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from holoenzyme import console
from holoenzyme.app.build import build_cells
from holoenzyme.app.fuzzing import host_bench, image_bench
from holoenzyme.errors import ExitCode, UserError
from holoenzyme.fuzz.campaign import AUTODIFF, OFFLOAD, Bench, examine
from holoenzyme.fuzz.generate import generate
from holoenzyme.fuzz.model import Program
from holoenzyme.fuzz.oracle import Outcome, Verdict, judge_oracle, moved, wanted
from holoenzyme.fuzz.shrink import message_kind, shrink
from holoenzyme.process import SubprocessRunner
from holoenzyme.report.fuzz_table import Result, as_data, tables
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
        campaign = Campaign(
            bench=bench,
            crate=arguments.crate,
            shrinks=arguments.shrink,
            folder=folder,
            differences=arguments.what == "generator",
            wide=arguments.wide,
            words=_words(arguments),
        )
        seeds = range(arguments.seed, arguments.seed + arguments.functions) if arguments.functions else None
        if seeds is None and arguments.hours is None:
            count = _KERNELS if arguments.what == OFFLOAD.name else _FUNCTIONS
            seeds = range(arguments.seed, arguments.seed + count)
        campaign.go(seeds, arguments.seed, arguments.hours)
        data = as_data(campaign.results, {**about, **campaign.facts()})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{arguments.what}.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    for table in tables(campaign.results):
        console.out().print(table)
    console.say(f"everything: {folder / f'{arguments.what}.json'}")
    failed = any(result.outcome.is_failure or result.outcome is Outcome.INVALID for result in campaign.results)
    return ExitCode.FAILED if failed else ExitCode.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fuzz", description="Differentiate generated functions and compare with an exact oracle.", epilog=_EPILOG
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
    parser.add_argument("--store", action="append", default=[], metavar="DIR", help="load stages from this store")
    parser.add_argument("--wide", action="store_true", help="with constructs that are refused more often, too")
    parser.add_argument("--crate", type=int, default=50, metavar="N", help="functions in one crate (50)")
    parser.add_argument("--shrink", type=int, default=10, metavar="N", help="failures that are shrunk (10)")
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"where programs and figures go ({OUTPUT})")
    parser.add_argument("--compiler", metavar="COMMAND", help="a compiler of this machine: COMMAND SOURCE RESULT ...")
    parser.add_argument("--rustc", default="rustc", metavar="FILE", help="what compiles the oracle beside --compiler")
    return parser


def _words(arguments: argparse.Namespace) -> list[str]:
    """What makes the same functions for the same compiler again, but for the seed."""
    cell = ["--cell", arguments.cell] if arguments.cell else []
    compiler = ["--compiler", arguments.compiler, "--rustc", arguments.rustc] if arguments.compiler else []
    return [arguments.what, *cell, *compiler, *(["--wide"] if arguments.wide else [])]


@contextmanager
def _bench(arguments: argparse.Namespace, root: Path) -> Iterator[tuple[Bench, dict[str, object]]]:
    """What compiles and runs, and what it is."""
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
    built = build_cells(session, [arguments.cell] if arguments.cell else [])
    if len(built) != 1:
        raise UserError(f"{arguments.cell!r} names {len(built)} cells", fix="name one cell")
    image = session.engine.image(built[0].name)
    seed = 1.0 if built[0].cell.channel == _UNSEEDED else _SEED
    with image_bench(session.engine, built[0].name, seed=seed, way=way) as bench:
        about: dict[str, object] = {"what": arguments.what, "cell": built[0].cell.id}
        yield bench, {**about, "image": image.id if image else None}


class Campaign:
    """Batch after batch of functions, and what became of them."""

    def __init__(
        self,
        *,
        bench: Bench,
        crate: int,
        shrinks: int,
        folder: Path,
        differences: bool = False,
        wide: bool = False,
        words: Sequence[str] = (),
    ) -> None:
        self._bench, self._crate, self._left, self._folder = bench, crate, shrinks, folder
        self._differences, self._wide, self._words = differences, wide, tuple(words)
        self._start, self._started = time.monotonic(), datetime.now(UTC)
        self._shrunk: set[str] = set()
        self.results: list[Result] = []

    def go(self, seeds: range | None, first: int, hours: float | None) -> None:
        """Examine the functions of these seeds, or those from `first` on for as long as was asked."""
        at = first
        while seeds is None or at < seeds.stop:
            if hours is not None and time.monotonic() - self._start > hours * 3600:
                break
            end = at + self._crate if seeds is None else min(at + self._crate, seeds.stop)
            self._batch(range(at, end))
            at = end

    def facts(self) -> dict[str, object]:
        """When, for how long, and with which seeds."""
        seeds = [result.seed for result in self.results]
        return {
            "started": self._started.isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - self._start, 1),
            "functions": len(seeds),
            "seeds": [min(seeds), max(seeds)] if seeds else [],
        }

    def _batch(self, seeds: range) -> None:
        programs = {str(seed): generate(seed, wide=self._wide) for seed in seeds}
        if self._differences:
            programs = {name: moved(program) for name, program in programs.items()}
        found = examine(self._bench, list(programs.items()), self._crate)
        verdicts = found.verdicts
        if self._differences:
            verdicts = {
                name: judge_oracle(programs[name], found.truths[name]) if verdict.outcome is Outcome.RIGHT else verdict
                for name, verdict in verdicts.items()
            }
        for name, program in programs.items():
            verdict = verdicts[name]
            result = Result(
                seed=program.seed,
                outcome=verdict.outcome,
                mode=verdict.mode,
                detail=verdict.detail,
                kinds=tuple(sorted(program.kinds())),
            )
            if verdict.outcome is not Outcome.RIGHT:
                console.say(f"  {program.seed}: {verdict.outcome}: {verdict.detail[:200]}")
            if self._is_new(verdict):
                self._left -= 1
                result = replace(result, file=str(self._shrink(program, verdict)))
            self.results.append(result)
        counts = Counter(result.outcome.value for result in self.results)
        told = ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())
        console.say(f"{len(self.results)} functions in {time.monotonic() - self._start:.0f} s: {told}")

    def _is_new(self, verdict: Verdict) -> bool:
        """Whether to shrink it: messages of the compiler that were shrunk already are not shrunk again."""
        if not verdict.outcome.is_failure or self._left <= 0:
            return False
        if verdict.mode != "compile":
            return True
        key = f"{verdict.outcome} {message_kind(verdict.detail)}"
        new = key not in self._shrunk
        self._shrunk.add(key)
        return new

    def _shrink(self, program: Program, verdict: Verdict) -> Path:
        """Write the smallest program that fails in the same way."""

        def test(candidates: Sequence[Program]) -> list[Verdict]:
            named = [(str(index), candidate) for index, candidate in enumerate(candidates)]
            verdicts = examine(self._bench, named, len(named)).verdicts
            return [verdicts[name] for name, _ in named]

        console.say(f"  shrinking {program.seed}")
        small = shrink(program, verdict, test)
        found = examine(self._bench, [("0", small)], 1)
        final = found.verdicts["0"]
        header = [
            "EXPECTED: the numbers that stand after `want`.",
            f"OBSERVED: {final.outcome}: {final.detail}".replace("\n", " ").rstrip(": "),
            f"Made by `nox -s fuzz -- {shlex.join([*self._words, '--seed', str(program.seed), '--functions', '1'])}`, "
            "and shrunk.",
        ]
        numbers = wanted(small, found.truths.get("0", {}), 1.0)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{final.outcome}-{program.seed}.rs"
        path.write_text(self._bench.way.alone(small, header, numbers), encoding="utf-8")
        console.say(f"  shrunk to {path}")
        return path
