"""A machine for `doctor`: nothing is asked of the real one, and every command that was asked for is kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes import Stoppable

from holoenzyme.engine.versions import ApiVersion, EngineVersion, Negotiated, negotiate
from holoenzyme.errors import HoloenzymeError
from holoenzyme.process import Command, Completed

DEBIAN = {"ID": "debian", "VERSION_ID": "12"}
#: What a healthy engine is.
ANSWERS = negotiate(
    EngineVersion(name="Docker Engine", release="20.10.24", oldest=ApiVersion(1, 12), newest=ApiVersion(1, 41))
)


@dataclass
class FakeHost(Stoppable):
    """A machine; as it stands, a healthy Debian 12 of a user who is not root."""

    folder: Path
    python: tuple[int, int] = (3, 11)
    uid: int = 1000
    os_release: Mapping[str, str] = field(default_factory=lambda: dict(DEBIAN))
    programs: set[str] = field(default_factory=lambda: {"mmdebstrap", "skopeo", "nvidia-smi", "apt-get"})
    paths: set[str] = field(default_factory=lambda: {"/run/systemd/system"})
    free: int | OSError = 50_000_000_000
    answer: Negotiated | HoloenzymeError = ANSWERS
    extra: dict[str, str] = field(default_factory=dict)
    #: What commands answer, by a part of their line: exit status and text (stdout, or stderr where it failed).
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    installed: Callable[[str], None] | None = None

    def __post_init__(self) -> None:
        self.client("usr")
        self.answers = {
            "docker --version": (0, "Docker version 20.10.24+dfsg1, build 297e128"),
            "docker info": (0, "/var/lib/docker"),
            "nvidia-smi": (0, "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)\nGPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-2)"),
        }
        (self.folder / "ca.crt").write_text("")
        self.extra["SSL_CERT_FILE"] = str(self.folder / "ca.crt")

    def client(self, name: str) -> Path:
        path = self.folder / name / "docker"
        path.parent.mkdir()
        path.touch(mode=0o755)
        return path

    @property
    def environ(self) -> Mapping[str, str]:
        return {"PATH": os.pathsep.join(map(str, sorted(self.folder.iterdir()))), "USER": "ada"} | self.extra

    @property
    def runner(self) -> FakeHost:
        return self

    def run(self, command: Command, **_options: object) -> Completed:
        line = command.replay()
        self.commands.append(line)
        status, text = next((answer for part, answer in self.answers.items() if part in line), (0, ""))
        if self.installed:
            self.installed(line)
        return Completed(
            command=command,
            returncode=status,
            output="" if status else text,
            stderr=text if status else "",
            duration=0.0,
        )

    def engine(self) -> Negotiated:
        if isinstance(self.answer, HoloenzymeError):
            raise self.answer
        return self.answer

    def which(self, program: str) -> Path | None:
        return Path("/usr/bin", program) if program in self.programs else None

    def exists(self, path: Path) -> bool:
        return str(path) in self.paths

    def disk_free(self, path: Path) -> int:
        if isinstance(self.free, OSError):
            raise self.free
        return self.free
