"""Suites beside the base's own: apt's preferences, where packages come from, the lock, and an archive that moved on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import deb
from tests.small_project import NEWER, PLACE, locked, locked_suites, write_suites

from holoenzyme.errors import InfrastructureError, UserError
from holoenzyme.matrix.model import Suite
from holoenzyme.matrix.recipe import PackageSet
from holoenzyme.resolve.apt_text import (
    origins_in,
    preferences,
    release_days,
    suite_list,
    wanted_again,
    with_suites,
)
from holoenzyme.resolve.model import LOCK_NAME, LockedPackage, LockedSet, Resolution, read_lock, write_lock
from holoenzyme.resolve.reconcile import Offers, check_fits, reconcile
from holoenzyme.session import Project

SUITES = {"later": Suite(codename="late", moves="it moves"), "other": Suite(codename="oth")}
WANTED = PackageSet(key="rustc/1.98", roots=("rustc",), suites={"later": ("rustc", "libstd")}, by_rust=True)
DAY = date(2026, 10, 30)
KEYS = ("llvm", "rustc/1.96", "rustc/1.98")


def test_preferences_name_what_is_taken_and_refuse_the_rest() -> None:
    assert preferences(SUITES, {"later": ("rustc", "libstd")}) == (
        "Package: *\nPin: release n=late\nPin-Priority: -1\n\n"
        "Package: *\nPin: release n=oth\nPin-Priority: -1\n\n"
        "Package: libstd rustc\nPin: release n=late\nPin-Priority: 990\n\n"
        "Package: libstd rustc\nPin: version *\nPin-Priority: -1\n"
    )


def test_only_the_sources_of_such_a_suite_may_have_expired() -> None:
    assert suite_list("later") == "deb [check-valid-until=no] http://deb.debian.org/debian later main\n"


def test_origins() -> None:
    table = (
        "     rustc | 1.98.1-1 | http://archive.invalid/debian later/main amd64 Packages\n"
        "     rustc | 1.98.1-1 | http://archive.invalid/debian other/main amd64 Packages\n"
        " libllvm22 | 1:22.1.8-1 | http://archive.invalid/debian trixie/main amd64 Packages\n"
        "\nsomething else\n"
    )
    assert origins_in(table) == {
        ("rustc", "1.98.1-1"): frozenset({"later", "other"}),
        ("libllvm22", "1:22.1.8-1"): frozenset({"trixie"}),
    }


def test_the_days_of_release_files() -> None:
    fields = (
        "Codename: a\nDate: Sat, 21 Nov 2026 09:15:44 UTC\n\nDate: Fri, 30 Oct 2026 08:08:01 UTC\nCodename: late\n\n"
    )
    assert release_days(fields + "Codename: no-date\n") == {"a": date(2026, 11, 21), "late": DAY}


FOUND = {"rustc": deb("1.98.0-1"), "libstd": deb("1.98.0-1"), "libllvm22": deb("1:22.1.8-1")}
ORIGINS = {
    ("rustc", "1.98.0-1"): frozenset({"later"}),
    ("libstd", "1.98.0-1"): frozenset({"late"}),
    ("libllvm22", "1:22.1.8-1"): frozenset({"bookworm-security", "later"}),
}


def test_a_set_is_found_with_where_each_package_comes_from() -> None:
    found = with_suites(WANTED, FOUND, ORIGINS, {"late": DAY}, SUITES)
    assert {name: item.suite for name, item in found.packages.items()} == {
        "rustc": "later",
        "libstd": "later",
        "libllvm22": None,
    }
    assert (found.roots, found.suites) == (("rustc",), {"later": DAY})


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (
            {("libllvm22", "1:22.1.8-1"): frozenset({"later"})},
            "libllvm22 1:22.1.8-1 of set rustc/1.98 comes from later",
        ),
        ({("rustc", "1.98.0-1"): frozenset({"bookworm"})}, "rustc 1.98.0-1 of set rustc/1.98 comes from bookworm"),
        ({("rustc", "1.98.0-1"): frozenset({"other"})}, "rustc 1.98.0-1 of set rustc/1.98 comes from other"),
        ({("rustc", "1.98.0-1"): frozenset()}, "rustc 1.98.0-1 of set rustc/1.98 comes from nowhere"),
    ],
)
def test_what_came_from_elsewhere_is_refused(changed: Mapping[tuple[str, str], frozenset[str]], what: str) -> None:
    with pytest.raises(InfrastructureError) as caught:
        with_suites(WANTED, FOUND, {**ORIGINS, **changed}, {"late": DAY}, SUITES)
    assert caught.value.what == what


def test_a_release_file_without_a_date() -> None:
    with pytest.raises(InfrastructureError, match="the release file of later does not say its codename and its date"):
        with_suites(WANTED, FOUND, ORIGINS, {}, SUITES)


def test_what_is_locked_is_wanted_again_from_where_it_came() -> None:
    again = wanted_again("rustc/1.98", locked_suites().sets[PLACE]["rustc/1.98"])
    assert again == PackageSet(key="rustc/1.98", roots=("rustc",), suites={"later": ("libstd", "rustc")})
    assert wanted_again("llvm", locked().sets[PLACE]["llvm"]).suites == {}


# The lock


def test_the_lock_says_suites_and_days_where_there_are_any(tmp_path: Path) -> None:
    text = write_lock(tmp_path / LOCK_NAME, locked_suites())
    assert read_lock(tmp_path / LOCK_NAME).resolution() == locked_suites()
    data = json.loads(text)["sets"][PLACE]
    assert data["rustc/1.98"]["suites"] == {"later": "2026-10-30"}
    assert {name: item.get("suite") for name, item in data["rustc/1.98"]["packages"].items()} == {
        "rustc": "later",
        "libstd": "later",
        "libllvm22": None,
    }
    assert "suite" not in json.dumps([data["rustc/1.96"], data["llvm"]]), "most lines say nothing of it"


def test_what_a_lock_without_suites_is_known_by_does_not_change() -> None:
    assert '"suite' not in locked().model_dump_json()


def why_not(root: Path, resolution: Resolution) -> str | None:
    project = Project(root)
    files = project.pinning_files(resolution)
    files.pop(LOCK_NAME, None)
    try:
        check_fits(project.matrix, project.cookbook, resolution, files)
    except UserError as error:
        return error.why
    return None


def with_newer(**packages: LockedPackage | None) -> Resolution:
    """The lock with other packages in the set of the newer Rust."""
    old = locked_suites().sets[PLACE]
    changed = {**old["rustc/1.98"].packages, **packages}
    kept = {name: item for name, item in changed.items() if item is not None}
    item = old["rustc/1.98"].model_copy(update={"packages": kept})
    return locked_suites().model_copy(update={"sets": {PLACE: {**old, "rustc/1.98": item}}})


def test_a_lock_fits_where_each_package_comes_from_where_the_recipe_says(tmp_path: Path) -> None:
    root = write_suites(tmp_path)
    rustc, llvm = (locked_suites().sets[PLACE]["rustc/1.98"].packages[name] for name in ("rustc", "libllvm22"))
    assert why_not(root, locked_suites()) is None
    assert why_not(root, with_newer(rustc=rustc.model_copy(update={"suite": None}))) == (
        "rustc of set 'rustc/1.98' is locked from the suites of the base; the recipe says later"
    )
    assert why_not(root, with_newer(libllvm22=llvm.model_copy(update={"suite": "later"}))) == (
        "libllvm22 of set 'rustc/1.98' is locked from later; the recipe says the suites of the base"
    )
    assert why_not(root, with_newer(libstd=None)) == (
        "libstd is to come from later, and set 'rustc/1.98' does not need it"
    )
    sets = locked_suites().sets[PLACE]
    undated = sets["rustc/1.98"].model_copy(update={"suites": {}})
    assert why_not(root, locked().model_copy(update={"sets": {PLACE: {**sets, "rustc/1.98": undated}}})) == (
        "package set 'rustc/1.98' was locked with other suites than the recipe says"
    )


def test_a_set_that_is_locked_for_another_rust_alone_is_missed(tmp_path: Path) -> None:
    sets = dict(locked_suites().sets[PLACE])
    del sets["rustc/1.98"]
    why = why_not(write_suites(tmp_path), locked_suites().model_copy(update={"sets": {PLACE: sets}}))
    assert why == f"package set 'rustc/1.98' of {PLACE} is not locked"


# An archive that moved on


def offers(resolution: Resolution, gone: tuple[str, ...] = (), **more: Any) -> Offers:
    """An archive with exactly what is in `resolution`, but for the sets that are gone."""
    sets = {name: item for name, item in resolution.sets[PLACE].items() if name not in gone}
    available = {(name, package.version): package for item in sets.values() for name, package in item.packages.items()}
    offered = Offers(base=None, sets=sets, available=available, gone=dict.fromkeys(gone, "later: it moves"))
    return replace(offered, **more)


def test_packages_that_are_gone_are_said_with_what_gives_them() -> None:
    with pytest.raises(UserError) as caught:
        reconcile(locked_suites(), PLACE, offers(locked_suites(), ("rustc/1.98",)))
    assert str(caught.value) == (
        "the archive does not have the packages of set 'rustc/1.98' any more, some of which come from later\n"
        "  why: later: it moves\n"
        "  fix: use a store that holds them (--store DIR), or a snapshot of the archive (HOLOENZYME_APT_SOURCES names "
        "a folder with later.list: later as of 2026-10-30); or lock anew: run `nox -s lock` and commit what it writes"
    )


@pytest.mark.parametrize("needed", [("llvm", "rustc/1.96"), ()])
def test_where_other_cells_need_them_the_build_goes_on(needed: tuple[str, ...]) -> None:
    offered = offers(locked_suites(), ("rustc/1.98",), needed=needed)
    assert reconcile(locked_suites(), PLACE, offered) == (locked_suites(), ())


def test_what_is_at_hand_need_not_be_in_the_archive() -> None:
    offered = offers(locked_suites(), ("rustc/1.98",), needed=KEYS, at_hand=("rustc/1.98",))
    assert reconcile(locked_suites(), PLACE, offered) == (locked_suites(), ())


def test_what_is_at_hand_does_not_go_with_a_newer_libllvm() -> None:
    """Two builds of it hang in one process: the set at hand would have to be had anew, and cannot be."""
    newer = locked_suites(libllvm22="1:22.1.8-2", llvm_22_dev="1:22.1.8-2")
    offered = offers(newer, ("rustc/1.98",), needed=KEYS, at_hand=("rustc/1.98",))
    with pytest.raises(UserError, match=r"does not have the packages of set 'rustc/1\.98' any more"):
        reconcile(locked_suites(), PLACE, offered)
    used, _ = reconcile(
        locked_suites(), PLACE, offers(newer, ("rustc/1.98",), needed=("llvm", "rustc/1.96"), at_hand=("rustc/1.98",))
    )
    assert used.sets[PLACE]["llvm"] == newer.sets[PLACE]["llvm"]
    assert used.sets[PLACE]["rustc/1.98"] == locked_suites().sets[PLACE]["rustc/1.98"], "as it is locked, for others"


def test_a_newer_base_needs_all_sets_anew() -> None:
    base = locked().bases[PLACE].model_copy(update={"packages": {"libc6": "2.36-9+deb12u2", "apt": "2.6.2"}})
    with pytest.raises(UserError, match=r"set 'rustc/1\.98'"):
        reconcile(
            locked_suites(), PLACE, offers(locked_suites(), ("rustc/1.98",), base=base, at_hand=KEYS, needed=KEYS)
        )


def test_a_newer_revision_is_used_with_its_suite() -> None:
    newer = locked_suites(rustc="1.98.0-2", libstd="1.98.0-2")
    used, changes = reconcile(locked_suites(), PLACE, offers(newer))
    assert used.sets[PLACE]["rustc/1.98"].packages["rustc"].suite == "later"
    assert [str(change) for change in changes] == [
        "set rustc/1.98: libstd 1.98.0-1 -> 1.98.0-2 (a newer revision of the same upstream version)",
        "set rustc/1.98: rustc 1.98.0-1 -> 1.98.0-2 (a newer revision of the same upstream version)",
    ]


def test_another_upstream_version_is_refused_with_the_snapshot_that_has_the_locked_one() -> None:
    with pytest.raises(UserError) as caught:
        reconcile(locked_suites(), PLACE, offers(locked_suites(rustc="1.99.0-1", libstd="1.99.0-1")))
    assert caught.value.what == "the archive has another upstream version of libstd, rustc than matrix.lock"
    assert caught.value.fix == (
        "lock libstd, rustc anew: run `nox -s lock` and commit what it writes (a store that holds the locked packages "
        "also serves: --store DIR, or a snapshot of the archive (HOLOENZYME_APT_SOURCES names a folder with "
        "later.list: later as of 2026-10-30))"
    )


def test_cells_share_packages_where_they_have_one_rust(tmp_path: Path) -> None:
    project = Project(write_suites(tmp_path))
    sets = {cell.id: set(project.cookbook.package_sets(cell)) for cell in project.matrix.supported()}
    assert sets[NEWER] & sets["distro-1.96-host"] == {"llvm"}
    assert LockedSet(roots=(), packages={}).suites == {}
