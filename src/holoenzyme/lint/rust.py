"""The Rust part of `lint`: rustfmt, clippy and the crates' own tests, in containers of the lint image."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from holoenzyme.build.images import make_images
from holoenzyme.build.locks import held
from holoenzyme.engine.base import Mount, RunRequest, RunResult
from holoenzyme.engine.network import Network
from holoenzyme.errors import ExitCode, InfrastructureError
from holoenzyme.execute.smoke import UNKNOWN_UID, WORK, user, work_folder
from holoenzyme.matrix.recipe import FileRule
from holoenzyme.matrix.select import select_ready
from holoenzyme.session import RUST_CACHE, Session, machine_session

#: The kind of image that has the linters: a folder below `images/`.
IMAGE = "lint"
_CACHE_TARGET = "/cache"
_CARGO_HOME = f"{_CACHE_TARGET}/cargo"
#: Seconds for each command.
_TIMEOUT = 600.0


@dataclass(frozen=True, kw_only=True)
class LintedCrate:
    """A crate or a workspace of the project: its folder, relative to the root, and the folder that it needs around it.

    `autodiff` says whether it differentiates functions, `offload` whether it has kernels: Debian's compiler, which
    lints, refuses these. `unstable` says whether it asks for unstable features of its own.
    """

    folder: str
    around: str
    autodiff: bool = False
    offload: bool = False
    unstable: bool = False
    downloads: bool = False

    @property
    def fetch(self) -> tuple[str, ...]:
        """The command that downloads its dependencies."""
        return ("cargo", "fetch", "--locked")

    @property
    def checks(self) -> tuple[tuple[str, ...], ...]:
        """The commands that look at it, none of which needs network.

        Programs with derivatives are run by the smoke tests, so their tests are not run here; those with kernels are
        compiled there, too.
        """
        if self.offload:
            # `cargo fmt` would look for the crate that they use, which only images with that compiler have.
            return (("sh", "-c", "rustfmt --edition 2024 --check src/*.rs"),)
        cargo = ("cargo", "autodiff") if self.autodiff else ("cargo",)
        look = (*cargo, "clippy", "--quiet", "--locked", "--offline", "--all-targets", "--", "-D", "warnings")
        test = ("cargo", "test", "--quiet", "--locked", "--offline")
        return (("cargo", "fmt", "--check"), look) if self.autodiff else (("cargo", "fmt", "--check"), look, test)


def find_crates(root: Path) -> tuple[LintedCrate, ...]:
    """The workspace in `crates/` and what is no member of it, every smoke test, and what is measured."""
    crates = root / "crates"
    manifests = (crates / "Cargo.toml", *sorted(crates.glob("*/Cargo.toml")))
    ours = [path for path in manifests if _stands_alone(crates, path)]
    found = [*sorted((root / "smoke_tests").glob("**/Cargo.toml")), root / "bench/gradients/Cargo.toml"]
    programs = [path for path in found if path.is_file() and "target" not in path.parts]
    return (*(_ours(root, path) for path in ours), *(_program(root, path) for path in programs))


def _stands_alone(crates: Path, manifest: Path) -> bool:
    """Whether a manifest in `crates/` is a workspace's root; members are checked with the workspace."""
    if not manifest.is_file():
        return False
    return not (crates / "Cargo.toml").is_file() or "workspace" in tomllib.loads(manifest.read_text(encoding="utf-8"))


def _ours(root: Path, manifest: Path) -> LintedCrate:
    source = manifest.parent / "src" / "lib.rs"
    return LintedCrate(
        folder=str(manifest.parent.relative_to(root)),
        around="crates",
        unstable=source.is_file() and "feature(" in source.read_text(encoding="utf-8"),
        downloads=_downloads(manifest),
    )


def _program(root: Path, manifest: Path) -> LintedCrate:
    folder = str(manifest.parent.relative_to(root))
    offload = "/share/crates/holoenzyme" in manifest.read_text(encoding="utf-8")
    return LintedCrate(
        folder=folder, around=folder, autodiff=not offload, offload=offload, downloads=_downloads(manifest)
    )


