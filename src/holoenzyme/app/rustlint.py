"""The Rust part of `lint`: rustfmt, clippy and the crates' own tests, in containers of the lint image."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from holoenzyme.app.build import make_images
from holoenzyme.app.project import Project, Tools, machine_tools
from holoenzyme.engine.base import Mount, RunRequest, RunResult
from holoenzyme.engine.secrets import PROXIES, ca_bundle
from holoenzyme.errors import ExitCode, InfrastructureError
from holoenzyme.execute.smoke import CA_TARGET, UNKNOWN_UID, WORK, user, work_folder
from holoenzyme.matrix.recipe import FileRule

#: The folder below the state folder that keeps cargo's downloads and results: a lint of nothing new takes seconds.
CACHE = "lint"
_CACHE_TARGET = "/cache"
#: Seconds for each command.
_TIMEOUT = 600.0


@dataclass(frozen=True, kw_only=True)
class Crate:
    """A crate of the project: its folder, relative to the root, and whether it differentiates functions."""

    folder: str
    autodiff: bool
    downloads: bool

    @property
    def fetch(self) -> tuple[str, ...]:
        """The command that downloads its dependencies."""
        return ("cargo", "fetch", "--locked")

    @property
    def checks(self) -> tuple[tuple[str, ...], ...]:
        """The commands that look at it, none of which needs network.

        Programs with derivatives are run by the smoke tests, so their tests are not run here.
        """
        cargo = ("cargo", "autodiff") if self.autodiff else ("cargo",)
        look = (*cargo, "clippy", "--quiet", "--locked", "--offline", "--all-targets", "--", "-D", "warnings")
        test = ("cargo", "test", "--quiet", "--locked", "--offline")
        return (("cargo", "fmt", "--check"), look) if self.autodiff else (("cargo", "fmt", "--check"), look, test)


def find_crates(root: Path) -> tuple[Crate, ...]:
    """What stands in `crates/`, and every smoke test with a Cargo.toml."""
    ours = sorted((root / "crates").glob("*/Cargo.toml"))
    programs = [path for path in sorted((root / "smoke_tests").glob("**/Cargo.toml")) if "target" not in path.parts]
    return tuple(
        Crate(
            folder=str(manifest.parent.relative_to(root)), autodiff=manifest in programs, downloads=_downloads(manifest)
        )
        for manifest in (*ours, *programs)
    )


def _downloads(manifest: Path) -> bool:
    """Whether its Cargo.lock names packages of a registry; without one, cargo itself complains later."""
    lock = manifest.with_name("Cargo.lock")
    return lock.is_file() and "\nsource = " in lock.read_text(encoding="utf-8")


def run(root: Path) -> int:
    """Check every crate; 0 when nothing was found, otherwise 1, after the findings were said.

    Raises `InfrastructureError` where dependencies cannot be fetched, and what building the lint image raises.
    """
    project, tools = Project(root, image="lint"), machine_tools()
    (cell,) = project.cells([])
    resolved, _ = make_images(project, tools, (cell,))
    image = resolved.graph.image(cell.id).image
    found = 0
    with _cache(tools) as cache:
        for crate in find_crates(root):
            found += _check(project, tools, image, crate, cache)
    return 1 if found else ExitCode.OK


@contextmanager
def _cache(tools: Tools) -> Iterator[Path]:
    """The cache folder, writable for who runs in containers, and nobody else's meanwhile.

    Cargo goes by the times of files: with two checkouts of different content at once it could take the one's results
    for the other's.
    """
    locks = tools.state / "locks"
    folder = tools.state / CACHE
    for path in (locks, folder):
        path.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / "rust-lint.lock"):
        if os.getuid() == 0:
            os.chown(folder, UNKNOWN_UID, UNKNOWN_UID)
        yield folder


def _check(project: Project, tools: Tools, image: str, crate: Crate, cache: Path) -> int:
    """Run everything for one crate and say what was found; returns how many of its commands found something."""
    tree = project.files.tree(FileRule(**{"from": crate.folder, "to": "."}))
    found = 0
    with work_folder({name.removeprefix("./"): file for name, file in tree.items()}) as folder:
        if crate.downloads:
            _fetch(tools, image, crate, folder, cache)
        for command in crate.checks:
            result = tools.engine.run(_request(image, crate, command, folder, cache))
            if result.returncode != 0:
                found += 1
                tools.say(f"{crate.folder}: {' '.join(command)}: {_ending(result)}\n{_output(result)}")
    return found


def _fetch(tools: Tools, image: str, crate: Crate, folder: Path, cache: Path) -> None:
    """Download what the crate depends on, with network only where the cache does not have all of it."""
    if tools.engine.run(_request(image, crate, (*crate.fetch, "--offline"), folder, cache)).returncode == 0:
        return
    bundle = ca_bundle(tools.environ)
    result = tools.engine.run(
        RunRequest(
            image=image,
            argv=crate.fetch,
            timeout=_TIMEOUT,
            mounts=(
                *_mounts(folder, cache),
                *([Mount(source=bundle, target=CA_TARGET, read_only=True)] if bundle else []),
            ),
            user=user(),
            workdir=WORK,
            network=True,
            env={**_environment(crate), **{name: tools.environ[name] for name in PROXIES if tools.environ.get(name)}},
        )
    )
    if result.returncode != 0:
        raise InfrastructureError(
            f"{crate.folder}: its dependencies could not be fetched ({_ending(result)})",
            why=_output(result),
            fix="mend what cargo says; `nox -s doctor` looks at network and certificates",
        )


def _request(image: str, crate: Crate, argv: tuple[str, ...], folder: Path, cache: Path) -> RunRequest:
    return RunRequest(
        image=image,
        argv=argv,
        timeout=_TIMEOUT,
        mounts=_mounts(folder, cache),
        user=user(),
        workdir=WORK,
        env=_environment(crate),
    )


def _mounts(folder: Path, cache: Path) -> tuple[Mount, ...]:
    return (Mount(source=folder, target=WORK), Mount(source=cache, target=_CACHE_TARGET))


def _environment(crate: Crate) -> dict[str, str]:
    return {
        "CARGO_HOME": f"{_CACHE_TARGET}/cargo",
        "CARGO_TARGET_DIR": f"{_CACHE_TARGET}/target/{crate.folder}",
    }


def _ending(result: RunResult) -> str:
    return f"no end within {_TIMEOUT:.0f} s" if result.timed_out else f"exit status {result.returncode}"


def _output(result: RunResult) -> str:
    return "\n".join(text for text in (result.stdout.rstrip(), result.stderr.rstrip()) if text)
