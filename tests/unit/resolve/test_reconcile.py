"""The lock against what an archive offers today."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.fakes import deb, digest_of
from tests.small_project import BASE, PLACE, locked

from holoenzyme.errors import InfrastructureError, UserError
from holoenzyme.resolve.model import LockedPackage, LockedSet, Resolution
from holoenzyme.resolve.reconcile import Drift, Offers, classify, compare, reconcile


def offers(resolution: Resolution, *, base: Mapping[str, str] | None = None, keeps: Resolution | None = None) -> Offers:
    """What an archive offers whose newest versions are those of `resolution`, and that keeps older ones."""
    available: dict[tuple[str, str], LockedPackage] = {}
    for one in (resolution, keeps or resolution):
        for item in one.sets[PLACE].values():
            available |= {(name, package.version): package for name, package in item.packages.items()}
    offered = resolution.bases[PLACE].model_copy(update={"packages": dict(base)}) if base else None
    return Offers(base=offered, sets=resolution.sets[PLACE], available=available)


def with_packages(resolution: Resolution, name: str, packages: Mapping[str, LockedPackage]) -> Resolution:
    """The resolution with another content of one set."""
    old = resolution.sets[PLACE]
    changed = LockedSet(roots=old[name].roots, packages=dict(packages))
    return resolution.model_copy(update={"sets": {PLACE: {**old, name: changed}}})


@pytest.mark.parametrize(
    ("before", "after", "drift"),
    [
        ("1.0-1", "1.0-1", Drift.NONE),
        ("1.0-1", "1.0-2", Drift.REVISION),
        ("1.0-9", "1.0-10", Drift.REVISION),
        ("1.0-1", "1.0-1+b1", Drift.REVISION),
        ("1.0-1", "1.0-1~deb12u1", Drift.OLDER),
        ("1.0-1~deb12u1", "1.0-1~deb12u2", Drift.REVISION),
        ("1.0-2", "1.0-1", Drift.OLDER),
        ("1.0-1", "1.1-1", Drift.UPSTREAM),
        ("1.1-1", "1.0-1", Drift.UPSTREAM),
        ("1:1.0-1", "1:1.0-2", Drift.REVISION),
        ("1:1.0-1", "2:1.0-2", Drift.UPSTREAM),
        ("1.0-1", "1:1.0-1", Drift.UPSTREAM),
        ("6.2.1+dfsg1-1", "6.2.1+dfsg1-2", Drift.REVISION),
        ("6.2.1-1", "6.2.1+dfsg1-1", Drift.UPSTREAM),
        ("20250419~deb12u2", "20250419~deb12u3", Drift.REVISION),
        ("12.4+deb12u15", "12.4+deb12u16", Drift.REVISION),
        ("20250419~deb12u2", "20260101~deb12u1", Drift.UPSTREAM),
        (None, "1.0-1", Drift.ADDED),
        ("1.0-1", None, Drift.GONE),
    ],
)
def test_how_versions_differ(before: str | None, after: str | None, drift: Drift) -> None:
    assert classify(before, after) is drift


def test_the_same_archive_changes_nothing() -> None:
    assert reconcile(locked(), PLACE, offers(locked(), base=BASE)) == (locked(), ())
    assert reconcile(locked(), PLACE, offers(locked())) == (locked(), ())


def test_the_locked_version_is_used_as_long_as_it_can_be_had() -> None:
    newer = locked(rustc_web="1.96.0-2", libllvm22="1:22.1.8-2")
    assert reconcile(locked(), PLACE, offers(newer, keeps=locked())) == (locked(), ())


def test_even_where_the_newest_has_another_upstream_version() -> None:
    assert reconcile(locked(), PLACE, offers(locked(rustc_web="1.97.0-1"), keeps=locked())) == (locked(), ())


def test_a_newer_revision_is_used_and_named() -> None:
    newer = locked(rustc_web="1.96.0-2")
    used, changes = reconcile(locked(), PLACE, offers(newer))
    assert used == newer
    assert [str(change) for change in changes] == [
        "set rustc: rustc-web 1.96.0-1 -> 1.96.0-2 (a newer revision of the same upstream version)"
    ]


def test_a_set_is_taken_whole_not_package_by_package() -> None:
    """What is built from one set of an archive belongs together: libllvm22 is there in both versions."""
    newer = locked(llvm_22_dev="1:22.1.8-2", libllvm22="1:22.1.8-2")
    available = {
        **offers(newer).available,
        ("libllvm22", "1:22.1.8-1"): locked().sets[PLACE]["llvm"].packages["libllvm22"],
    }
    used, _ = reconcile(locked(), PLACE, Offers(base=None, sets=newer.sets[PLACE], available=available))
    assert used.sets[PLACE]["llvm"] == newer.sets[PLACE]["llvm"]


def test_one_llvm_for_all_sets() -> None:
    """Where one set has to move to a newer libllvm22, the others do too: two builds of it hang in one process."""
    newer = locked(llvm_22_dev="1:22.1.8-2", libllvm22="1:22.1.8-2")
    available = {
        **offers(newer).available,
        ("libllvm22", "1:22.1.8-1"): locked().sets[PLACE]["llvm"].packages["libllvm22"],
        ("rustc-web", "1.96.0-1"): locked().sets[PLACE]["rustc"].packages["rustc-web"],
    }
    for order in (("llvm", "rustc"), ("rustc", "llvm")):
        sets = locked().sets[PLACE]
        lock = locked().model_copy(update={"sets": {PLACE: {name: sets[name] for name in order}}})
        used, _ = reconcile(lock, PLACE, Offers(base=None, sets=newer.sets[PLACE], available=available))
        versions = {used.sets[PLACE][name].packages["libllvm22"].version for name in ("rustc", "llvm")}
        assert versions == {"1:22.1.8-2"}, order


def test_a_newer_base_takes_all_sets_anew() -> None:
    """A base that came out newer may hold what a set would bring."""
    base = {**BASE, "libc6": "2.36-9+deb12u2"}
    newer = locked(rustc_web="1.96.0-2")
    used, changes = reconcile(locked(), PLACE, offers(newer, base=base, keeps=locked()))
    assert used.bases[PLACE].packages == base
    assert used.bases[PLACE].include == locked().bases[PLACE].include
    assert used.sets == newer.sets
    assert [(change.where, change.package) for change in changes] == [
        (f"base {PLACE}", "libc6"),
        ("set rustc", "rustc-web"),
    ]


def test_packages_come_and_go_with_a_newer_revision() -> None:
    packages = {
        "llvm-22-dev": deb("1:22.1.8-2", digest_of("x")),
        "libz3-4": deb("4.8.12-3"),
    }
    used, changes = reconcile(locked(), PLACE, offers(with_packages(locked(), "llvm", packages)))
    assert used.sets[PLACE]["llvm"].packages == packages
    assert [str(change) for change in changes if change.where == "set llvm"] == [
        "set llvm: libllvm22 1:22.1.8-1 -> - (no longer needed)",
        "set llvm: libz3-4 - -> 4.8.12-3 (not in the lock)",
        "set llvm: llvm-22-dev 1:22.1.8-1 -> 1:22.1.8-2 (a newer revision of the same upstream version)",
    ]


def test_another_upstream_version_is_refused_by_name() -> None:
    with pytest.raises(UserError) as caught:
        reconcile(locked(), PLACE, offers(locked(llvm_22_dev="1:22.1.9-1", libllvm22="1:22.1.9-1")))
    assert str(caught.value) == (
        "the archive has another upstream version of libllvm22, llvm-22-dev than matrix.lock\n"
        "  why: set rustc: libllvm22 1:22.1.8-1 -> 1:22.1.9-1 (another upstream version); "
        "set llvm: libllvm22 1:22.1.8-1 -> 1:22.1.9-1 (another upstream version); "
        "set llvm: llvm-22-dev 1:22.1.8-1 -> 1:22.1.9-1 (another upstream version)\n"
        "  fix: lock libllvm22, llvm-22-dev anew: run `nox -s lock` and commit what it writes "
        "(a store that holds the locked packages also serves: --store DIR)"
    )


def test_a_mirror_that_is_behind_is_refused() -> None:
    with pytest.raises(InfrastructureError) as caught:
        reconcile(locked(rustc_web="1.96.0-2"), PLACE, offers(locked()))
    assert str(caught.value) == (
        "the archive is behind matrix.lock\n"
        "  why: set rustc: rustc-web 1.96.0-2 -> 1.96.0-1 (an older revision than the locked one)\n"
        "  fix: use an up-to-date mirror, or a store that holds the locked packages (--store DIR)"
    )


def test_one_version_with_two_contents_is_refused() -> None:
    wrong = deb("1.96.0-1", "f" * 64)
    packages = {**locked().sets[PLACE]["rustc"].packages, "rustc-web": wrong}
    with pytest.raises(InfrastructureError) as caught:
        reconcile(locked(), PLACE, offers(with_packages(locked(), "rustc", packages)))
    assert caught.value.what == (
        "rustc-web 1.96.0-1 has another checksum in the archive than in matrix.lock (set rustc)"
    )
    assert caught.value.why is not None and digest_of("rustc-web 1.96.0-1") in caught.value.why


def test_comparing_two_resolutions() -> None:
    newer = locked({"libc6": "2.36-9+deb12u2", "bash": "5.2-1"}, rustc_web="1.97.0-1")
    assert [str(change) for change in compare(locked(), newer)] == [
        f"base {PLACE}: apt 2.6.2 -> - (no longer needed)",
        f"base {PLACE}: bash - -> 5.2-1 (not in the lock)",
        f"base {PLACE}: libc6 2.36-9+deb12u1 -> 2.36-9+deb12u2 (a newer revision of the same upstream version)",
        "set rustc: rustc-web 1.96.0-1 -> 1.97.0-1 (another upstream version)",
    ]
    assert compare(locked(), locked()) == ()
    everything = compare(Resolution(bases={}, sets={}, crates={}), locked())
    assert {change.drift for change in everything} == {Drift.ADDED}


def test_a_package_that_may_move_is_taken_in_a_newer_upstream_version_and_no_older_one() -> None:
    newer, older = locked(rustc_web="1.97.0-1"), locked(rustc_web="1.95.0-1")
    was = locked().sets[PLACE]["rustc"].packages["rustc-web"].version
    used, changes = reconcile(locked(), PLACE, offers(newer), ["rustc-web"])
    assert used.sets[PLACE]["rustc"].packages["rustc-web"].version == "1.97.0-1"
    moved = f"set rustc: rustc-web {was} -> 1.97.0-1 (a newer upstream version, which matrix.yaml lets move)"
    assert [str(change) for change in changes] == [moved]
    for offered, moving in ((newer, []), (older, ["rustc-web"])):
        with pytest.raises(UserError, match="another upstream version of rustc-web"):
            reconcile(locked(), PLACE, offers(offered), moving)
