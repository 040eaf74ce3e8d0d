"""An engine, an archive and a runner for tests: nothing leaves the process, and everything that was asked is kept."""

from __future__ import annotations

import hashlib
import re
import shlex
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path

from holoenzyme.engine.base import (
    BuildFailed,
    BuildRequest,
    ContainerInfo,
    ImageInfo,
    RunRequest,
    RunResult,
    Usage,
)
from holoenzyme.engine.versions import ApiVersion, EngineVersion, Negotiated, negotiate
from holoenzyme.errors import InfrastructureError
from holoenzyme.plan.graph import STAGE_LABEL
from holoenzyme.process import Command, Completed, Runner
from holoenzyme.resolve.model import LockedPackage

#: What a Dockerfile takes from other images: FROM, COPY --from= and the from= of a mount.
_SOURCES = re.compile(r"^FROM (\S+)|--from=(\S+)|,from=([^,\s]+)", re.MULTILINE)
_LOCAL = re.compile(r"^FROM .* AS (\S+)$", re.MULTILINE)
_MARK = "==holoenzyme-contract"
_STEP = "==holoenzyme-step"


@dataclass(frozen=True, kw_only=True)
class Build:
    """A build that was asked for: the stage of its labels, the request, and the text of the Dockerfile."""

    stage: str
    request: BuildRequest
    text: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a container says and how it ends."""

    stdout: str = ""
    stderr: str = ""
    returncode: int = 0
    timed_out: bool = False


@dataclass(kw_only=True)
class FakeArchive:
    """A distribution's archive: files by package, newest last, and what comes along with a package asked for.

    `suites` has the packages that another suite than the base's own has (package → suite), `silent` is what apt says
    where none of those answers.
    """

    files: dict[str, list[LockedPackage]] = field(default_factory=dict)
    needs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    suites: dict[str, str] = field(default_factory=dict)
    silent: str = ""

    def offer(self, name: str, version: str, *, sha256: str | None = None, keep: bool = False) -> None:
        """Have this version of a package; with `keep` the older ones stay too."""
        old = self.files.get(name, []) if keep else []
        self.files[name] = [*old, deb(version, sha256 or digest_of(f"{name} {version}"))]

    def answer(self, dockerfile: str, context: Path, folder: Path) -> None:
        """Answer the question that a Dockerfile asks with the files `uris` and `packages`, in apt's words.

        Where its context asks for other suites too, there are as many files about those.
        """
        folder.mkdir(parents=True, exist_ok=True)
        sets = re.findall(r"echo (==\S+ \S+); apt-get .*?--print-uris (.*?) \|", dockerfile)
        self._answer(sets, re.findall(r"echo (.*) \| tr", dockerfile)[0].split(), folder, "")
        if "COPY suites" not in dockerfile:
            return
        script = (context / "suites/ask.sh").read_text()
        asked = [shlex.split(line) for line in script.splitlines() if line.startswith("ask ")]
        sets = [(f"==holoenzyme-set {words[1]}", " ".join(words[3:])) for words in asked]
        names = shlex.split(re.findall(r"^printf (.*) >> /names$", script, re.MULTILINE)[0])[1:]
        self._answer(sets, names, folder, "suites-")
        rows = [
            f" {name} | {item.version} | http://archive.invalid/debian {self.suites.get(name, 'bookworm')}/main amd64 x"
            for name, items in self.files.items()
            for item in items
        ]
        (folder / "suites-origins").write_text("\n".join(rows) + "\n")
        fields = "Codename: bookworm\nDate: Sat, 21 Nov 2026 09:15:44 UTC\n\nDate: Fri, 30 Oct 2026 08:08:01 UTC\n"
        (folder / "suites-releases").write_text(f"{fields}Codename: late\n")

    def _answer(self, sets: Sequence[tuple[str, str]], names: Sequence[str], folder: Path, prefix: str) -> None:
        lines, names = [], list(names)
        for mark, roots in sets:
            lines.append(mark)
            needed = sorted({need for root in roots.split() for need in (root, *self.needs.get(root, ()))})
            missing = [name for name in needed if not self.files.get(name)]
            if prefix and (missing or self.silent):
                lines.append(f"==holoenzyme-gone {self.silent or f'E: Unable to locate package {missing[0]}'}")
                continue
            for name in needed:
                newest, names = self.files[name][-1], [*names, name]
                file = newest.file_name(name)
                lines.append(f"'http://archive.invalid/pool/{file.replace('+', '%2b')}' {file} {newest.size} SHA256:x")
        (folder / f"{prefix}uris").write_text("\n".join([*lines, "==holoenzyme-end"]) + "\n")
        stanzas = [
            f"Package: {name}\nVersion: {item.version}\nArchitecture: {item.architecture}\n"
            f"Size: {item.size}\nSHA256: {item.sha256}\n"
            for name in dict.fromkeys(names)
            for item in (() if self.silent and name in self.suites else self.files.get(name, []))
        ]
        (folder / f"{prefix}packages").write_text("\n".join(stanzas))


def digest_of(text: str) -> str:
    """64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def deb(version: str, sha256: str = "0" * 64) -> LockedPackage:
    """A package file of this version."""
    return LockedPackage(version=version, architecture="amd64", sha256=sha256, size=1000)


