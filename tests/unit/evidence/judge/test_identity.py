"""Which libLLVM meet in one process."""

from __future__ import annotations

import pytest
from tests.small_project import identity

from holoenzyme.evidence.judge.identity import LlvmIdentity, compare_identity, read_identity

WHO = ("rustc", "libEnzyme", "libEnzyme when it was built")


def found(*builds: tuple[str, str]) -> list[LlvmIdentity]:
    return [LlvmIdentity(who=who, soname=so, build_id=build) for who, (so, build) in zip(WHO, builds, strict=False)]


def test_one_build_is_right() -> None:
    assert compare_identity(found(*[("libLLVM.so.22.1", "b1")] * 3)) == ()


@pytest.mark.parametrize("odd", [0, 1, 2])
@pytest.mark.parametrize("other", [("libLLVM.so.22.1", "b2"), ("libLLVM.so.22.2", "b1")])
def test_another_build_anywhere_is_wrong(odd: int, other: tuple[str, str]) -> None:
    builds = [("libLLVM.so.22.1", "b1")] * 3
    builds[odd] = other
    (problem,) = compare_identity(found(*builds))
    assert problem.startswith("different builds of libLLVM meet in one process, and Enzyme would hang: rustc: ")
    assert f"{WHO[odd]}: {other[0]} {other[1]}" in problem


@pytest.mark.parametrize("blank", [("", "b1"), ("libLLVM.so.22.1", "")])
def test_nothing_is_not_an_identity(blank: tuple[str, str]) -> None:
    (problem,) = compare_identity(found(*[blank] * 3))
    assert problem.startswith("a libLLVM has no build-id or soname: ")


@pytest.mark.parametrize(("count", "who"), [(0, "nothing"), (1, "rustc"), (2, "rustc, libEnzyme")])
def test_all_three_must_be_known(count: int, who: str) -> None:
    assert compare_identity(found(*[("so", "b")] * count)) == (
        f"libLLVM's identity is known for {who}; rustc, libEnzyme and libEnzyme's build are needed",
    )


def test_what_an_image_says() -> None:
    found, versions = read_identity(identity("b1", "b2", "b3").stdout)
    assert [(item.who, item.build_id) for item in found] == [
        ("rustc", "b1"),
        ("libEnzyme", "b2"),
        ("libEnzyme when it was built", "b3"),
    ]
    assert versions == {"rustc": "rustc 1.96.0 (x)", "rustc release": "1.96.0", "cargo": "cargo 1.96.0"}


@pytest.mark.parametrize("text", ["", "{", '{"who": "rustc"}', "{}\n{broken}", "no such file\n"])
def test_an_image_that_is_wrong_has_no_identity(text: str) -> None:
    assert read_identity(text)[0] == ()
