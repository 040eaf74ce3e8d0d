"""Of a suite beside the base's own nothing enters but what is named, whatever it has: by apt's own rules."""

from __future__ import annotations

from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from holoenzyme.matrix.model import Suite
from holoenzyme.resolve.apt_text import preferences

#: The codenames of suites: two beside the base's own, and one of its own.
SUITES = {"later": Suite(codename="late"), "other": Suite(codename="oth")}
OWN = "base"
CODENAMES = ("late", "oth", OWN)

packages = st.sampled_from(["rustc", "cargo", "libstd", "libc6", "libllvm22"])
archives = st.dictionaries(
    packages, st.dictionaries(st.sampled_from(CODENAMES), st.integers(1, 9), min_size=1), min_size=1, max_size=5
)
named = st.dictionaries(packages, st.sampled_from(["later", "other"]), max_size=4).map(
    lambda chosen: {
        suite: tuple(name for name, of in chosen.items() if of == suite)
        for suite in ("later", "other")
        if suite in chosen.values()
    }
)


def records(text: str) -> list[tuple[list[str], str, int]]:
    found = []
    for part in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in part.splitlines())
        found.append((fields["Package"].split(), fields["Pin"], int(fields["Pin-Priority"])))
    return found


def priority(text: str, package: str, codename: str) -> int:
    """apt_preferences(5): the first record about the package that fits counts, else the first about all packages."""
    fitting = [
        (names, number)
        for names, pin, number in records(text)
        if any(fnmatchcase(package, name) for name in names) and pin in (f"release n={codename}", "version *")
    ]
    specific = [number for names, number in fitting if "*" not in names]
    general = [number for names, number in fitting if "*" in names]
    return (specific or general or [500])[0]


def candidate(text: str, package: str, versions: dict[str, int]) -> str | None:
    """The suite that apt takes a package from: the highest priority, then the highest version; none below 0."""
    ranked = [(priority(text, package, codename), version, codename) for codename, version in versions.items()]
    best = max((item for item in ranked if item[0] >= 0), default=None)
    return best[2] if best else None


@given(archive=archives, named=named)
def test_nothing_enters_but_what_is_named_and_that_from_nowhere_else(
    archive: dict[str, dict[str, int]], named: dict[str, tuple[str, ...]]
) -> None:
    text = preferences(SUITES, named)
    for package, versions in archive.items():
        suite = next((suite for suite, names in named.items() if package in names), None)
        wanted = SUITES[suite].codename if suite else OWN
        assert candidate(text, package, versions) == (wanted if wanted in versions else None)


@given(named=named, order=st.permutations(sorted(SUITES)))
def test_the_order_does_not_matter(named: dict[str, tuple[str, ...]], order: list[str]) -> None:
    shuffled = {suite: tuple(reversed(named[suite])) for suite in order if suite in named}
    assert preferences({name: SUITES[name] for name in order}, shuffled) == preferences(SUITES, named)