@dataclass
class _Image:
    labels: dict[str, str]
    tags: list[str]
    created: float


class FakeEngine:
    """An engine behind the `Engine` protocol.

    `hooks` are called inside the build of a stage (its name; `archive` for the archive's question) and may raise,
    wait, or block. `answers` says what containers answer: `packages`, `identity`, `contract`, `compile`, `run`; each
    step of a script has its own.
    `registry` maps references that can be pulled to digests.
    """

    name = "fake"

    def __init__(self) -> None:
        self.archive = FakeArchive()
        self.version = EngineVersion(
            name="Docker Engine", release="20.10.24", oldest=ApiVersion(1, 12), newest=ApiVersion(1, 41)
        )
        self.registry: dict[str, str] = {}
        self.hooks: dict[str, Callable[[Build], None]] = {}
        self.answers: dict[str, Answer | Callable[[RunRequest], Answer]] = {}
        self.builds: list[Build] = []
        self.runs: list[RunRequest] = []
        self.imports: list[tuple[str, ...]] = []
        self.questions = 0
        self._images: dict[str, _Image] = {}
        self._guard = threading.RLock()

    @property
    def built(self) -> list[str]:
        """The stages that were built, in the order of their beginnings."""
        return [build.stage for build in self.builds]

    @property
    def tags(self) -> set[str]:
        """Every name of every image."""
        return {tag for image in self._images.values() for tag in image.tags}

    def steps(self) -> list[str]:
        """What containers were run for."""
        return [step_of(request) for request in self.runs]

    def forget(self) -> None:
        """Start counting anew; images stay."""
        self.builds.clear()
        self.runs.clear()
        self.questions = 0

    def put(self, tag: str | None, labels: Mapping[str, str]) -> str:
        """Have an image, as if it had been built or loaded; without a tag as a killed build leaves one."""
        with self._guard:
            identity = "sha256:" + digest_of(f"{sorted(labels.items())} {len(self._images)}")
            self._images[identity] = _Image(labels=dict(labels), tags=[], created=float(len(self._images)))
            if tag:
                self.tag(identity, tag)
            return identity

    def images(self) -> tuple[ImageInfo, ...]:
        self.questions += 1
        with self._guard:
            return tuple(self._info(key) for key, image in self._images.items() if STAGE_LABEL in image.labels)

    def image(self, reference: str) -> ImageInfo | None:
        self.questions += 1
        with self._guard:
            key = self._find(reference)
            return self._info(key) if key else None

    def build(self, request: BuildRequest, *, on_line: Callable[[str], None], log_file: Path) -> str:
        text = (request.dockerfile or request.context / "Dockerfile").read_text()
        stage = "archive" if request.output else request.labels.get(STAGE_LABEL, "unlabelled")
        build = Build(stage=stage, request=request, text=text)
        self.builds.append(build)
        with log_file.open("a") as log:
            log.write(f"#1 {stage}\n")
        on_line(f"#1 {stage}")
        local = {"scratch", *_LOCAL.findall(text)}
        for words in _SOURCES.findall(text):
            source = next(word for word in words if word)
            if source not in local and self._find(source) is None:
                raise failure(request, step="[internal] load metadata", tail=f"{source}: pull access denied")
        if stage in self.hooks:
            self.hooks[stage](build)
        if request.output:
            self.archive.answer(text, request.context, request.output)
            return ""
        return self.put(None, request.labels)

    @property
    def command(self) -> str:
        return "/fake/docker"

    @property
    def builder(self) -> str:
        return "the fake builder"

    @property
    def negotiated(self) -> Negotiated:
        return negotiate(self.version)

    def ping(self) -> None:
        self.questions += 1

    def images_named(self, repository: str) -> tuple[ImageInfo, ...]:
        with self._guard:
            found = {tag: key for key, image in self._images.items() for tag in image.tags}
            return tuple(self._info(key) for tag, key in found.items() if tag.rpartition(":")[0] == repository)

    def history(self, image: str) -> tuple[str, ...]:
        return ()

    def containers(self) -> tuple[ContainerInfo, ...]:
        return ()

    def remove_container(self, container: str) -> None:
        raise AssertionError(f"{container} is to be removed, and there are no containers")

    def usage(self) -> Usage:
        return Usage(layers=0, build_cache=0)

    def free_build_cache(self) -> int:
        return 0

    def build_command(self, request: BuildRequest) -> str:
        return f"docker build {request.context}"

    def import_archive(self, archive: Path, changes: Sequence[str]) -> str:
        assert archive.is_file()
        self.imports.append(tuple(changes))
        return self.put(None, {})

    def pull(self, reference: str) -> str:
        if reference not in self.registry:
            raise InfrastructureError(f"{reference} could not be pulled", why="no registry answers")
        return self.put(reference, {})

    def digest(self, reference: str) -> str | None:
        return self.registry.get(reference)

    def tag(self, image: str, reference: str) -> None:
        with self._guard:
            key = self._find(image)
            assert key is not None, f"{image} is to be tagged, and is not there"
            for other in self._images.values():
                if reference in other.tags:
                    other.tags.remove(reference)
            self._images[key].tags.append(reference)

    def remove(self, reference: str) -> None:
        with self._guard:
            key = self._find(reference)
            if key is None:
                return
            image = self._images[key]
            image.tags = [tag for tag in image.tags if tag != reference]
            if not image.tags:
                del self._images[key]

    def run(self, request: RunRequest) -> RunResult:
        self.runs.append(request)
        assert self._find(request.image), f"{request.image} is to be run, and is not there"
        steps = steps_of(request)
        if not steps:
            return RunResult(request=request, duration=0.25, **vars(self._answer(request)))
        answers = [self._answer(step) for step in steps]
        stdout, stderr = (steps_output(answers, stream) for stream in ("stdout", "stderr"))
        return RunResult(request=request, duration=0.25, returncode=0, stdout=stdout, stderr=stderr, timed_out=False)

    def _answer(self, request: RunRequest) -> Answer:
        answer = self.answers[step_of(request)]
        return answer(request) if callable(answer) else answer

    def _find(self, reference: str) -> str | None:
        if reference in self._images:
            return reference
        return next((key for key, image in self._images.items() if reference in image.tags), None)

    def _info(self, key: str) -> ImageInfo:
        image = self._images[key]
        return ImageInfo(id=key, tags=tuple(image.tags), labels=dict(image.labels), size=1000, created=image.created)


