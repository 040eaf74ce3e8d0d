"""Making a base: pulled by digest where a registry answers, otherwise bootstrapped with mmdebstrap.

Both end in the same packages without anything of the host; what tells bases apart is their set of packages.
"""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from holoenzyme.engine.base import BuildRequest, Engine, RunRequest, Secret
from holoenzyme.engine.secrets import SOURCES
from holoenzyme.errors import InfrastructureError, UserError
from holoenzyme.matrix.model import Base
from holoenzyme.matrix.recipe import BaseRule
from holoenzyme.plan.decide import BaseSource
from holoenzyme.process import Command, Runner

DPKG_FILE = "etc/dpkg/dpkg.cfg.d/holoenzyme"
#: What a base runs where nothing else is said, whichever way it was made.
_COMMAND = 'CMD ["bash"]'


@dataclass(frozen=True, kw_only=True)
class MadeBase:
    """A base in the engine, not yet named: its image id, its packages (name → version), and how it was made."""

    image: str
    packages: dict[str, str]
    how: str


#: Turns the distribution's own examples of sources (deb822 from Debian 13 on) into lines for main alone.
_LINES = r"s/^\(deb .* main\).*/\1/p"
_STANZAS = (
    '/^URIs:/ {u=$2} /^Suites:/ {sub(/^Suites: */, ""); n=split($0, suites, " ")} '
    '/^Components:/ {for (i=1; i<=n; i++) print "deb", u, suites[i], $2}'
)


def dpkg_options(rule: BaseRule, base: str) -> tuple[str, ...]:
    """What dpkg leaves out of a base, and what it does not, in its own words."""
    included = (f"path-include={path}" for path in rule.included_paths(base))
    return (*(f"path-exclude={path}" for path in rule.exclude_paths), *included)


def bootstrap_argv(rule: BaseRule, name: str, suite: str, archive: str, sources: Path | None = None) -> tuple[str, ...]:
    """The mmdebstrap command for the base `name`.

    `sources` is an apt sources file of the user's, used instead of the usual archive.
    """
    return (
        "mmdebstrap",
        f"--variant={rule.variant}",
        f"--include={','.join(rule.include)}",
        # usr-is-merged wants the merge done before packages are unpacked.
        "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
        *(f"--dpkgopt={option}" for option in dpkg_options(rule, name)),
        # Mirrors are busy now and then. The option would stay in the base, so its file goes.
        '--aptopt=Acquire::Retries "5"',
        '--customize-hook=rm "$1"/etc/apt/apt.conf.d/99mmdebstrap',
        # mmdebstrap leaves these of the host in the archive, and names its file of dpkg options after itself.
        '--customize-hook=rm -f "$1"/etc/hostname "$1"/etc/resolv.conf',
        f'--customize-hook=mv "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$1"/{DPKG_FILE}',
        # Whatever mirror served this base, it names the distribution's usual one.
        '--customize-hook=rm -f "$1"/etc/apt/sources.list.d/*; examples="$1"/usr/share/doc/apt/examples; '
        f'if [ -f "$examples"/sources.list ]; then sed -n {shlex.quote(_LINES)} "$examples"/sources.list; '
        f'else awk {shlex.quote(_STANZAS)} "$examples"/debian.sources; fi > "$1"/etc/apt/sources.list',
        suite,
        archive,
        *((str(sources),) if sources else ()),
    )


def normalise_dockerfile(rule: BaseRule, name: str, reference: str) -> str:
    """A Dockerfile that makes a pulled image what mmdebstrap would have made: same packages, same dpkg options."""
    written = " ".join(shlex.quote(line) for line in dpkg_options(rule, name))
    packages = " ".join(rule.include)
    return f"""FROM {reference} AS pulled
RUN --mount=type=secret,id=ca,target=/run/secrets/ca.crt \\
    --mount=type=secret,id=env,target=/run/secrets/env \\
    set -eu; if [ -f /run/secrets/env ]; then . /run/secrets/env; fi; \\
    rm -f /etc/apt/apt.conf.d/docker-*; printf '%s\\n' {written} > /{DPKG_FILE}; \\
    apt-get update -q -o Acquire::Retries=5; apt-get upgrade -q -y; \\
    apt-get install -q -y --no-install-recommends {packages}; \\
    awk '{_STANZAS}' \\
        /etc/apt/sources.list.d/debian.sources > /etc/apt/sources.list; rm /etc/apt/sources.list.d/debian.sources; \\
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* /var/lib/dpkg/*-old /var/cache/debconf/*-old
FROM scratch
COPY --from=pulled / /
{_COMMAND}
"""


