"""Requirements that this machine lacks, and the command that mends each."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from holoenzyme.engine import versions
from holoenzyme.engine.client import Client, choose, find_clients
from holoenzyme.engine.install import TOOLS, Host, as_root, can_install, families, install_line
from holoenzyme.engine.secrets import ca_bundle
from holoenzyme.engine.trouble import UNFIT_VERSION, NoEngine, Trouble
from holoenzyme.engine.versions import ENGINE_NEED
from holoenzyme.errors import HoloenzymeError
from holoenzyme.process import Command, Completed
from holoenzyme.store import VARIABLE

PYTHON_NEEDED = (3, 11)
#: Bytes that must be free where the engine keeps its images, for a build of the default cell.
DISK_NEEDED = 12_000_000_000
_ASK_TIMEOUT = 20.0


class Condition(StrEnum):
    """`warn`: something works less well or not everywhere; `missing`: builds do not work."""

    OK = "ok"
    WARN = "warn"
    MISSING = "missing"


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """The result of one check, and the command (or the step) that mends it."""

    name: str
    condition: Condition
    message: str
    fix: str | None = None


def check_python(host: Host) -> Diagnosis:
    """Python itself; the launcher asks for the same, but `python -m holoenzyme` may be started by any."""
    found, needed = (".".join(map(str, version)) for version in (host.python, PYTHON_NEEDED))
    if host.python >= PYTHON_NEEDED:
        return Diagnosis(name="python", condition=Condition.OK, message=f"Python {found}")
    return Diagnosis(
        name="python",
        condition=Condition.MISSING,
        message=f"this is Python {found}; {needed} or newer is needed",
        fix=f"uv python install {needed}",
    )


def check_client(host: Host) -> Diagnosis:
    """A `docker` command that builds can use: new enough, with BuildKit, and understood by the engine."""
    clients = find_clients(host.runner, _search_path(host))
    chosen = choose(clients)
    if chosen is None:
        return Diagnosis(
            name="docker client",
            condition=Condition.MISSING,
            message="no `docker` command on PATH",
            fix=_install_docker(host),
        )
    said = "; ".join(map(str, clients))
    if chosen.usable:
        return Diagnosis(name="docker client", condition=Condition.OK, message=f"{chosen.path} is used ({said})")
    return Diagnosis(
        name="docker client",
        condition=Condition.MISSING,
        message=f"no `docker` command can be used for builds ({said})",
        fix=_install_client(host, chosen),
    )


def check_engine(host: Host) -> Diagnosis:
    """The engine answers this user, and one version of the API is spoken by both sides."""
    try:
        return Diagnosis(name="engine", condition=Condition.OK, message=str(host.engine()))
    except HoloenzymeError as error:
        fix = _engine_fix(host, error) if isinstance(error, NoEngine) else error.fix
        return Diagnosis(name="engine", condition=Condition.MISSING, message=f"{error.what}: {error.why}", fix=fix)


def _engine_fix(host: Host, error: NoEngine) -> str:
    """The mend, on this system, for an engine that does not answer."""
    if error.trouble is Trouble.PERMISSION:
        command = as_root(host, "usermod", "--append", "--groups", "docker", _user(host))
        return f"{command} (then log in again)"
    if host.environ.get("DOCKER_HOST"):
        return "start the engine there, or unset DOCKER_HOST"
    if error.trouble is Trouble.ABSENT and choose(find_clients(host.runner, _search_path(host))) is None:
        return _install_docker(host)
    systemd = host.exists(Path("/run/systemd/system"))
    return as_root(host, *(("systemctl", "start", "docker") if systemd else ("service", "docker", "start")))


def check_disk(host: Host) -> Diagnosis:
    """Space where the engine keeps its images."""
    address = host.environ.get("DOCKER_HOST", "")
    if address and not address.startswith("unix://"):
        return Diagnosis(
            name="disk", condition=Condition.WARN, message=f"not looked at: the engine is remote ({address})"
        )
    asked = _docker(host, "info", "--format", "{{.DockerRootDir}}")
    folder = asked.output.strip() if asked is not None and asked.ok else ""
    if not folder:
        return Diagnosis(
            name="disk", condition=Condition.WARN, message="not looked at: the engine does not say where it is"
        )
    try:
        free = host.disk_free(Path(folder))
    except OSError as error:
        message = f"not looked at: the engine's folder {folder} cannot be reached from here ({error.strerror})"
        return Diagnosis(name="disk", condition=Condition.WARN, message=message)
    # Rounded down, so that too little never looks like enough.
    amount = f"{free // 100_000_000 / 10} GB free in {folder}"
    if free >= DISK_NEEDED:
        return Diagnosis(name="disk", condition=Condition.OK, message=amount)
    return Diagnosis(
        name="disk",
        condition=Condition.MISSING,
        message=f"{amount}; {DISK_NEEDED / 1e9:.0f} GB are needed",
        fix="nox -s clean (what this project made; it shows sizes first), or `docker system prune` (of all projects)",
    )


def check_mmdebstrap(host: Host) -> Diagnosis:
    """A tool that only machines without a registry need."""
    return _check_tool(host, "mmdebstrap", Condition.WARN)


def check_skopeo(host: Host) -> Diagnosis:
    """A tool for stores: needed where one is named."""
    absent = Condition.MISSING if host.environ.get(VARIABLE) else Condition.WARN
    found = _check_tool(host, "skopeo", absent)
    if found.condition is Condition.OK:
        asked = host.runner.run(Command(argv=("skopeo", "--version"), timeout=_ASK_TIMEOUT))
        try:
            versions.check_skopeo(asked.output, host.engine().engine)
        except versions.UnfitVersion as error:
            return Diagnosis(name="skopeo", condition=absent, message=f"{error.what}: {error.why}", fix=error.fix)
        except HoloenzymeError:
            return found  # what is wrong with the engine is found by its own check
    return found


def _check_tool(host: Host, tool: str, absent: Condition) -> Diagnosis:
    path = host.which(tool)
    if path is not None:
        return Diagnosis(name=tool, condition=Condition.OK, message=str(path))
    by_itself = "; the build installs it when it needs it" if can_install(host) else ""
    return Diagnosis(
        name=tool, condition=absent, message=f"absent; it {TOOLS[tool]}{by_itself}", fix=install_line(host, tool)
    )


def check_ca(host: Host) -> Diagnosis:
    """The CA bundle that builds are given, so that cargo and apt trust what the host trusts."""
    bundle = ca_bundle(host.environ)
    if bundle is not None:
        return Diagnosis(name="ca bundle", condition=Condition.OK, message=str(bundle))
    named = host.environ.get("SSL_CERT_FILE")
    if named:
        message, fix = f"SSL_CERT_FILE names {named}, which is no file", "unset SSL_CERT_FILE"
    else:
        message, fix = "none in the usual places", install_line(host, "ca-certificates")
    return Diagnosis(name="ca bundle", condition=Condition.MISSING, message=message, fix=fix)


def check_gpu(host: Host) -> Diagnosis:
    """A GPU; only what runs on one needs it."""
    found = []
    trouble = ""
    if host.which("nvidia-smi"):
        asked = host.runner.run(Command(argv=("nvidia-smi", "--list-gpus"), timeout=_ASK_TIMEOUT))
        if asked.ok and asked.output.strip():
            found += [line.partition(" (UUID")[0] for line in asked.output.strip().splitlines()]
        else:
            trouble = f"; nvidia-smi says: {(asked.stderr or asked.output).strip()}"
    if host.exists(Path("/dev/kfd")):
        found.append("/dev/kfd (AMD)")
    if found:
        return Diagnosis(name="gpu", condition=Condition.OK, message="; ".join(found))
    return Diagnosis(
        name="gpu",
        condition=Condition.WARN,
        message=f"none; cells for the host do not need one{trouble}",
        fix="for GPU cells, run on a machine with a GPU and its driver (`nvidia-smi` or /dev/kfd shows it)",
    )


CHECKS: tuple[Callable[[Host], Diagnosis], ...] = (
    check_python,
    check_client,
    check_engine,
    check_disk,
    check_mmdebstrap,
    check_skopeo,
    check_ca,
    check_gpu,
)


def examine(host: Host) -> tuple[Diagnosis, ...]:
    """All checks, in order."""
    return tuple(check(host) for check in CHECKS)


def _search_path(host: Host) -> str:
    return host.environ.get("PATH", os.defpath)


def _docker(host: Host, *words: str) -> Completed | None:
    client = choose(find_clients(host.runner, _search_path(host)))
    if client is None:
        return None
    return host.runner.run(Command(argv=(str(client.path), *words), timeout=_ASK_TIMEOUT))


def _user(host: Host) -> str:
    return host.environ.get("USER") or str(host.uid)


def _install_docker(host: Host) -> str:
    if "debian" in families(host):
        return install_line(host, "docker.io")
    return f"install Docker Engine {ENGINE_NEED.release} or newer: https://docs.docker.com/engine/install/"


def _install_client(host: Host, unusable: Client) -> str:
    """Debian 12's client has BuildKit built in; later ones, and Ubuntu's, have the plugin as a package."""
    if UNFIT_VERSION.search(unusable.why):
        # The engine came from elsewhere than the client, and so has to come the client that fits it.
        return (
            "install the docker command that belongs to the engine's release: https://docs.docker.com/engine/install/"
        )
    if host.os_release.get("ID") == "debian" and host.os_release.get("VERSION_ID") == "12":
        return install_line(host, "docker.io")
    if "debian" in families(host):
        return install_line(host, "docker-buildx")
    return "install Docker's buildx plugin: https://docs.docker.com/build/concepts/overview/"
