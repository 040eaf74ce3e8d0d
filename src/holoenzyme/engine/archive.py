"""Questions to the distribution's archive, from inside a base: the package files of today."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from holoenzyme.engine.base import BuildFailed, BuildRequest, Engine, Secret
from holoenzyme.engine.secrets import suite_secret
from holoenzyme.errors import InfrastructureError, UserError
from holoenzyme.matrix.model import Suite
from holoenzyme.matrix.recipe import PackageSet
from holoenzyme.resolve.apt_text import (
    downloads_in,
    files_in,
    locked_files,
    origins_in,
    preferences,
    release_days,
    suite_list,
    with_suites,
)
from holoenzyme.resolve.model import LockedPackage, LockedSet

_MARK = "==holoenzyme-set"
_GONE = "==holoenzyme-gone"
_END = "==holoenzyme-end"
#: The folder of the context, and of the container, with what is asked of suites beside the base's own.
_SUITES = "suites"
#: The files that the answer about those is in.
_BESIDE = ("suites-uris", "suites-packages", "suites-origins", "suites-releases")


@dataclass(frozen=True, kw_only=True)
class ArchiveAnswer:
    """The offer of the archive today: the closure of each set, and every (name, version) that can be downloaded.

    `gone` are the sets with packages of suites beside the base's own that cannot be had: name → why, in apt's words.
    """

    sets: Mapping[str, LockedSet]
    available: Mapping[tuple[str, str], LockedPackage]
    gone: Mapping[str, str] = field(default_factory=dict)


def question(
    base_image: str, sets: Mapping[str, tuple[str, ...]], names: Sequence[str], suites: Sequence[str] = ()
) -> str:
    """A Dockerfile whose result holds the archive's answer.

    It is a build and not a container, so that proxies, mirrors and CA bundles travel as in every other build. What is
    asked of `suites` beside the base's own is a step of its own (`suites_script`): apt knows of those only there.
    """
    steps = [
        f"echo {_MARK} {name}; "
        f'apt-get install -y --no-install-recommends --print-uris {" ".join(roots)} | grep "^\'" || exit 1; '
        for name, roots in sorted(sets.items())
    ]
    mounts = """--mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \\
    --mount=type=secret,id=env,target=/run/secrets/env \\
    --mount=type=secret,id=apt-sources,target=/etc/apt/sources.list \\
    --mount=type=secret,id=apt-auth,target=/etc/apt/auth.conf \\
    """
    environment = "if [ -f /run/secrets/env ]; then . /run/secrets/env; fi"
    beside = f"COPY {_SUITES} /{_SUITES}\nRUN {mounts}" if suites else ""
    for name in suites:
        beside += f"--mount=type=secret,id={suite_secret(name)},target=/{_SUITES}/{name}.list \\\n    "
    if suites:
        beside += f"set -eu; {environment}; . /{_SUITES}/ask.sh\n"
    files = "".join(f" /{name}" for name in ("uris", "packages", *(_BESIDE if suites else ())))
    return f"""FROM {base_image} AS ask
