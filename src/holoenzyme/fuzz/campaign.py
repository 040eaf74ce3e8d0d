"""Functions tried one crate at a time: the oracle first, then the compiler that differentiates, then the comparison.

Many functions go into one crate, because a link costs seconds. A compiler that refuses some ends the whole crate, so
those are found, noted and left out, and the rest is compiled again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from holoenzyme.fuzz import kernels, render
from holoenzyme.fuzz.model import GeneratedFunction
from holoenzyme.fuzz.oracle import FunctionOutcome, Judgement, Run, Truth, judge, read_oracle, read_subject

#: How a shell or Python tells of SIGXCPU.
_OUT_OF_TIME = (-24, 128 + 24)

Named = tuple[str, GeneratedFunction]

_CASE = re.compile(r"case_(\w+?)_(?![a-z])")
_CRASHED = re.compile(
    r"Assertion|SIGSEGV|SIGABRT|SIGBUS|SIGILL|LLVM ERROR|panicked at|internal compiler error|UNREACHABLE"
)
#: A place in the file that holds all functions, as rustc and `cargo autodiff` write it.
_PLACE = re.compile(r"(?:main|subject|oracle)\.rs:(\d+)")
_RUST_ERROR = re.compile(r"error(?:\[E\d+\])?: ")


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended, and what it printed."""

    returncode: int
    output: str
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        """Whether it ended well."""
        return self.returncode == 0 and not self.timed_out


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """The result of a program: of its compilation, and of its run where that went well."""

    compiled: Done
    ran: Done | None = None


@dataclass(frozen=True, kw_only=True)
class Way:
    """Where functions are differentiated: in the program itself, or in a kernel that it launches.

    `text` renders functions for a seed of gradients; `alone` one that failed, with the numbers that are wanted.
    """

    name: str
    text: Callable[[Sequence[Named], float], str]
    alone: Callable[[GeneratedFunction, Sequence[str], Sequence[tuple[str, int, Sequence[float]]]], str]


AUTODIFF = Way(name="autodiff", text=render.subject, alone=render.standalone)
OFFLOAD = Way(name="offload", text=kernels.subject, alone=kernels.alone)


class Bench(Protocol):
    """Compiles programs and runs them."""

    @property
    def way(self) -> Way:
        """How functions are rendered for it."""
        ...

    @property
    def seed(self) -> float:
        """The seed of functions that return."""
        ...

    def oracle(self, text: str) -> ProgramResult:
        """With any compiler."""
        ...

    def subject(self, text: str, functions: int) -> ProgramResult:
        """With the compiler that differentiates; `functions` says how much there is to do."""
        ...


@dataclass(slots=True)
class Examined:
    """The judgement and the oracle's truth of each function."""

    judgements: dict[str, Judgement] = field(default_factory=dict)
    truths: dict[str, dict[int, Truth]] = field(default_factory=dict)


def examine(bench: Bench, programs: Sequence[Named], crate: int) -> Examined:
    """Judge functions, so many in a crate."""
    found = Examined()
    rest = _with_oracle(bench, list(programs), found)
    for start in range(0, len(rest), crate):
        _settle(bench, rest[start : start + crate], found)
    return found


def _with_oracle(bench: Bench, programs: list[Named], found: Examined) -> list[Named]:
    """Run the oracle; the functions that it has something to say of."""
    while programs:
        text = render.oracle(programs)
        built = bench.oracle(text)
        if built.compiled.ok:
            break
        bad = _modules_of(text, built.compiled.output)
        if not bad:
            half = len(programs) // 2
            if not half:
                found.judgements[programs[0][0]] = Judgement(
                    FunctionOutcome.INVALID, detail=_first_error(built.compiled.output)
                )
                return []
            return [*_with_oracle(bench, programs[:half], found), *_with_oracle(bench, programs[half:], found)]
        for name in bad:
            found.judgements[name] = Judgement(FunctionOutcome.INVALID, detail=bad[name])
        programs = [each for each in programs if each[0] not in bad]
    if not programs or built.ran is None:
        return []
    for (name, point), truth in read_oracle(built.ran.output).items():
        found.truths.setdefault(name, {})[point] = truth
    suited = []
    for name, program in programs:
        # The judgement of an empty run tells what is unsuited.
        judgement = judge(program, found.truths.get(name, {}), Run(status=0), bench.seed)
        if judgement.outcome is FunctionOutcome.UNSUITED:
            found.judgements[name] = judgement
        else:
            suited.append((name, program))
    return suited


