"""Compiling and running generated functions: in an image, or with compilers of this machine."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from holoenzyme.engine.base import Engine, Mount, RunRequest
from holoenzyme.errors import InternalError
from holoenzyme.execute.smoke import WORK, user, work_folder
from holoenzyme.fuzz import kernels, render
from holoenzyme.fuzz.campaign import AUTODIFF, OFFLOAD, Done, ProgramResult, Way
from holoenzyme.process import Command, Runner
from holoenzyme.render.stages import File

#: What was freed is overwritten, so that a use of it afterwards shows.
_RUN = ("env", "MALLOC_PERTURB_=165")
#: A launch that finds no device ends the program.
_MANDATORY = ("OMP_TARGET_OFFLOAD=MANDATORY",)
#: libEnzyme tells what it works on, and what it refuses.
_ENV = {"ENZYME_ERRORS": "json"}
_ORACLE = ("--edition", "2024", "-Copt-level=0", "-Ccodegen-units=2", "-Cdebuginfo=0", "oracle.rs")
#: Seconds of the processor that a compilation may take, and a function more than that.
_COMPILE_LIMIT = (90, 8)
#: Seconds for everything, where the machine is busy with other things.
_PATIENCE = 3000.0
_PACKAGE = """[package]
name = "{name}"
version = "0.1.0"
edition = "2024"
"""
_PROGRAM = (
    _PACKAGE.format(name="generated")
    + """
[dependencies]
helpers = { path = "helpers" }
"""
)
#: Kernels stand in a library, and need a crate that toolchain images have.
_KERNELS = (
    _PROGRAM
    + f"""holoenzyme = {{ path = "/opt/holoenzyme/share/crates/holoenzyme" }}

[lib]
path = "{kernels.SUBJECT}"
"""
)


@contextmanager
def host_bench(runner: Runner, compiler: tuple[str, ...], rustc: str) -> Iterator[HostBench]:
    """A bench of compilers of this machine, in a folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="holoenzyme-fuzz-"))
    try:
        bench = HostBench(runner=runner, compiler=compiler, rustc=rustc, folder=folder)
        bench.prepare()
        yield bench
    finally:
        shutil.rmtree(folder)


@dataclass(frozen=True, kw_only=True)
class HostBench:
    """Uses a compiler that is called as `COMMAND SOURCE RESULT OPTIONS`, and any rustc."""

    runner: Runner
    compiler: tuple[str, ...]
    rustc: str
    folder: Path
    seed: float = 1.0
    way: Way = AUTODIFF

    def prepare(self) -> None:
        """Compile the crate that functions call."""
        (self.folder / "helpers.rs").write_text(render.helpers(), encoding="utf-8")
        done = self._do(self.rustc, "--edition", "2024", "-O", "--crate-type", "rlib", "helpers.rs")
        if not done.ok:
            raise InternalError("the crate of helpers does not compile", why=done.output[-2000:])

    def oracle(self, text: str) -> ProgramResult:
        """With any compiler."""
        (self.folder / "oracle.rs").write_text(text, encoding="utf-8")
        compiled = self._do(self.rustc, *_ORACLE)
        return ProgramResult(compiled, self._do("./oracle") if compiled.ok else None)

    def subject(self, text: str, functions: int) -> ProgramResult:
        """With the compiler that differentiates."""
        (self.folder / "main.rs").write_text(text, encoding="utf-8")
        words = (*self.compiler, "main.rs", "subject", "--extern", "helpers=libhelpers.rlib")
        compiled = self._do(*_limited(functions, *words))
        # For whoever looks on.
        (self.folder / "compiler.log").write_text(compiled.output, encoding="utf-8")
        return ProgramResult(compiled, self._do(*_RUN, "./subject") if compiled.ok else None)

    def _do(self, *words: str) -> Done:
        done = self.runner.run(Command(argv=words, timeout=_PATIENCE, cwd=self.folder, env=_ENV), merge=True)
        return Done(done.returncode, done.output, done.timed_out)


@contextmanager
def image_bench(engine: Engine, image: str, *, seed: float, way: Way = AUTODIFF) -> Iterator[ImageBench]:
    """A bench in an image, in a folder that is gone afterwards."""
    text = {
        "Cargo.toml": _KERNELS if way is OFFLOAD else _PROGRAM,
        "src/main.rs": kernels.program() if way is OFFLOAD else "fn main() {}\n",
        "helpers/Cargo.toml": _PACKAGE.format(name="helpers"),
        "helpers/src/lib.rs": render.helpers(),
    }
    with work_folder({name: File(content=content.encode()) for name, content in text.items()}) as folder:
        yield ImageBench(engine=engine, image=image, folder=folder, seed=seed, way=way)


@dataclass(frozen=True, kw_only=True)
class ImageBench:
    """Uses `cargo autodiff` of an image, or its `cargo offload --autodiff` and the virtual host device."""

    engine: Engine
    image: str
    folder: Path
    seed: float
    way: Way = AUTODIFF

    def oracle(self, text: str) -> ProgramResult:
        """With the image's rustc."""
        (self.folder / "oracle.rs").write_text(text, encoding="utf-8")
        compiled = self._do("rustc", *_ORACLE)
        return ProgramResult(compiled, self._do(*_kept("./oracle")) if compiled.ok else None)

    def subject(self, text: str, functions: int) -> ProgramResult:
        """With the compiler that differentiates."""
        offload = self.way is OFFLOAD
        (self.folder / (kernels.SUBJECT if offload else "src/main.rs")).write_text(text, encoding="utf-8")
        words = ("offload", "build", "--autodiff") if offload else ("autodiff", "build")
        compiled = self._do(*_limited(functions, "cargo", *words, "--offline", "--quiet"))
        run = (*_RUN, *(_MANDATORY if offload else ()), "target/release/generated")
        return ProgramResult(compiled, self._do(*_kept(*run)) if compiled.ok else None)

    def _do(self, *words: str) -> Done:
        request = RunRequest(
            image=self.image,
            argv=words,
            timeout=_PATIENCE,
            mounts=(Mount(source=self.folder, target=WORK),),
            user=user(),
            workdir=WORK,
        )
        done = self.engine.run(request)
        printed = self.folder / "printed"
        output = done.stdout + done.stderr
        if printed.is_file():
            output = printed.read_text(encoding="utf-8", errors="replace") + output
            printed.unlink()
        return Done(done.returncode, output, done.timed_out)


def _kept(*words: str) -> tuple[str, ...]:
    """Engines keep less of what a container prints than a file does."""
    return "sh", "-c", f"exec {' '.join(words)} > printed"


def _limited(functions: int, *words: str) -> tuple[str, ...]:
    """A compiler that runs without an end is ended, however busy the machine is.

    By the soft limit alone, whose SIGXCPU says so: at the hard one there is a SIGKILL, as where memory runs out.
    """
    seconds = _COMPILE_LIMIT[0] + _COMPILE_LIMIT[1] * functions
    return "sh", "-c", f'ulimit -S -t {seconds}; exec "$@"', "sh", *words
