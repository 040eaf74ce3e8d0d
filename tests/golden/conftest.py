"""Text that is compared with files, byte by byte."""

from __future__ import annotations

import difflib
from collections.abc import Callable

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

RENEW = "where that is meant, renew it with `python -m pytest tests/golden --snapshot-update`, and read the diff"


class _TextFile(SingleFileSnapshotExtension):
    """One readable file for each text, in `__snapshots__`."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def golden(snapshot: SnapshotAssertion) -> Callable[[str, str], None]:
    """Compare a text with the file of this name; a difference is shown with the command that renews the file."""
    files = snapshot.use_extension(_TextFile)

    def check(name: str, text: str) -> None:
        if files(name=name) == text:
            return
        kept = files.executions[files.num_executions - 1].recalled_data
        if kept is None:
            pytest.fail(f"there is no file for {name!r}; {RENEW}", pytrace=False)
        diff = difflib.unified_diff(str(kept).splitlines(), text.splitlines(), "the file", "now", lineterm="")
        pytest.fail("\n".join([f"{name!r} is not what it was; {RENEW}", *diff]), pytrace=False)

    return check