def step_of(request: RunRequest) -> str:
    """What a container is run for."""
    words = " ".join(request.argv)
    for name, sign in (("packages", "dpkg-query"), ("identity", "enzyme-llvm.json"), ("contract", _MARK)):
        if sign in words:
            return name
    return "compile" if "build" in request.argv else "run"


def steps_of(request: RunRequest) -> list[RunRequest]:
    """The containers that would do what a script of several steps does; none where a container is no such script."""
    if request.argv[:2] != ("sh", "-c"):
        return []
    found = []
    for line in request.argv[2].splitlines():
        match shlex.split(line) if line.startswith("step ") else []:
            case ["step", _, limit, "env", *words]:
                count = sum(1 for _ in takewhile(lambda word: "=" in word, words))
                env = dict(word.split("=", 1) for word in words[:count])
                found.append(replace(request, argv=tuple(words[count:]), env=env, timeout=float(limit)))
            case ["step", _, limit, *words]:
                found.append(replace(request, argv=tuple(words), timeout=float(limit)))
    return found


def steps_output(answers: Sequence[Answer], stream: str, *, left: int = 0) -> str:
    """What a script of steps prints in a stream; the last `left` steps begin, and do not end.

    A step that is late takes longer than any limit.
    """
    parts = []
    for number, answer in enumerate(answers):
        status = 124 if answer.timed_out else answer.returncode
        seconds = 1e6 if answer.timed_out else 0.25
        parts.append(f"{_STEP} {number}\n{getattr(answer, stream)}")
        if number < len(answers) - left:
            parts.append(f"\n{_STEP} {number} ended {status} 1000.0 {1000.0 + seconds}\n")
    return "".join(parts)


