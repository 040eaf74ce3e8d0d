"""Batch after batch of generated functions, and their outcomes; failures are shrunk."""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from holoenzyme import console
from holoenzyme.fuzz.campaign import Bench, examine
from holoenzyme.fuzz.generate import generate
from holoenzyme.fuzz.model import GeneratedFunction
from holoenzyme.fuzz.oracle import FunctionOutcome, FunctionResult, Judgement, judge_oracle, moved, wanted
from holoenzyme.fuzz.shrink import message_kind, shrink


class Hunt:
    """Batch after batch of functions, and what became of them."""

    def __init__(
        self,
        *,
        bench: Bench,
        crate: int,
        shrinks: int,
        folder: Path,
        differences: bool = False,
        make: Callable[[int], GeneratedFunction] = generate,
        words: Sequence[str] = (),
    ) -> None:
        self._bench, self._crate, self._left, self._folder = bench, crate, shrinks, folder
        self._differences, self._make, self._words = differences, make, tuple(words)
        self._start, self._started = time.monotonic(), datetime.now(UTC)
        self._shrunk: set[str] = set()
        self.results: list[FunctionResult] = []

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
        programs = {str(seed): self._make(seed) for seed in seeds}
        if self._differences:
            programs = {name: moved(program) for name, program in programs.items()}
        found = examine(self._bench, list(programs.items()), self._crate)
        judgements = found.judgements
        if self._differences:
            judgements = {
                name: judge_oracle(programs[name], found.truths[name])
                if judgement.outcome is FunctionOutcome.RIGHT
                else judgement
                for name, judgement in judgements.items()
            }
        for name, program in programs.items():
            judgement = judgements[name]
            result = FunctionResult(
                seed=program.seed,
                outcome=judgement.outcome,
                mode=judgement.mode,
                detail=judgement.detail,
                kinds=tuple(sorted(program.kinds())),
            )
            if judgement.outcome is not FunctionOutcome.RIGHT:
                console.say(f"  {program.seed}: {judgement.outcome}: {judgement.detail[:200]}")
            if self._is_new(judgement):
                self._left -= 1
                result = replace(result, file=str(self._shrink(program, judgement)))
            self.results.append(result)
        counts = Counter(result.outcome.value for result in self.results)
        told = ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())
        console.say(f"{len(self.results)} functions in {time.monotonic() - self._start:.0f} s: {told}")

    def _is_new(self, judgement: Judgement) -> bool:
        """Whether to shrink it: messages of the compiler that were shrunk already are not shrunk again."""
        if not judgement.outcome.is_failure or self._left <= 0:
            return False
        if judgement.mode != "compile":
            return True
        key = f"{judgement.outcome} {message_kind(judgement.detail)}"
        new = key not in self._shrunk
        self._shrunk.add(key)
        return new

    def _shrink(self, program: GeneratedFunction, judgement: Judgement) -> Path:
        """Write the smallest program that fails in the same way."""

        def test(candidates: Sequence[GeneratedFunction]) -> list[Judgement]:
            named = [(str(index), candidate) for index, candidate in enumerate(candidates)]
            judgements = examine(self._bench, named, len(named)).judgements
            return [judgements[name] for name, _ in named]

        console.say(f"  shrinking {program.seed}")
        small = shrink(program, judgement, test)
        found = examine(self._bench, [("0", small)], 1)
        final = found.judgements["0"]
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
