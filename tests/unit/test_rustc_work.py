"""The folder that rustc's build keeps: sources by content, and no reuse of what cannot be trusted."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from tests.processes import is_gone

ROOT = Path(__file__).resolve().parents[2]
_SPEC = importlib.util.spec_from_file_location("work", ROOT / "recipes/rustc/work.py")
assert _SPEC is not None and _SPEC.loader is not None
work = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(work)

PATCH = """What: says more

--- a/lib.rs
+++ b/lib.rs
@@ -1,2 +1,2 @@
 // a library
-pub fn old() {}
+pub fn new() {}
"""
ADDS = """What: adds one and removes another

--- /dev/null
+++ b/deep/added.rs
@@ -0,0 +1 @@
+// added
--- a/gone.rs
+++ /dev/null
@@ -1 +0,0 @@
-// gone
"""
#: A build that keeps what it made while its source is older, as cargo and make do, and counts what it did.
BUILD = """
set -eu
mkdir -p out
for file in $(cd source && find . -name '*.rs'); do
    made=out/$(echo "$file" | tr / _)
    if [ ! -e "$made" ] || [ "source/$file" -nt "$made" ]; then cp "source/$file" "$made"; echo "$file" >> ../done; fi
done
"""


class Site:
    """A source tree with patches, and the folder that is kept."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.source, self.patches, self.work = root / "pristine", root / "patches", root / "work"
        self.source.mkdir()
        self.patches.mkdir()
        (self.source / "lib.rs").write_text("// a library\npub fn old() {}\n")
        (self.source / "same.rs").write_text("// never changes\n")
        (self.source / "gone.rs").write_text("// gone\n")
        (self.root / "config.toml").write_text("a = 1\n")
        self.series("0001.patch")
        (self.patches / "0001.patch").write_text(PATCH)

    def series(self, *names: str) -> None:
        (self.patches / "series").write_text("".join(f"{name}\n" for name in names))

    def build(self, command: str = BUILD, *, key: str = "llvm 22", fresh: bool = False) -> set[str]:
        """Run a build; returns the sources that it compiled."""
        (self.root / "done").unlink(missing_ok=True)
        # Times on disk may be no finer than the clock's tick: what is written now has to be newer than what was.
        time.sleep(0.02)
        self.code = work.build(
            source=self.source,
            patches=self.patches,
            work=self.work,
            config=self.root / "config.toml",
            key=key,
            fresh=fresh,
            command=["sh", "-c", command],
        )
        done = self.root / "done"
        return {Path(line).name for line in done.read_text().splitlines()} if done.is_file() else set()


EVERYTHING = {"lib.rs", "same.rs", "gone.rs"}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_the_first_build_has_the_patched_sources(site: Site) -> None:
    assert site.build() == EVERYTHING
    assert (site.work / "source/lib.rs").read_text() == "// a library\npub fn new() {}\n"
    assert (site.work / "config").read_text() == "a = 1\n"
    assert (site.source / "lib.rs").read_text() == "// a library\npub fn old() {}\n"


def test_nothing_changed_builds_nothing(site: Site) -> None:
    site.build()
    assert site.build() == set()


