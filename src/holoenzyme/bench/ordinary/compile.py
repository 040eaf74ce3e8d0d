"""Compilers of `bench ordinary` at work: the crates, their artefacts, and the instructions that each compile takes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from holoenzyme.errors import InfrastructureError, UserError
from holoenzyme.process import Command, Completed, Runner

#: Everything that a user may set and that changes what rustc does; each compiler runs without them.
CLEARED = ("RUSTC_BOOTSTRAP", "RUSTC_LOG", "RUST_MIN_STACK", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "LD_PRELOAD")
#: Seconds to fetch crates, to compile one, and to count its instructions, which is fifty times slower.
_FETCH_TIMEOUT, _COMPILE_TIMEOUT, _COUNT_TIMEOUT = 600.0, 300.0, 7200.0
#: What is compared, by the suffix of its file.
OUTPUTS = {"llvm-ir": ".ll", "obj": ".o"}
_COLLECTED = re.compile(r"^==\d+== Collected : (\d+)$", re.MULTILINE)
_VERSION = re.compile(r"^rustc .*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Compiler:
    """A compiler: its role (`base` or `patched`), sysroot, and what it says of its version.

    `driver` is the SHA-256 of librustc_driver; `core` the name of the compiled `core`, which has a hash of where it is
    from and how it was built in it, and `core_digest` its SHA-256.
    """

    role: str
    sysroot: Path
    version: str
    driver: str
    core: str
    core_digest: str

    @property
    def rustc(self) -> Path:
        """The program."""
        return self.sysroot / "bin/rustc"


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Flags of an ordinary compile, none of them ours."""

    name: str
    flags: tuple[str, ...]


CONFIGURATIONS = (
    Configuration(name="debug", flags=("-Copt-level=0",)),
    Configuration(name="release", flags=("-Copt-level=3",)),
)
#: The configuration whose compile is counted.
COUNTED = CONFIGURATIONS[1]


@dataclass(frozen=True, kw_only=True)
class OrdinaryCrate:
    """A library to compile. `folder` has its sources, `root` is relative to it; `counted` asks for instructions."""

    name: str
    version: str
    checksum: str
    folder: Path
    root: str
    edition: str
    features: tuple[str, ...]
    counted: bool

    def arguments(self, configuration: Configuration, out: Path) -> tuple[str, ...]:
        """The arguments of rustc, with nothing that names this machine but `out`."""
        features = [word for name in self.features for word in ("--cfg", f'feature="{name}"')]
        return (
            "--crate-name",
            self.name.replace("-", "_"),
            f"--edition={self.edition}",
            self.root,
            "--crate-type=lib",
            f"--emit={','.join(OUTPUTS)}",
            "-Ccodegen-units=1",
            *configuration.flags,
            *features,
            "--cap-lints=allow",
            f"--out-dir={out}",
        )