RUN {mounts}set -eu; {environment}; \\
    apt-get update -q -o Acquire::Retries=5; \\
    {{ {"".join(steps)}echo {_END}; }} > /uris; \\
    sed -n "s#^'[^']*' \\([^_]*\\)_.*#\\1#p" /uris | sort -u > /names; \\
    echo {" ".join(names)} | tr ' ' '\\n' >> /names; \\
    sort -u /names | xargs apt-cache show > /packages || test -s /packages
{beside}FROM scratch
COPY --from=ask{files} /
"""


def suites_script(sets: Mapping[str, PackageSet], names: Sequence[str]) -> str:
    """The shell script that asks for sets with packages of other suites; what those cannot give is noted, and no error.

    Each set is asked for with its own preferences (`suites_files`).
    """
    asked = "".join(
        f"ask {shlex.join((key, f'/{_SUITES}/{_preferences_name(key)}', *item.roots))}\n"
        for key, item in sorted(sets.items())
    )
    uris, packages, origins, releases = (f"/{name}" for name in _BESIDE)
    return f"""cp /{_SUITES}/*.list /etc/apt/sources.list.d/
silent=
apt-get update -q -o Acquire::Retries=5 -o APT::Update::Error-Mode=any > /said 2>&1 || silent=1
cat /said
ask() {{
    echo "{_MARK} $1" >> {uris}
    file=$2
    shift 2
    if [ -z "$silent" ]; then
        set -- -o "Dir::Etc::preferences=$file" "$@"
        if apt-get install -y --no-install-recommends --print-uris "$@" > /said 2>&1 && grep "^'" /said >> {uris}; then
            return
        fi
        cat /said
    fi
    why=$(grep '^[EW]: \\|^ .* : \\|^ *Depends' /said | tr -s '\\n ' ' ')
    echo "{_GONE} $why" >> {uris}
}}
{asked}echo {_END} >> {uris}
sed -n "s#^'[^']*' \\([^_]*\\)_.*#\\1#p" {uris} > /names
printf '%s\\n' {shlex.join(names)} >> /names
sort -u /names | xargs apt-cache show > {packages} || test -s {packages}
sort -u /names | xargs apt-cache madison > {origins} || test -s {origins}
for file in /var/lib/apt/lists/*Release; do
    sed -n '/^\\(Codename\\|Date\\): /p' "$file"
    echo
done > {releases}
"""


def _preferences_name(key: str) -> str:
    """The name of the file with the preferences for a set."""
    return f"{key.replace('/', '-')}.pref"


def suites_files(sets: Mapping[str, PackageSet], names: Sequence[str], suites: Mapping[str, Suite]) -> dict[str, str]:
    """The files of the context that ask for sets with packages of other suites: name → text."""
    used = sorted({suite for item in sets.values() for suite in item.suites})
    return {
        "ask.sh": suites_script(sets, names),
        **{f"{suite}.list": suite_list(suite) for suite in used},
        **{
            _preferences_name(key): preferences({suite: suites[suite] for suite in used}, item.suites)
            for key, item in sets.items()
        },
    }


def parse_answer(uris: str, packages: str) -> tuple[dict[str, LockedSet], dict[tuple[str, str], LockedPackage]]:
    """From apt's own words: the closure of each set, and everything that can be downloaded by (name, version).

    Raises `InfrastructureError` where the answer ends early or names a file without a checksum.
    """
    available = downloads_in(packages)
    sets = {name: locked_files(files_in(lines), available) for name, lines in _parts(uris).items()}
    return {name: LockedSet(roots=(), packages=found) for name, found in sets.items()}, available


def _parts(uris: str) -> dict[str, list[str]]:
    """The lines about each set; raises `InfrastructureError` where the answer ends early."""
    if not uris.rstrip().endswith(_END):
        raise InfrastructureError("the archive's answer ends early", why=uris[-500:])
    parts = [part.partition("\n") for part in uris.split(_MARK)[1:]]
    return {head.strip(): rest.splitlines() for head, _, rest in parts}


def gone_in(uris: str) -> dict[str, str]:
    """The sets that cannot be had, and why, in apt's words."""
    said = {name: [line for line in lines if line.startswith(_GONE)] for name, lines in _parts(uris).items()}
    return {name: lines[0].removeprefix(_GONE).strip() for name, lines in said.items() if lines}


def ask(
    engine: Engine,
    base_image: str,
    sets: Mapping[str, PackageSet],
    names: tuple[str, ...],
    *,
    suites: Mapping[str, Suite],
    secrets: tuple[Secret, ...],
    folder: Path,
    say: Callable[[str], None],
) -> ArchiveAnswer:
    """Ask for the closures of `sets` (name → packages asked for) and for every version of `names` there is.

    `suites` are those beside the base's own that sets may have packages of; `folder` keeps the question, the log and
    the answer. Raises `UserError` where a package is unknown to the base's own suites, and `InfrastructureError` where
    these do not answer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    own = {name: item.roots for name, item in sets.items() if not item.suites}
    beside = {name: item for name, item in sets.items() if item.suites}
    used = sorted({suite for item in beside.values() for suite in item.suites})
    (folder / "Dockerfile").write_text(question(base_image, own, names, used))
    shutil.rmtree(folder / _SUITES, ignore_errors=True)
    for name, text in suites_files(beside, names, suites).items() if beside else ():
        (folder / _SUITES).mkdir(exist_ok=True)
        (folder / _SUITES / name).write_text(text)
    answer = folder / "answer"
    request = BuildRequest(context=folder, labels={}, secrets=secrets, timeout=600, no_cache=True, output=answer)
    try:
        engine.build(request, on_line=say, log_file=folder / "archive.log")
    except BuildFailed as error:
        if "Unable to locate package" in error.tail:
            raise UserError(
                "a recipe asks for a package that the archive does not have", why=error.tail, fix="correct `packages:`"
            ) from error
        raise InfrastructureError(
            "the archive does not answer", why=error.tail, fix=f"by hand:\n{error.command}"
        ) from error
    found, available = parse_answer((answer / "uris").read_text(), (answer / "packages").read_text())
    gone: dict[str, str] = {}
    if beside:
        uris, packages, table, releases = ((answer / name).read_text() for name in _BESIDE)
        more, more_available = parse_answer(uris, packages)
        gone = gone_in(uris)
        origins, days = origins_in(table), release_days(releases)
        found |= {
            name: with_suites(beside[name], item.packages, origins, days, suites)
            for name, item in more.items()
            if name not in gone
        }
        available |= more_available
    return ArchiveAnswer(
        sets={name: item.model_copy(update={"roots": sets[name].roots}) for name, item in found.items()},
        available=available,
        gone=gone,
    )