def _modules_of(text: str, output: str) -> dict[str, str]:
    """The functions at whose lines errors stand, with the first line of the first error."""
    owner, current = {}, ""
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"mod case_(\w+)_ \{$", line)
        current = match[1] if match else "" if line.startswith(("mod ", "fn main")) else current
        owner[number] = current
    found: dict[str, str] = {}
    message = ""
    for line in output.splitlines():
        if _RUST_ERROR.match(line):
            message = line
        for place in _PLACE.findall(line):
            name = owner.get(int(place), "")
            if name and message:
                found.setdefault(name, message)
    return found


def _first_error(output: str) -> str:
    lines = output.splitlines()
    return next((line for line in lines if "error" in line), lines[-1] if lines else "nothing was printed")[:500]


def _settle(bench: Bench, programs: list[Named], found: Examined) -> None:
    """Compile functions together, leaving out those that are at fault, and judge what they give."""
    while programs:
        text = bench.way.text(programs, bench.seed)
        built = bench.subject(text, len(programs))
        if built.compiled.ok:
            runs = read_subject(built.ran.output) if built.ran else {}
            for name, program in programs:
                found.judgements[name] = judge(program, found.truths[name], runs.get(name), bench.seed)
            return
        names = {name for name, _ in programs}
        guilty = {programs[0][0]} if len(programs) == 1 else _guilty(text, built.compiled) & names
        if not guilty:
            half = len(programs) // 2
            _settle(bench, programs[:half], found)
            _settle(bench, programs[half:], found)
            return
        for name in guilty:
            found.judgements[name] = _refused(name, text, built.compiled)
        programs = [each for each in programs if each[0] not in guilty]


def _reports(output: str, kind: str) -> Iterator[Mapping[str, object]]:
    """The lines of JSON that libEnzyme writes."""
    mark = f"{kind}: {{"
    for line in output.splitlines():
        if line.startswith(mark):
            try:
                yield json.loads(line.removeprefix(f"{kind}: "))
            except json.JSONDecodeError:
                continue


def _case(report: Mapping[str, object]) -> str | None:
    """The function that a report is about."""
    match = _CASE.search(str(report.get("function")))
    return match[1] if match else None


def _guilty(text: str, done: Done) -> set[str]:
    """The functions on which a compilation ended, as far as it says."""
    if refused := {name for report in _reports(done.output, "enzyme-error") if (name := _case(report))}:
        return refused
    open_ones: dict[str, None] = {}
    for line in done.output.splitlines():
        if line.startswith(("enzyme-begin: ", "enzyme-end: ")) and (match := _CASE.search(line)):
            open_ones.pop(match[1], None)
            if line.startswith("enzyme-begin"):
                open_ones[match[1]] = None
    if open_ones:
        return {list(open_ones)[-1]}
    rust_errors = _modules_of(text, done.output)
    if rust_errors:
        return set(rust_errors)
    for line in done.output.splitlines():
        if line.startswith("error") and (match := _CASE.search(line)):
            return {match[1]}
    return set()


def _refused(name: str, text: str, done: Done) -> Judgement:
    """The judgement of a function that did not compile."""
    if done.timed_out or done.returncode in _OUT_OF_TIME or "SIGXCPU" in done.output:
        return Judgement(FunctionOutcome.COMPILER_HANG, "compile", "the compiler runs without an end")
    places = _modules_of(text, done.output)
    reports = list(_reports(done.output, "enzyme-error"))
    for report in [each for each in reports if _case(each) == name] or reports:
        where = report.get("where")
        frames = [frame for frame in where if isinstance(frame, dict)] if isinstance(where, list) else []
        own = [frame for frame in frames if _PLACE.search(f"{frame.get('file')}:{frame.get('line')}")]
        detail = f"{report.get('kind')}: {report.get('message')}"
        return Judgement(FunctionOutcome.REFUSED if own else FunctionOutcome.UNPLACED, "compile", detail[:500])
    detail = places.get(name) or _first_error(done.output)
    if detail.startswith("error[E"):
        return Judgement(FunctionOutcome.INVALID, "compile", detail)
    if _CRASHED.search(done.output) or done.returncode < 0 or done.returncode >= 128:
        line = next((line for line in done.output.splitlines() if _CRASHED.search(line)), detail)
        return Judgement(FunctionOutcome.COMPILER_CRASH, "compile", line[:500])
    return Judgement(FunctionOutcome.REFUSED if name in places else FunctionOutcome.UNPLACED, "compile", detail)