def read_compiler(runner: Runner, role: str, sysroot: Path) -> Compiler:
    """Raises `UserError` for a folder that is no sysroot."""
    drivers = sorted((sysroot / "lib").glob("librustc_driver-*.so"))
    cores = sorted((sysroot / "lib/rustlib/x86_64-unknown-linux-gnu/lib").glob("libcore-*.rlib"))
    if not (sysroot / "bin/rustc").is_file() or len(drivers) != 1 or len(cores) != 1:
        raise UserError(
            f"--{role} {sysroot} is no sysroot of rustc",
            why="it must have bin/rustc, one lib/librustc_driver-*.so and one libcore-*.rlib of x86_64; "
            f"of the last two it has {len(drivers)} and {len(cores)}",
            fix="name the folder that `rustc --print sysroot` prints; docs/developing.md says where to get both",
        )
    done = _run(runner, (str(sysroot / "bin/rustc"), "-vV"), Path.cwd(), 60).check(f"{role}: rustc -vV")
    version = _VERSION.search(done.output)
    if version is None:
        raise UserError(f"--{role}: rustc does not say its version", why=done.output)
    return Compiler(
        role=role,
        sysroot=sysroot,
        version=version[0],
        driver=_digest(drivers[0]),
        core=cores[0].name,
        core_digest=_digest(cores[0]),
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def need_valgrind(runner: Runner) -> None:
    """Raises `InfrastructureError` where instructions cannot be counted here."""
    fix = "install valgrind, or compare without counting: --runs 0"
    try:
        runner.run(Command(argv=("valgrind", "--version"), timeout=60)).check("valgrind --version", fix=fix)
    except InfrastructureError as error:
        raise InfrastructureError("valgrind cannot be run here", why=error.what, fix=fix) from error


def side_by_side(compilers: tuple[Compiler, Compiler], folder: Path) -> tuple[Compiler, Compiler]:
    """The same compilers below `folder`, where `standing` can move them."""
    first, second = (_place(compiler, folder / compiler.role) for compiler in compilers)
    return first, second


def _place(compiler: Compiler, folder: Path) -> Compiler:
    shutil.copytree(compiler.sysroot, folder, symlinks=True, copy_function=_link)
    return replace(compiler, sysroot=folder)


@contextmanager
def standing(compiler: Compiler, place: Path) -> Iterator[Compiler]:
    """The compiler at a path that whichever compiler runs has.

    rustc hashes the paths of its sysroot: runs of one compiler at two paths of the same length always differed by
    0.02 % of its instructions; at one path, most by 0.001 %.
    """
    compiler.sysroot.rename(place)
    try:
        yield replace(compiler, sysroot=place)
    finally:
        place.rename(compiler.sysroot)


def _link(source: str, target: str) -> None:
    """Nothing is written there, so another name of the same file serves where the folders are on one disk."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def read_crates(runner: Runner, folder: Path, compiler: Compiler) -> tuple[OrdinaryCrate, ...]:
    """The crates that `folder` names and locks, fetched where they are not there yet.

    Raises `UserError` for one that is not a single library without a build script and without dependencies, and
    `InfrastructureError` where they cannot be fetched.
    """
    words = ("cargo", "metadata", "--format-version=1", "--locked")
    done = _run(runner, (*words, "--offline"), folder, _FETCH_TIMEOUT, {"RUSTC": str(compiler.rustc)})
    if not done.ok:
        done = _run(runner, words, folder, _FETCH_TIMEOUT, {"RUSTC": str(compiler.rustc)})
        done.check(f"fetching the crates of {folder.name}", fix="cargo and network are needed, once")
    metadata = json.loads(done.output)
    lock = tomllib.loads((folder / "Cargo.lock").read_text(encoding="utf-8"))
    checksums = {package["name"]: package.get("checksum", "") for package in lock["package"]}
    (own,) = (package for package in metadata["packages"] if package["id"] == metadata["resolve"]["root"])
    counted = own["metadata"]["ordinary"]["counted"]
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    crates = [
        _crate(package, nodes[package["id"]], checksums, package["name"] in counted)
        for package in metadata["packages"]
        if package["id"] != own["id"]
    ]
    if missing := set(counted) - {crate.name for crate in crates}:
        raise UserError(f"{folder.name}/Cargo.toml: `counted` names {', '.join(missing)}, which is no dependency")
    return tuple(sorted(crates, key=lambda crate: crate.name))


def _crate(
    package: dict[str, object], node: dict[str, object], checksums: Mapping[str, str], counted: bool
) -> OrdinaryCrate:
    name = str(package["name"])
    targets = package["targets"]
    assert isinstance(targets, list), targets
    kinds = {kind for target in targets for kind in target["kind"]} & {"lib", "custom-build", "proc-macro"}
    if kinds != {"lib"} or node["dependencies"]:
        raise UserError(
            f"{name} cannot be compared on its own",
            why=f"it has {', '.join(sorted(kinds))}, and {len(node['dependencies'])} dependencies",  # type: ignore[arg-type]
            fix="choose libraries without build scripts and dependencies",
        )
    (library,) = (target for target in targets if "lib" in target["kind"])
    folder = Path(str(package["manifest_path"])).parent
    features = node["features"]
    assert isinstance(features, list), features
    return OrdinaryCrate(
        name=name,
        version=str(package["version"]),
        checksum=checksums[name],
        folder=folder,
        root=os.path.relpath(library["src_path"], folder),
        edition=library["edition"],
        features=tuple(features),
        counted=counted,
    )


def compile_crate(
    runner: Runner, compiler: Compiler, crate: OrdinaryCrate, configuration: Configuration, out: Path
) -> dict[str, Path]:
    """Compile, and return the files that were made, by what they are."""
    argv = (str(compiler.rustc), *crate.arguments(configuration, out))
    _run(runner, argv, crate.folder, _COMPILE_TIMEOUT).check(f"{compiler.role}: compiling {crate.name}")
    name = crate.name.replace("-", "_")
    return {output: out / f"{name}{suffix}" for output, suffix in OUTPUTS.items()}


def count_instructions(
    runner: Runner, compiler: Compiler, crate: OrdinaryCrate, configuration: Configuration, out: Path
) -> int:
    """The instructions of one compile, as callgrind counts them."""
    valgrind = ("valgrind", "--tool=callgrind", f"--callgrind-out-file={os.devnull}")
    argv = (*valgrind, str(compiler.rustc), *crate.arguments(configuration, out))
    done = _run(runner, argv, crate.folder, _COUNT_TIMEOUT)
    done.check(f"{compiler.role}: counting the instructions of {crate.name}", fix="valgrind is needed")
    counted = _COLLECTED.search(done.stderr)
    if counted is None:
        raise InfrastructureError("callgrind did not say how many instructions it counted", why=done.stderr[-1000:])
    return int(counted[1])


def _run(
    runner: Runner, argv: tuple[str, ...], folder: Path, timeout: float, env: Mapping[str, str] | None = None
) -> Completed:
    cleared = [word for name in CLEARED if name in os.environ for word in ("-u", name)]
    words = ("env", *cleared, *argv) if cleared else argv
    return runner.run(Command(argv=words, cwd=folder, timeout=timeout, env=env or {}))
