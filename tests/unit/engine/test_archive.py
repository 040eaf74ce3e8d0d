"""The question to the archive, and apt's answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fakes import FakeEngine, failing

from holoenzyme.engine.archive import ask, parse_answer, question
from holoenzyme.engine.base import Secret
from holoenzyme.errors import InfrastructureError, UserError
from holoenzyme.matrix.recipe import PackageSet

URIS = """==holoenzyme-set llvm
'http://deb.example/l/libllvm22_22.1.8-1%7edeb12u1_amd64.deb' libllvm22_1%3a22.1.8-1~deb12u1_amd64.deb 311 SHA256:aa
'http://deb.example/libstdc%2b%2b-12-dev_12.2.0_amd64.deb' libstdc++-12-dev_12.2.0-14+deb12u1_amd64.deb 2046 SHA256:bb
==holoenzyme-set rustc
'http://deb.example/l/libllvm22_22.1.8-1%7edeb12u1_amd64.deb' libllvm22_1%3a22.1.8-1~deb12u1_amd64.deb 311 SHA256:aa
'http://deb.example/c/cmake-data_3.25.1-1_all.deb' cmake-data_3.25.1-1_all.deb 5 MD5Sum:cc
==holoenzyme-end
"""

PACKAGES = """Package: libllvm22
Source: llvm-toolchain-22
Version: 1:22.1.8-1~deb12u1
Installed-Size: 140000
Architecture: amd64
Depends: libc6 (>= 2.34), libffi8 (>= 3.4)
Size: 311
SHA256: aaaa
Description: LLVM
 with a second line: and a colon
Description-md5: 1

Package: libllvm22
Version: 1:22.1.8-1~deb12u0
Architecture: amd64
Size: 300
SHA256: a0

Package: libstdc++-12-dev
Version: 12.2.0-14+deb12u1
Architecture: amd64
Size: 2046
SHA256: bbbb

Package: cmake-data
Version: 3.25.1-1
Architecture: all
Size: 5
SHA256: cccc

Package: apt
Status: install ok installed
Version: 2.6.2
Architecture: amd64
"""


def test_an_answer() -> None:
    sets, available = parse_answer(URIS, PACKAGES)
    assert {name: {p: v.version for p, v in item.packages.items()} for name, item in sets.items()} == {
        "llvm": {"libllvm22": "1:22.1.8-1~deb12u1", "libstdc++-12-dev": "12.2.0-14+deb12u1"},
        "rustc": {"libllvm22": "1:22.1.8-1~deb12u1", "cmake-data": "3.25.1-1"},
    }
    found = sets["rustc"].packages["cmake-data"]
    assert (found.architecture, found.sha256, found.size) == ("all", "cccc", 5)
    assert ("libllvm22", "1:22.1.8-1~deb12u0") in available, "older versions can still be had"
    assert not any(name == "apt" for name, _ in available), "what is only installed cannot be downloaded"


def test_an_empty_set_is_a_set() -> None:
    sets, _ = parse_answer("==holoenzyme-set none\n==holoenzyme-end\n", "")
    assert sets["none"].packages == {}


@pytest.mark.parametrize("uris", ["", URIS.replace("==holoenzyme-end\n", ""), URIS[:200]])
def test_an_answer_that_ends_early(uris: str) -> None:
    with pytest.raises(InfrastructureError) as caught:
        parse_answer(uris, PACKAGES)
    assert caught.value.what == "the archive's answer ends early"
    assert caught.value.why == uris[-500:]


def test_a_file_without_a_checksum() -> None:
    with pytest.raises(InfrastructureError, match=r"the archive offers cmake-data 3\.25\.1-1 without a checksum"):
        parse_answer(URIS, PACKAGES.replace("SHA256: cccc\n", ""))


def test_the_question() -> None:
    text = question("base:1", {"rustc": ("rustc-web", "gcc"), "llvm": ("llvm-22-dev",)}, ("b", "a"))
    assert text.startswith("FROM base:1 AS ask\n")
    assert text.endswith("FROM scratch\nCOPY --from=ask /uris /packages /\n")
    assert text.index("--print-uris llvm-22-dev |") < text.index("--print-uris rustc-web gcc |")
    assert text.count("==holoenzyme-set") == 2 and text.count("==holoenzyme-end") == 1
    assert "echo b a | tr ' ' '\\n' >> /names" in text
    for secret in ("ca", "env", "apt-sources", "apt-auth"):
        assert f"--mount=type=secret,id={secret}," in text
    for order in ({"a": ("x",), "b": ("y",)}, {"b": ("y",), "a": ("x",)}):
        assert question("base:1", order, ()) == question("base:1", {"a": ("x",), "b": ("y",)}, ())


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine()
    engine.put("base:1", {})
    for name, version in (("rustc-web", "1.96.0+dfsg1-1"), ("libllvm22", "1:22.1.8-1"), ("old", "1-1")):
        engine.archive.offer(name, version)
    engine.archive.needs = {"rustc-web": ("libllvm22",)}
    return engine


def test_asking(engine: FakeEngine, tmp_path: Path) -> None:
    secrets = (Secret(id="ca", path=tmp_path / "ca"),)
    sets = {"rustc": PackageSet(key="rustc", roots=("rustc-web",))}
    answer = ask(engine, "base:1", sets, ("old",), suites={}, secrets=secrets, folder=tmp_path / "x", say=print)
    assert answer.sets["rustc"].roots == ("rustc-web",)
    assert set(answer.sets["rustc"].packages) == {"rustc-web", "libllvm22"}
    assert ("old", "1-1") in answer.available and answer.gone == {}
    (build,) = engine.builds
    assert build.request.no_cache and build.request.output == tmp_path / "x/answer"
    assert build.request.secrets == secrets and build.request.labels == {}
    assert (tmp_path / "x/archive.log").is_file() and (tmp_path / "x/Dockerfile").is_file()


@pytest.mark.parametrize(
    ("tail", "error", "what"),
    [
        ("E: Unable to locate package x", UserError, "a recipe asks for a package that the archive does not have"),
        ("E: Failed to fetch", InfrastructureError, "the archive does not answer"),
    ],
)
def test_an_archive_that_fails(
    engine: FakeEngine, tmp_path: Path, tail: str, error: type[UserError | InfrastructureError], what: str
) -> None:
    engine.hooks["archive"] = failing(tail=tail)
    with pytest.raises(error) as caught:
        sets = {"a": PackageSet(key="a", roots=("x",))}
        ask(engine, "base:1", sets, (), suites={}, secrets=(), folder=tmp_path, say=print)
    assert (caught.value.what, caught.value.why) == (what, tail)
