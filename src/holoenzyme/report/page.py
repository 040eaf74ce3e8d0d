"""Tables in a page of documentation that are made of data, each between two lines that say so. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from holoenzyme.errors import UserError

FIX = "nox -s lint -- --fix docs"


def put(path: str, page: str, name: str, source: str, text: str) -> str:
    """The page with a table in its place; raises `UserError` where it has no place for it.

    `path` is the page's own, `source` that of the data.
    """
    begin = f"<!-- {name}: made of {source} by `{FIX}`; change that file -->\n"
    end = f"<!-- end of {name} -->\n"
    if page.count(begin) != 1 or page.count(end) != 1:
        raise UserError(
            f"{path} has no place for the table of {name}",
            why="it stands between two lines, each of them once",
            fix=f"put them back: {begin.strip()} and {end.strip()}",
        )
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}{text}{end}{after}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(text) for text in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
