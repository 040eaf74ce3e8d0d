"""Comments of a Dockerfile that no builder reads, and lines that only look like them."""

from __future__ import annotations

import pytest

from holoenzyme.render.comments import without_comments


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("# Generated.\n# Two.\nFROM a\n  # indented\nUSER 0\n", "FROM a\nUSER 0\n"),
        ("RUN set -eu; \\\n    # why\n    make\n", "RUN set -eu; \\\n    make\n"),
        ("# last", ""),
        ("", ""),
    ],
)
def test_comments_go(text: str, bare: str) -> None:
    assert without_comments(text) == bare


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\nRUN make # not a line of its own\n",
        "FROM a\nRUN sed 's/#//' file; \\\n    echo '#'\n",
        "FROM a\n\nUSER 0\n",
        "FROM a\r\nUSER 0\r\n",
        # A here-document has lines of its own; and a directive is one by where it stands.
        "# Generated.\nFROM a\nRUN <<END\n# a line of the script\nmake\nEND\n",
        "# Generated.\nFROM a\nCOPY <<-'END' /file\n\t# a line of the file\nEND\n",
        "# syntax=docker/dockerfile:1\n# Generated.\nFROM a\n",
        "# Generated.\n# Check = skip=all\nFROM a\n",
        "# escape=`\n# Generated.\nFROM a\n",
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert without_comments(text) == text
