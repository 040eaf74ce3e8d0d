"""The output of a smoke test's program: one JSON object a line, and nothing else. Pure.

- a derivative: `{"case", "mode", "width", "float", "at", "primal", "derivative", "central"}`, where `derivative` is
  outputs x inputs, row by row, and `central` is a list of `[step, central differences in the same order]`;
- or values: `{"case", "values"}`, for problems whose solution is certified, and for what kernels give back;
- or a device that it launches kernels on: `{"device": number, "uid"}`;
- and at the end `{"done": number of lines before it}`.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from holoenzyme.evidence.judge.oracle import Key

Finite = Annotated[float, Field(allow_inf_nan=False)]
#: The step of a central difference.
StepSize = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DerivativeLine(_Line):
    """One derivative at one point, as a program printed it."""

    case: str
    mode: Literal["forward", "reverse"]
    width: Annotated[int, Field(ge=1)]
    float: Literal["f32", "f64"]
    at: tuple[Finite, ...]
    primal: tuple[Finite, ...]
    derivative: tuple[Finite, ...]
    central: Annotated[tuple[tuple[StepSize, tuple[Finite, ...]], ...], Field(min_length=4)]

    @property
    def key(self) -> Key:
        """What is differentiated, and how."""
        return (self.case, self.mode, self.width)


class ValuesLine(_Line):
    """The solution of one problem, as a program printed it."""

    case: str
    values: tuple[Finite, ...]


class DeviceLine(_Line):
    """A device on which the program launches kernels, as the program named it: the runtime's number and name for it."""

    device: Annotated[int, Field(ge=0)]
    uid: str


class DoneLine(_Line):
    """The last line, with the number of lines before it."""

    done: Annotated[int, Field(ge=0)]


#: What can stand in a line before the last one.
Printed = DerivativeLine | ValuesLine | DeviceLine


def parse(output: str) -> tuple[list[Printed], list[str]]:
    """The lines of a program's output, and what is wrong with it, each with its line number."""
    lines: list[Printed] = []
    problems: list[str] = []
    done: int | None = None
    count = 0
    for number, text in enumerate(output.splitlines(), start=1):
        if done is not None:
            problems.append(f"line {number}: there is output after the line `done`: {_short(text)}")
            break
        try:
            line = _parse_line(text)
        except ValidationError as error:
            for item in error.errors():
                where = ".".join(str(part) for part in item["loc"])
                problems.append(f"line {number}: {where}: {item['msg']}")
            count += 1
            continue
        except ValueError as error:
            problems.append(f"line {number}: {error}: {_short(text)}")
            count += 1
            continue
        if isinstance(line, DoneLine):
            done = line.done
        else:
            lines.append(line)
            count += 1
    if done is None:
        problems.append(f'the line {{"done": N}} is missing after {count} lines: the program did not reach its end')
    elif done != count:
        problems.append(f"the program counted {done} lines, and {count} were read")
    return lines, problems


def _parse_line(text: str) -> Printed | DoneLine:
    try:
        value = json.loads(text, object_pairs_hook=_without_duplicates)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error.msg})") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    if "done" in value:
        return DoneLine.model_validate_json(text)
    if "device" in value:
        return DeviceLine.model_validate_json(text)
    if "values" in value:
        return ValuesLine.model_validate_json(text)
    return DerivativeLine.model_validate_json(text)


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"the key {name!r} is there twice")
    return dict(pairs)


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
