"""The registry of crates, asked by this machine's cargo, with the user's own configuration."""

from __future__ import annotations

import json
import shutil
import tempfile
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from holoenzyme.process import Command, Runner

_FIX = "crates can be asked for where cargo is and the registry answers"


def probe(wanted: Mapping[str, str], rust: str) -> str:
    """A Cargo.toml that asks for crates with requirements, each under a name of its own, for a version of Rust."""
    lines = ["[package]", 'name = "probe"', 'version = "0.0.0"', 'edition = "2024"', f'rust-version = "{rust}"', ""]
    lines += ["[workspace]", "", "[dependencies]"]
    for number, (name, requirement) in enumerate(wanted.items()):
        values = f"package = {json.dumps(name)}, version = {json.dumps(requirement)}, default-features = false"
        lines.append(f"p{number} = {{ {values} }}")
    return "\n".join(lines) + "\n"


def direct_versions(lockfile: str, names: Collection[str]) -> dict[str, str]:
    """The versions on which the crates without a source in a Cargo.lock depend themselves, for some names."""
    packages = tomllib.loads(lockfile).get("package", [])
    own = [item for item in packages if "source" not in item]
    versions: dict[str, list[str]] = {}
    for item in packages:
        versions.setdefault(item["name"], []).append(item["version"])
    found: dict[str, str] = {}
    for word in (word for item in own for word in item.get("dependencies", [])):
        # `name`, or `name version` where the lock has several of it.
        name, _, rest = word.partition(" ")
        if name in names:
            found[name] = rest.split(" ")[0] if rest else versions[name][0]
    return found


@dataclass(frozen=True, kw_only=True)
class CargoRegistry:
    """Asks with `cargo`, in folders of its own."""

    runner: Runner

    def newest(self, wanted: Mapping[str, str], rust: str) -> dict[str, str]:
        """The newest version of each crate that its requirement, and a version of Rust (`1.96`), allow.

        Raises `InfrastructureError` where there is no cargo or the registry does not answer.
        """
        if not wanted:
            return {}
        with tempfile.TemporaryDirectory(prefix="holoenzyme-crates-") as name:
            folder = Path(name)
            (folder / "src").mkdir()
            (folder / "src/lib.rs").touch()
            (folder / "Cargo.toml").write_text(probe(wanted, rust))
            self._cargo(folder, "generate-lockfile")
            return direct_versions((folder / "Cargo.lock").read_text("utf-8"), set(wanted))

    def lockfile(self, folder: Path, manifest: str, names: Collection[str]) -> str:
        """The Cargo.lock of the crate in `folder`, with `manifest` for its Cargo.toml and some crates updated.

        Raises `InfrastructureError` where cargo cannot do it.
        """
        with tempfile.TemporaryDirectory(prefix="holoenzyme-crates-") as name:
            copy = Path(name) / folder.name
            shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("target", ".*"))
            (copy / "Cargo.toml").write_text(manifest, encoding="utf-8")
            self._cargo(copy, "update", *sorted(names))
            return (copy / "Cargo.lock").read_text("utf-8")

    def _cargo(self, folder: Path, *words: str) -> None:
        command = Command(argv=("cargo", *words, "--quiet", "--color", "never"), timeout=600, cwd=folder)
        self.runner.run(command).check("asking the registry of crates with cargo", fix=_FIX)
