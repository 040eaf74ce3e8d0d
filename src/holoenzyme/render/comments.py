"""Dockerfiles without their comments, which no builder reads. Pure."""

from __future__ import annotations

import re

#: A comment of this shape may be a directive (`# syntax=...`, `# check=...`): where it stands decides whether it is.
_DIRECTIVE = re.compile(r"#\s*[a-z][a-z0-9]*\s*=", re.IGNORECASE)


def without_comments(text: str) -> str:
    """The text without its comment lines, those between the lines of one instruction too.

    A text with a here-document, whose lines may begin with `#`, or with a directive comes back as it is: what is not
    certain to be a comment stays.
    """
    kept: list[str] = []
    for line in text.split("\n"):
        bare = line.lstrip(" \t")
        if not bare.startswith("#"):
            kept.append(line)
        elif _DIRECTIVE.match(bare):
            return text
    if any("<<" in line for line in kept):
        return text
    return "\n".join(kept)
