"""Questions to the distribution's archive, from inside a base: the package files of today."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from holoenzyme.engine.base import BuildFailed, BuildRequest, Engine, Secret
from holoenzyme.errors import InfrastructureError, UserError
from holoenzyme.resolve.apt_text import downloads_in, files_in, locked_files
from holoenzyme.resolve.model import LockedPackage, LockedSet

_MARK = "==holoenzyme-set"
_END = "==holoenzyme-end"


def question(base_image: str, sets: Mapping[str, tuple[str, ...]], names: tuple[str, ...]) -> str:
    """A Dockerfile whose result holds the archive's answer.

    It is a build and not a container, so that proxies, mirrors and CA bundles travel as in every other build.
    """
    steps = [
        f"echo {_MARK} {name}; "
        f'apt-get install -y --no-install-recommends --print-uris {" ".join(roots)} | grep "^\'" || exit 1; '
        for name, roots in sorted(sets.items())
    ]
    return f"""FROM {base_image} AS ask
RUN --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \\
    --mount=type=secret,id=env,target=/run/secrets/env \\
    --mount=type=secret,id=apt-sources,target=/etc/apt/sources.list \\
    --mount=type=secret,id=apt-auth,target=/etc/apt/auth.conf \\
    set -eu; if [ -f /run/secrets/env ]; then . /run/secrets/env; fi; \\
    apt-get update -q -o Acquire::Retries=5; \\
    {{ {"".join(steps)}echo {_END}; }} > /uris; \\
    sed -n "s#^'[^']*' \\([^_]*\\)_.*#\\1#p" /uris | sort -u > /names; \\
    echo {" ".join(names)} | tr ' ' '\\n' >> /names; \\
    sort -u /names | xargs apt-cache show > /packages || test -s /packages
FROM scratch
COPY --from=ask /uris /packages /
"""


def parse_answer(uris: str, packages: str) -> tuple[dict[str, LockedSet], dict[tuple[str, str], LockedPackage]]:
    """From apt's own words: the closure of each set, and everything that can be downloaded by (name, version).

    Raises `InfrastructureError` where the answer ends early or names a file without a checksum.
    """
    available = downloads_in(packages)
    if not uris.rstrip().endswith(_END):
        raise InfrastructureError("the archive's answer ends early", why=uris[-500:])
    parts = [part.partition("\n") for part in uris.split(_MARK)[1:]]
    sets = {head.strip(): locked_files(files_in(rest.splitlines()), available) for head, _, rest in parts}
    return {name: LockedSet(roots=(), packages=found) for name, found in sets.items()}, available


def ask(
    engine: Engine,
    base_image: str,
    sets: Mapping[str, tuple[str, ...]],
    names: tuple[str, ...],
    *,
    secrets: tuple[Secret, ...],
    folder: Path,
    say: Callable[[str], None],
) -> tuple[dict[str, LockedSet], dict[tuple[str, str], LockedPackage]]:
    """Ask for the closures of `sets` (name → packages asked for) and for every version of `names` there is.

    `folder` keeps the question, the log and the answer. Raises `UserError` where a package is unknown and
    `InfrastructureError` where the archive does not answer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Dockerfile").write_text(question(base_image, sets, names))
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
    return {name: LockedSet(roots=tuple(sets[name]), packages=item.packages) for name, item in found.items()}, available