def _downloads(manifest: Path) -> bool:
    """Whether its Cargo.lock names packages of a registry; without one, cargo itself complains later."""
    lock = manifest.with_name("Cargo.lock")
    return lock.is_file() and "\nsource = " in lock.read_text(encoding="utf-8")


def run(root: Path) -> int:
    """Check every crate of the project on this machine; see `lint_crates`."""
    return lint_crates(machine_session(root, image=IMAGE))


def lint_crates(session: Session) -> int:
    """Check every crate in the default cell's image; 0 when nothing was found, else 1, after the findings were said.

    Raises `InfrastructureError` where dependencies cannot be fetched, and what building the lint image raises.
    """
    (cell,) = select_ready(session.project.matrix, [], session.say)
    resolved, _ = make_images(session, (cell,))
    image = resolved.graph.images[0].image
    found = 0
    with _cache(session) as cache:
        for crate in find_crates(session.project.root):
            found += _check(session, image, crate, cache)
    return ExitCode.FAILED if found else ExitCode.OK


@contextmanager
def _cache(session: Session) -> Iterator[Path]:
    """The cache folder, writable for who runs in containers, and nobody else's meanwhile.

    Cargo goes by the times of files: with two checkouts of different content at once it could take the one's results
    for the other's.
    """
    folder = session.state / RUST_CACHE
    with held(session, "rust-lint", waiting=lambda: session.say("another lint is at work; waiting")):
        folder.mkdir(exist_ok=True)
        if os.getuid() == 0:
            os.chown(folder, UNKNOWN_UID, UNKNOWN_UID)
        yield folder


def _check(session: Session, image: str, crate: LintedCrate, cache: Path) -> int:
    """Run everything for one crate and say what was found; returns how many of its commands found something."""
    tree = session.project.files.tree(FileRule(**{"from": crate.around, "to": "."}))
    found = 0
    with work_folder({name.removeprefix("./"): file for name, file in tree.items()}) as folder:
        template = RunRequest(
            image=image,
            argv=(),
            timeout=_TIMEOUT,
            mounts=_mounts(session, folder, cache),
            user=user(),
            workdir=str(PurePosixPath(WORK, PurePosixPath(crate.folder).relative_to(crate.around))),
            env=_environment(crate),
        )
        if crate.downloads:
            _fetch(session, crate, template)
        for command in crate.checks:
            result = session.engine.run(replace(template, argv=command))
            if result.returncode != 0:
                found += 1
                session.say(f"{crate.folder}: {' '.join(command)}: {_ending(result)}\n{_output(result)}")
    return found


def _fetch(session: Session, crate: LintedCrate, template: RunRequest) -> None:
    """Download what the crate depends on, with network only where the cache does not have all of it."""
    if session.engine.run(replace(template, argv=(*crate.fetch, "--offline"))).returncode == 0:
        return
    result = session.engine.run(Network.of(session.environ).open(replace(template, argv=crate.fetch)))
    if result.returncode != 0:
        raise InfrastructureError(
            f"{crate.folder}: its dependencies could not be fetched ({_ending(result)})",
            why=_output(result),
            fix="mend what cargo says; `nox -s doctor` looks at network and certificates",
        )


def _mounts(session: Session, folder: Path, cache: Path) -> tuple[Mount, ...]:
    mounts = (Mount(source=folder, target=WORK), Mount(source=cache, target=_CACHE_TARGET))
    config = session.environ.get("HOLOENZYME_CARGO_CONFIG")
    if not config:
        return mounts
    # cargo names what it has downloaded after the registry, so without the same configuration it finds none of it.
    return (*mounts, Mount(source=Path(config).absolute(), target=f"{_CARGO_HOME}/config.toml", read_only=True))


def _environment(crate: LintedCrate) -> dict[str, str]:
    return {
        "CARGO_HOME": _CARGO_HOME,
        "CARGO_TARGET_DIR": f"{_CACHE_TARGET}/target/{crate.folder}",
    } | ({"RUSTC_BOOTSTRAP": "1"} if crate.unstable else {})


def _ending(result: RunResult) -> str:
    return f"no end within {_TIMEOUT:.0f} s" if result.timed_out else f"exit status {result.returncode}"


def _output(result: RunResult) -> str:
    return "\n".join(text for text in (result.stdout.rstrip(), result.stderr.rstrip()) if text)
