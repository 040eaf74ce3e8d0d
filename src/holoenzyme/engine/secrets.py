"""The host's part in a build, as secrets: CA bundle, proxies, mirrors. None of it stays in an image."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from holoenzyme.engine.base import Secret
from holoenzyme.errors import UserError

PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
CA_PLACES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
)
#: Environment variable → secret, for files that the user names.
NAMED = {
    "HOLOENZYME_APT_SOURCES": "apt-sources",
    "HOLOENZYME_APT_AUTH": "apt-auth",
    "HOLOENZYME_CARGO_CONFIG": "cargo-config",
    "HOLOENZYME_PIP_CONFIG": "pip-config",
}
#: The secret of what apt takes packages from, and the variable that may name a folder instead of a file.
SOURCES = "apt-sources"
SOURCES_VARIABLE = "HOLOENZYME_APT_SOURCES"
#: How the names of the files in that folder end: BASE.list, and SUITE.list for a suite beside the bases'.
_LIST = ".list"


def suite_secret(name: str) -> str:
    """The secret with the sources of a suite beside those of the bases, or of a base where each has its own."""
    return f"{SOURCES}-{name}"


def for_base(secrets: Iterable[Secret], base: str) -> tuple[Secret, ...]:
    """The secrets for what is built on a base: its sources among them, where each base has its own."""
    own = suite_secret(base)
    return tuple(replace(secret, id=SOURCES) if secret.id == own else secret for secret in secrets)


def lists_in(folder: Path) -> dict[str, Path]:
    """The sources of bases and suites in a folder of the user's: name → file."""
    return {path.name.removesuffix(_LIST): path for path in sorted(folder.glob(f"*{_LIST}"))}


def own_sources(environ: Mapping[str, str]) -> tuple[Path | None, dict[str, Path]]:
    """The user's own sources for every base, or those of each base and suite: name → file."""
    value = environ.get(SOURCES_VARIABLE)
    if not value:
        return None, {}
    return (None, lists_in(Path(value))) if Path(value).is_dir() else (Path(value), {})


def ca_bundle(environ: Mapping[str, str]) -> Path | None:
    """The host's CA bundle: what `SSL_CERT_FILE` names, or the first of the usual places."""
    places = [environ["SSL_CERT_FILE"]] if environ.get("SSL_CERT_FILE") else list(CA_PLACES)
    return next((Path(place) for place in places if Path(place).is_file()), None)


def proxies(environ: Mapping[str, str]) -> dict[str, str]:
    """The host's proxies, by the names of their variables."""
    return {name: environ[name] for name in PROXIES if environ.get(name)}


@contextmanager
def host_secrets(environ: Mapping[str, str]) -> Iterator[tuple[Secret, ...]]:
    """The secrets of this host; the file with its proxies exists only as long as the context.

    Raises `UserError` where the environment names a file that is not there.
    """
    secrets: list[Secret] = []
    for variable, name in NAMED.items():
        if value := environ.get(variable):
            if variable == SOURCES_VARIABLE and Path(value).is_dir():
                found = lists_in(Path(value))
                secrets += [Secret(id=suite_secret(each), path=path.absolute()) for each, path in found.items()]
                continue
            if not Path(value).is_file():
                raise UserError(f"{variable} names {value}, which is no file", fix="correct or unset it")
            secrets.append(Secret(id=name, path=Path(value).absolute()))
    bundle = ca_bundle(environ)
    if bundle is not None:
        secrets.append(Secret(id="ca", path=bundle.absolute()))
    variables = proxies(environ)
    with tempfile.TemporaryDirectory(prefix="holoenzyme-env-") as folder:
        if variables:
            path = Path(folder) / "env"
            path.touch(mode=0o600)
            path.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()))
            secrets.append(Secret(id="env", path=path))
        yield tuple(secrets)
