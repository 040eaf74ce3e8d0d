"""The index of Python packages, asked by uv: the user's own, or one that pip installs beside the logs."""

from __future__ import annotations

import shutil
import sys
import tempfile
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from holoenzyme.errors import InfrastructureError, UserError
from holoenzyme.process import Command, Completed, Runner
from holoenzyme.resolve.archives import WheelOffer

REQUIREMENTS = "requirements/lock.txt"
#: How that file is made; its header repeats it.
COMPILE = (
    *("pip", "compile", "--universal", "--python-version", "3.11", "--generate-hashes", "--group", "dev"),
    *("pyproject.toml", "-o", REQUIREMENTS),
)
#: Host architecture → uv's name for the newest Linux that wheels are looked for.
_PLATFORMS = {"x86_64": "x86_64-manylinux_2_36", "aarch64": "aarch64-manylinux_2_36"}


def wheel_in_pylock(text: str) -> WheelOffer:
    """The one wheel of a pylock.toml; raises `InfrastructureError` where there is another number of them."""
    packages = tomllib.loads(text).get("packages", [])
    wheels = packages[0].get("wheels", []) if len(packages) == 1 else []
    if len(wheels) != 1:
        names = ", ".join(PurePosixPath(unquote(urlsplit(item["url"]).path)).name for item in wheels)
        raise InfrastructureError(f"the index has {len(wheels)} wheels where one is needed", why=names or None)
    return WheelOffer(version=packages[0]["version"], sha256=wheels[0]["hashes"]["sha256"])


@dataclass(frozen=True, kw_only=True)
class UvIndex:
    """Asks with `uv`. `tools` is the folder into which pip installs it where the user has none.

    `environ` is the user's environment, and `ca` the CA bundle of this machine: uv has roots of its own otherwise.
    """

    runner: Runner
    tools: Path
    environ: Mapping[str, str]
    ca: Path | None = None

    def wheel(self, requirement: str, arch: str) -> WheelOffer:
        """The newest wheel that a requirement allows on a host architecture (`x86_64`).

        Raises `InfrastructureError` where uv cannot be had or the index does not answer, and `UserError` for an
        architecture that is not known.
        """
        if arch not in _PLATFORMS:
            raise UserError(f"wheels for {arch} are not known", fix=f"known are {', '.join(_PLATFORMS)}")
        with tempfile.TemporaryDirectory(prefix="holoenzyme-wheels-") as name:
            folder = Path(name)
            (folder / "asked.in").write_text(f"{requirement}\n")
            words = ("--no-deps", "--only-binary", ":all:", "--python-platform", _PLATFORMS[arch])
            self._uv(folder, "pip", "compile", *words, "asked.in", "-o", "pylock.toml")
            return wheel_in_pylock((folder / "pylock.toml").read_text("utf-8"))

    def requirements(self, root: Path, names: Collection[str]) -> str:
        """requirements/lock.txt with newer versions of some packages, or of all.

        Raises `InfrastructureError` where uv cannot be had or the index does not answer.
        """
        with tempfile.TemporaryDirectory(prefix="holoenzyme-requirements-") as name:
            folder = Path(name)
            (folder / "requirements").mkdir()
            for path in ("pyproject.toml", REQUIREMENTS):
                shutil.copyfile(root / path, folder / path)
            which = [word for each in sorted(names) for word in ("--upgrade-package", each)] or ["--upgrade"]
            self._uv(folder, *COMPILE, *which)
            return (folder / REQUIREMENTS).read_text("utf-8")

    def _uv(self, folder: Path, *words: str) -> None:
        done = self._run((*self._command, *words, "--quiet", "--no-progress"), cwd=folder, env=self._settings)
        done.check(
            "asking the index of Python packages with uv", fix="see that the index answers, or set UV_DEFAULT_INDEX"
        )

    @cached_property
    def _command(self) -> tuple[str, ...]:
        if own := shutil.which("uv", path=self.environ.get("PATH")):
            return (own,)
        program = self.tools / "bin/uv"
        words = ("install", "--quiet", "--disable-pip-version-check", "--upgrade", "--target", str(self.tools), "uv")
        self._run((sys.executable, "-m", "pip", *words)).check("installing uv with pip", fix="install uv")
        return (str(program),)

    @cached_property
    def _settings(self) -> dict[str, str]:
        """Variables for uv beside the user's environment: the CA bundle, and pip's index where uv has none."""
        settings = {} if self.ca is None or "SSL_CERT_FILE" in self.environ else {"SSL_CERT_FILE": str(self.ca)}
        if not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & set(self.environ):
            for key in (":env:.index-url", "global.index-url"):
                done = self._run((sys.executable, "-m", "pip", "config", "get", key))
                if done.ok and done.output.strip():
                    return settings | {"UV_DEFAULT_INDEX": done.output.strip()}
        return settings

    def _run(
        self, argv: tuple[str, ...], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> Completed:
        return self.runner.run(Command(argv=argv, timeout=900, cwd=cwd, env=env or {}))
