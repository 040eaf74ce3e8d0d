"""The question to the archive, and apt's answer."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from tests.fakes import FakeEngine, failing
from tests.processes import PATIENCE

from holoenzyme.engine.archive import ArchiveAnswer, ask, gone_in, parse_answer, question, suites_files
from holoenzyme.engine.base import Secret
from holoenzyme.errors import InfrastructureError, UserError
from holoenzyme.matrix.model import Suite
from holoenzyme.matrix.recipe import PackageSet
from holoenzyme.process import Command, SubprocessRunner
from holoenzyme.resolve.apt_text import origins_in, preferences, release_days, suite_list

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


# Suites beside the base's own

SUITES = {"later": Suite(codename="late")}
NEWER = PackageSet(key="rustc/1.98", roots=("rustc", "gcc"), suites={"later": ("rustc", "libstd")}, by_rust=True)
OWN = PackageSet(key="llvm", roots=("llvm-22-dev",))


def test_the_question_about_other_suites_is_a_step_of_its_own() -> None:
    text = question("base:1", {"llvm": ("llvm-22-dev",)}, ("a",), ("later",))
    first, second = text.split("COPY suites /suites\n")
    assert "later" not in first and "ask.sh" not in first, "what is asked of the base's own suites knows of no other"
    assert "--mount=type=secret,id=apt-sources-later,target=/suites/later.list \\\n" in second
    assert second.count("RUN ") == 1 and ". /suites/ask.sh\n" in second
    assert text.endswith(
        "COPY --from=ask /uris /packages /suites-uris /suites-packages /suites-origins /suites-releases /\n"
    )


def test_the_files_with_the_question_about_other_suites() -> None:
    files = suites_files({"rustc/1.98": NEWER}, ("old",), SUITES)
    assert set(files) == {"ask.sh", "later.list", "rustc-1.98.pref"}
    assert files["later.list"] == suite_list("later")
    assert files["rustc-1.98.pref"] == preferences(SUITES, NEWER.suites)
    assert "ask rustc/1.98 /suites/rustc-1.98.pref rustc gcc\n" in files["ask.sh"]


APT_GET = """#!/bin/sh
case "$*" in
    update*) [ ! -e "$ROOT/silent" ] || { echo "E: no route"; exit 100; } ;;
    *--print-uris*)
        case "$*" in *preferences=/suites/rustc-1.98.pref*) ;; *) exit 9 ;; esac
        [ ! -e "$ROOT/gone" ] || { echo " rustc : Depends: libstd but it is not installable"; \\
            echo "E: Unable to correct problems"; exit 100; }
        echo "Reading package lists..."
        echo "'http://archive.invalid/rustc_1.98.0-1_amd64.deb' rustc_1.98.0-1_amd64.deb 5 SHA256:x"
        [ ! -e "$ROOT/half" ] || { echo "E: Internal error"; exit 100; } ;;
esac
"""
APT_CACHE = """#!/bin/sh
case $1 in
    show) printf "Package: rustc\nVersion: 1.98.0-1\nArchitecture: amd64\nSize: 5\nSHA256: aaaa\n\n" ;;
    madison) echo " rustc | 1.98.0-1 | http://archive.invalid/debian later/main amd64 Packages" ;;
esac
echo "$*" >> "$ROOT/cache.log"
"""


def run_script(root: Path, *signs: str) -> dict[str, str]:
    """What the script writes on a machine with an apt of the test's; `signs` say what does not work there."""
    for name, text in (("apt-get", APT_GET), ("apt-cache", APT_CACHE)):
        (root / name).write_text(text)
        (root / name).chmod(0o755)
    for name in ("suites", "sources", "lists"):
        (root / name).mkdir()
    (root / "suites/later.list").write_text("x")
    release = "-----BEGIN PGP SIGNED MESSAGE-----\nOrigin: x\nCodename: late\nDate: Fri, 30 Oct 2026 08:08:01 UTC\n"
    (root / "lists/later_InRelease").write_text(release)
    for sign in signs:
        (root / sign).touch()
    script = suites_files({"rustc/1.98": NEWER}, ("old",), SUITES)["ask.sh"]
    for path in ("said", "names", "suites-uris", "suites-packages", "suites-origins", "suites-releases"):
        script = re.sub(rf"(?<=[ =])/{path}\b", str(root / path), script)
    script = script.replace("/suites/*.list", f"{root}/suites/*.list")
    script = script.replace("/etc/apt/sources.list.d/", f"{root}/sources/").replace(
        "/var/lib/apt/lists", f"{root}/lists"
    )
    (root / "ask.sh").write_text(script)
    env = {"PATH": f"{root}:/usr/bin:/bin", "ROOT": str(root)}
    argv = ("sh", "-c", f"set -eu; . {root}/ask.sh")
    done = SubprocessRunner().run(Command(argv=argv, timeout=PATIENCE, env=env))
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_text() for path in root.glob("suites-*")}