def make_base(
    engine: Engine,
    runner: Runner,
    name: str,
    base: Base,
    rule: BaseRule,
    *,
    digest: str | None,
    source: BaseSource,
    secrets: tuple[Secret, ...],
    say: Callable[[str], None],
    log_file: Path,
    ensure: Callable[[str], None] = lambda program: None,
) -> MadeBase:
    """Make the base `name` the way that `source` says, say which way it was, and read its packages.

    `ensure` is asked for a program before it is used. Raises `InfrastructureError` where no way works, and
    `UserError` where a pull is asked for without a digest.
    """
    match source:
        case BaseSource.BOOTSTRAP:
            ensure("mmdebstrap")
            image, how = _bootstrap(engine, runner, name, base, rule, secrets, say, log_file), "mmdebstrap (as asked)"
        case BaseSource.PULL:
            if digest is None:
                raise UserError(
                    f"{base.image} has no digest in matrix.lock, so it is not pulled",
                    why="a tag alone may be anything tomorrow",
                    fix="run `nox -s lock` where a registry answers, or use --base bootstrap",
                )
            image, how = _pull(engine, name, base, rule, digest, secrets, say, log_file), "pulled by digest (as asked)"
        case BaseSource.AUTO:
            try:
                if digest is None:
                    raise InfrastructureError("no digest is locked")
                image, how = _pull(engine, name, base, rule, digest, secrets, say, log_file), "pulled by digest"
            except InfrastructureError as error:
                say(f"base: not pulled ({error.what}); bootstrapping it with mmdebstrap")
                ensure("mmdebstrap")
                image, how = _bootstrap(engine, runner, name, base, rule, secrets, say, log_file), "mmdebstrap"
    return MadeBase(image=image, packages=read_packages(engine, image), how=how)


def read_packages(engine: Engine, image: str) -> dict[str, str]:
    """The packages that an image holds: name → version."""
    done = engine.run(RunRequest(image=image, argv=("dpkg-query", "-W", "-f", "${Package} ${Version}\\n"), timeout=60))
    packages = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    if done.returncode != 0 or not packages:
        raise InfrastructureError("the base does not list its packages", why=done.stderr[-500:])
    return packages


def _bootstrap(
    engine: Engine,
    runner: Runner,
    name: str,
    base: Base,
    rule: BaseRule,
    secrets: tuple[Secret, ...],
    say: Callable[[str], None],
    log_file: Path,
) -> str:
    sources = next((secret.path for secret in secrets if secret.id == SOURCES), None)
    with tempfile.TemporaryDirectory(prefix="holoenzyme-base-") as folder:
        archive = Path(folder) / "base.tar"
        command = Command(argv=bootstrap_argv(rule, name, base.suite, str(archive), sources), timeout=1200)
        done = runner.run(command, on_line=say, log_file=log_file, merge=True)
        done.check("mmdebstrap", fix="`nox -s doctor` says whether it is installed; it needs root or user namespaces")
        return engine.import_archive(archive, (_COMMAND,))


def _pull(
    engine: Engine,
    name: str,
    base: Base,
    rule: BaseRule,
    digest: str,
    secrets: tuple[Secret, ...],
    say: Callable[[str], None],
    log_file: Path,
) -> str:
    reference = f"{base.image.rpartition(':')[0] or base.image}@{digest}"
    say(f"base: pulling {reference}")
    engine.pull(reference)
    with tempfile.TemporaryDirectory(prefix="holoenzyme-base-") as folder:
        (Path(folder) / "Dockerfile").write_text(normalise_dockerfile(rule, name, reference))
        request = BuildRequest(context=Path(folder), labels={}, secrets=secrets, timeout=1200)
        return engine.build(request, on_line=say, log_file=log_file)