def failure(request: BuildRequest, *, step: str, tail: str) -> BuildFailed:
    """A failing step, as the real engine tells it."""
    return BuildFailed(
        f"step {step} failed", step=step, tail=tail, command=f"docker build {request.context}", context=request.context
    )


def failing(step: str = "[2/3] RUN false", tail: str = "no such file") -> Callable[[Build], None]:
    """A hook that lets a stage's step fail."""

    def hook(build: Build) -> None:
        raise failure(build.request, step=step, tail=tail)

    return hook


def hanging(runner: Runner, *, begun: threading.Event | None = None) -> Callable[[Build], None]:
    """A hook that runs a subprocess which does not end by itself, as a hanging `docker build` does."""

    def hook(build: Build) -> None:
        if begun:
            begun.set()
        runner.run(Command(argv=("sleep", "600"), timeout=600))

    return hook


def contract_output(*answers: tuple[str, int]) -> str:
    """What a contract's script prints: for each rule its output and its exit status."""
    return "".join(
        f"{_MARK} {number}\n{output}\n{_MARK} status {status}\n" for number, (output, status) in enumerate(answers)
    )


@dataclass
class Stoppable:
    """What fake runners share: they end nothing, and remember whether they were stopped."""

    stopped: bool = field(default=False, init=False)

    def stop(self) -> None:
        self.stopped = True

    def resume(self) -> None:
        self.stopped = False


@dataclass
class FakeRunner(Stoppable):
    """A `Runner`: `programs` maps a program's name to what it does; one that is not there cannot be started."""

    programs: dict[str, Callable[[Command], tuple[int, str]]] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)

    def run(
        self,
        command: Command,
        *,
        on_line: Callable[[str], None] | None = None,
        log_file: Path | None = None,
        merge: bool = False,
    ) -> Completed:
        self.commands.append(command)
        program = Path(command.argv[0]).name
        if program not in self.programs:
            raise InfrastructureError(f"{command.argv[0]} could not be started", why="no such file")
        status, output = self.programs[program](command)
        return Completed(command=command, returncode=status, output=output, stderr="", duration=0.0)

    def argvs(self, program: str) -> list[Sequence[str]]:
        """The words of each run of a program."""
        return [command.argv for command in self.commands if Path(command.argv[0]).name == program]


def mmdebstrap(command: Command) -> tuple[int, str]:
    """Makes an archive, as mmdebstrap does."""
    archive = next(word for word in command.argv if word.endswith(".tar"))
    Path(archive).write_bytes(b"root file system")
    return 0, "done\n"
