"""The reader of YAML files, with models that the matrix does not have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from holoenzyme.errors import UserError
from holoenzyme.matrix.yamlfile import Problem, Words, did_you_mean, parse_model, refuse


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(Strict):
    name: Annotated[str, StringConstraints(pattern="^[a-z]+$"), Words(allowed="small letters")]
    source: str | None = Field(default=None, alias="from")
    needs: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _not_itself(self) -> Part:
        refuse(
            Problem(at=("needs", index), what="a part cannot need itself", fix="remove it")
            for index, name in enumerate(self.needs)
            if name == self.name
        )
        return self


class Whole(Strict):
    parts: Mapping[str, tuple[Part, ...]]
    day: date | None = None
    size: Annotated[int, Field(ge=1, le=9)] = 1
    kind: Literal["a", "b"] = "a"
    title: Annotated[str, StringConstraints(min_length=2)] = "xx"
    open: bool = False

    @model_validator(mode="after")
    def _named(self) -> Whole:
        if not self.parts:
            raise ValueError("Parts are what it is about")
        return self


class Free(Strict):
    values: dict[str, object]


def message_of(text: str, model: type[BaseModel] = Whole) -> str:
    with pytest.raises(UserError) as caught:
        parse_model(text, "x.yaml", model)
    return str(caught.value)


def test_reads_what_fits() -> None:
    whole = parse_model("parts: {p: [{name: q, from: r, needs: [s]}]}\nday: 2027-01-31\nkind: b", "x.yaml", Whole)
    assert whole.day == date(2027, 1, 31)
    assert whole.parts["p"][0] == Part.model_validate({"name": "q", "from": "r", "needs": ("s",)})


def test_a_validator_of_a_part_points_at_its_place_in_the_file() -> None:
    assert message_of("parts:\n  p:\n  - name: q\n    needs: [r, q]\n  - name: s\n    needs:\n    - s\n") == (
        "x.yaml: 2 problems\n"
        "x.yaml:4:16: parts.p[0].needs[1]: a part cannot need itself\n"
        "  fix: remove it\n"
        "x.yaml:7:7: parts.p[1].needs[0]: a part cannot need itself\n"
        "  fix: remove it"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parts: {}", "x.yaml:1:1: parts are what it is about"),
        (
            "parts: {p: [{name: q, form: r}]}",
            "x.yaml:1:23: parts.p[0].form: unknown key\n  why: allowed: name, from, needs\n  fix: did you mean 'from'?",
        ),
        ("parts: {p: [{name: Q}]}", "x.yaml:1:20: parts.p[0].name: 'Q' is not allowed\n  why: allowed: small letters"),
        ("parts: {p: {name: q}}", "x.yaml:1:12: parts.p: expected a list, got a mapping"),
        ("parts: {p: [q]}", "x.yaml:1:13: parts.p[0]: expected a mapping (`key: value`), got 'q'"),
        ("parts: {a b: 1}", 'x.yaml:1:14: parts["a b"]: expected a list, got 1'),
        ("parts: {p: []}\nsize: 0", "x.yaml:2:7: size: must be at least 1, is 0"),
        ("parts: {p: []}\nsize: 0x1F", "x.yaml:2:7: size: must be at most 9, is 0x1F"),
        ("parts: {p: []}\nsize: '3'", "x.yaml:2:7: size: expected a whole number, got '3'"),
        ("parts: {p: []}\nday: true", "x.yaml:2:6: day: expected a date such as 2027-01-31, got true"),
        ("parts: {p: []}\nopen: maybe", "x.yaml:2:7: open: expected true or false, got 'maybe'"),
        ("parts: {p: []}\ntitle: x", "x.yaml:2:8: title: too short: 'x', at least 2 characters"),
        ("parts: {p: []}\ntitle: 007", 'x.yaml:2:8: title: expected text, got 007\n  fix: put it in quotes: "007"'),
        ("parts: {p: []}\nkind:", "x.yaml:2:1: kind: nothing is not allowed\n  why: allowed: a, b"),
        (
            "parts: &p {p: *p}",
            "x.yaml:1:8: parts: anchors and aliases are not allowed\n"
            "  why: every value is written out where it is used",
        ),
    ],
)
def test_messages(text: str, message: str) -> None:
    assert message_of(text) == message


def test_yes_is_text() -> None:
    assert parse_model("parts: {p: []}\ntitle: yes", "x.yaml", Whole).title == "yes"


def test_did_you_mean() -> None:
    assert did_you_mean("sm90", ["host", "sm_90"]) == "did you mean 'sm_90'?"
    assert did_you_mean("SM_90", ["host", "sm_90"]) == "did you mean 'sm_90'?"
    assert did_you_mean("abd", ["abc", "abe"]) in ("did you mean 'abe' or 'abc'?", "did you mean 'abc' or 'abe'?")
    assert did_you_mean("zzz", ["host", "sm_90"]) is None
    assert did_you_mean("zzz", []) is None


# Line ends and control characters are left to YAML's own tests: JSON, which is YAML too, does not escape them all.
texts = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")))
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(values=st.dictionaries(texts, plain, max_size=4), indent=st.none() | st.integers(1, 4))
def test_free_values_come_as_they_were_written(values: dict[str, Any], indent: int | None) -> None:
    text = json.dumps({"values": values}, ensure_ascii=False, indent=indent)
    assert parse_model(text, "x.yaml", Free).values == values