def test_what_other_suites_have(tmp_path: Path) -> None:
    said = run_script(tmp_path)
    assert (tmp_path / "sources/later.list").read_text() == "x"
    sets, available = parse_answer(said["suites-uris"], said["suites-packages"])
    assert set(sets["rustc/1.98"].packages) == {"rustc"} and ("rustc", "1.98.0-1") in available
    assert gone_in(said["suites-uris"]) == {}
    assert origins_in(said["suites-origins"]) == {("rustc", "1.98.0-1"): frozenset({"later"})}
    assert release_days(said["suites-releases"]) == {"late": date(2026, 10, 30)}
    assert "show old rustc" in (tmp_path / "cache.log").read_text(), "locked versions are looked for too"


@pytest.mark.parametrize(
    ("sign", "why"),
    [
        ("gone", "rustc : Depends: libstd but it is not installable E: Unable to correct problems"),
        ("silent", "E: no route"),
        ("half", "E: Internal error"),
    ],
)
def test_what_other_suites_cannot_give_is_noted(tmp_path: Path, sign: str, why: str) -> None:
    said = run_script(tmp_path, sign)
    assert gone_in(said["suites-uris"]) == {"rustc/1.98": why}


def asked(engine: FakeEngine, folder: Path, **suites: str) -> ArchiveAnswer:
    for name, version in (("rustc", "1.98.0-1"), ("libstd", "1.98.0-1"), ("gcc", "4:12-1"), ("llvm-22-dev", "1:22-1")):
        engine.archive.offer(name, version)
    engine.archive.needs["rustc"] = ("libstd", "libllvm22")
    engine.archive.suites = {"rustc": "later", "libstd": "late", **suites}
    sets = {"rustc/1.98": NEWER, "llvm": OWN}
    return ask(engine, "base:1", sets, ("old",), suites=SUITES, secrets=(), folder=folder, say=print)


def test_asking_about_both(engine: FakeEngine, tmp_path: Path) -> None:
    answer = asked(engine, tmp_path)
    newer = answer.sets["rustc/1.98"]
    assert (newer.roots, newer.suites) == (("rustc", "gcc"), {"later": date(2026, 10, 30)})
    assert {name for name, item in newer.packages.items() if item.suite == "later"} == {"rustc", "libstd"}
    assert set(newer.packages) == {"rustc", "libstd", "gcc", "libllvm22"}
    assert all(item.suite is None for item in answer.sets["llvm"].packages.values())
    assert {("old", "1-1"), ("rustc", "1.98.0-1")} <= set(answer.available) and answer.gone == {}


def test_a_package_that_another_suite_lost(engine: FakeEngine, tmp_path: Path) -> None:
    engine.archive.needs["gcc"] = ("lost",)
    answer = asked(engine, tmp_path)
    assert answer.gone == {"rustc/1.98": "E: Unable to locate package lost"}
    assert set(answer.sets) == {"llvm"}


def test_a_suite_that_does_not_answer_does_not_keep_the_others_from_it(engine: FakeEngine, tmp_path: Path) -> None:
    engine.archive.silent = "E: Failed to fetch"
    answer = asked(engine, tmp_path)
    assert answer.gone == {"rustc/1.98": "E: Failed to fetch"}
    assert set(answer.sets) == {"llvm"} and ("rustc", "1.98.0-1") not in answer.available


def test_a_package_of_another_suite_that_nobody_named(engine: FakeEngine, tmp_path: Path) -> None:
    engine.archive.offer("other", "1-1")
    engine.archive.needs["gcc"] = ("other",)
    with pytest.raises(InfrastructureError, match=r"other 1-1 of set rustc/1\.98 comes from later"):
        asked(engine, tmp_path, other="later")


def test_a_question_leaves_nothing_of_the_last_one(engine: FakeEngine, tmp_path: Path) -> None:
    asked(engine, tmp_path)
    ask(engine, "base:1", {"llvm": OWN}, ("old",), suites=SUITES, secrets=(), folder=tmp_path, say=print)
    assert not (tmp_path / "suites").exists()