def test_a_changed_patch_builds_only_what_it_touches(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.build()
    (site.patches / "0001.patch").write_text(PATCH.replace("new()", "newer()"))
    assert site.build() == {"lib.rs"}
    assert "sources: 0 new, 1 changed, 0 gone" in capsys.readouterr().err


def test_a_patch_that_is_taken_back_is_built_although_the_file_is_old(site: Site) -> None:
    site.build()
    os.utime(site.source / "lib.rs", (0, 0))
    site.series()
    (site.patches / "0001.patch").unlink()
    assert site.build() == {"lib.rs"}
    assert (site.work / "out/._lib.rs").read_text() == "// a library\npub fn old() {}\n"


def test_a_source_with_another_time_alone_is_not_built(site: Site) -> None:
    site.build()
    future = time.time() + 1000
    os.utime(site.source / "same.rs", (future, future))
    assert site.build() == set()


def test_a_patch_adds_and_removes_files(site: Site) -> None:
    site.build()
    site.series("0001.patch", "0002.patch")
    (site.patches / "0002.patch").write_text(ADDS)
    assert site.build() == {"added.rs"}
    assert not (site.work / "source/gone.rs").exists()
    site.series("0001.patch")
    (site.patches / "0002.patch").unlink()
    assert site.build() == {"gone.rs"}
    assert not (site.work / "source/deep").exists()


def test_a_source_that_somebody_changed_in_the_kept_folder_is_put_right(site: Site) -> None:
    site.build()
    (site.work / "source/same.rs").write_text("// poison\n")
    (site.work / "source/other.rs").write_text("// poison\n")
    assert site.build() == {"same.rs"}
    assert (site.work / "source/same.rs").read_text() == "// never changes\n"
    assert not (site.work / "source/other.rs").exists()


def test_links_and_the_right_to_run_are_kept(site: Site) -> None:
    (site.source / "x.py").write_text("#!/bin/sh\n")
    (site.source / "x.py").chmod(0o755)
    (site.source / "folder").mkdir()
    (site.source / "folder/a").write_text("a")
    (site.source / "link").symlink_to("folder")
    site.build()
    assert os.access(site.work / "source/x.py", os.X_OK)
    assert (site.work / "source/link").readlink() == Path("folder")
    (site.source / "link").unlink()
    (site.source / "link").symlink_to("lib.rs")
    site.build()
    assert (site.work / "source/link").readlink() == Path("lib.rs")


def poison_content(site: Site) -> None:
    path = site.work / "out/._same.rs"
    status = path.stat()
    path.write_text("// Never changes\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def poison_time(site: Site) -> None:
    os.utime(site.work / "out/._same.rs", (2e9, 2e9))


def add_a_file(site: Site) -> None:
    (site.work / "out/stray.rmeta").write_text("stray")


def remove_a_file(site: Site) -> None:
    (site.work / "out/._same.rs").unlink()


def lose_the_note(site: Site) -> None:
    (site.work / work.STATE).unlink()


def garble_the_note(site: Site) -> None:
    (site.work / work.STATE).write_text("{")


def build_in_the_future(site: Site) -> None:
    note = json.loads((site.work / work.STATE).read_text())
    (site.work / work.STATE).write_text(json.dumps(note | {"ended": time.time() + 3600}))


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (poison_content, "out/._same.rs is not as it was left"),
        (poison_time, "out/._same.rs is not as it was left"),
        (add_a_file, "out/stray.rmeta is new"),
        (remove_a_file, "out/._same.rs is gone"),
        (lose_the_note, "the last build there did not come to its end"),
        (garble_the_note, "what the last build wrote of itself cannot be read"),
        (build_in_the_future, "the clock went back since the last build"),
    ],
)
def test_what_cannot_be_trusted_is_built_anew(
    site: Site, capsys: pytest.CaptureFixture[str], harm: Callable[[Site], None], why: str
) -> None:
    site.build()
    harm(site)
    assert site.build() == EVERYTHING
    assert f"beginning anew: {why}" in capsys.readouterr().err
    assert site.build() == set()


def test_other_packages_another_configuration_or_a_wish_begin_anew(site: Site) -> None:
    site.build()
    assert site.build(key="llvm 23") == EVERYTHING
    assert site.build() == EVERYTHING
    (site.root / "config.toml").write_text("a = 2\n")
    assert site.build() == EVERYTHING
    assert site.build(fresh=True) == EVERYTHING
    assert site.build() == set()


def test_a_build_that_fails_goes_on_where_it_was(site: Site) -> None:
    site.build(BUILD + "exit 7")
    assert site.code == 7
    assert site.build() == set()
    assert site.code == 0


def test_a_build_that_was_killed_is_not_gone_on_with(site: Site) -> None:
    site.build(BUILD + "kill -9 $$")
    assert site.code == 137
    assert site.build() == EVERYTHING


def test_a_patch_that_does_not_apply_is_named(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    (site.patches / "0001.patch").write_text(PATCH.replace("pub fn old", "pub fn other"))
    arguments = [f"--{name}={getattr(site, name)}" for name in ("source", "patches", "work")]
    code = work.main([*arguments, f"--config={site.root / 'config.toml'}", "--key=k", "--", "true"])
    assert code == 1
    error = capsys.readouterr().err
    assert "0001.patch does not apply after the patches before it" in error and "lib.rs" in error


def test_patches_that_want_to_be_bent_are_refused(site: Site) -> None:
    (site.patches / "0001.patch").write_text(PATCH.replace("// a library", "// another library"))
    with pytest.raises(work.Refused, match=r"0001\.patch does not apply"):
        site.build()


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("0001.patch", "0001.patch"), "0001.patch is there twice"),
        (("0001.patch", "0002.patch"), "0002.patch is named and not there"),
        ((), "0001.patch is there and not named"),
    ],
)
def test_a_series_that_does_not_fit_its_folder_is_refused(site: Site, names: tuple[str, ...], why: str) -> None:
    site.series(*names)
    with pytest.raises(work.Refused, match=why):
        site.build()


@pytest.mark.parametrize("folder", sorted((ROOT / "recipes/rustc/patches").iterdir()), ids=lambda path: path.name)
def test_the_projects_own_series_are_whole(folder: Path) -> None:
    assert [path.name for path in work.series(folder)][:2] == [
        "0000-cargo-lock.patch",
        "0001-bootstrap.patch",
    ]


def test_what_a_failed_build_leaves_running_is_ended(site: Site) -> None:
    # What is left running would write long after this test: only that it is gone says that it will not.
    site.build(BUILD + "(sleep 600; echo late > out/late.rmeta) & echo $! > ../left; exit 3")
    assert site.code == 3
    left = int((site.root / "left").read_text())
    try:
        assert is_gone(left)
    finally:
        with suppress(ProcessLookupError):
            os.kill(left, signal.SIGKILL)
    assert site.build() == set()
