"""The libLLVMs that meet in a process: two builds of it hang in Enzyme. The script that asks, and the judging. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

#: Seconds for the script.
LIMIT = 60.0
#: Shell that tells who loads which libLLVM in an image, and which versions the image states.
SCRIPT = """
set -eu
sysroot=$(rustc --print sysroot)
driver=$(ldd "$(realpath "$(command -v rustc)")" | awk '/librustc_driver/ {print $3}')
for pair in "rustc $driver" "libEnzyme $(ls "$sysroot"/lib/rustlib/*/lib/libEnzyme-*.so)"; do
    who=${pair%% *}; file=${pair#* }
    llvm=$(realpath "$(ldd "$file" | awk '/libLLVM/ {print $3}')")
    soname=$(readelf -d "$llvm" | sed -n 's/.*SONAME.*\\[\\(.*\\)\\]/\\1/p')
    build_id=$(readelf -n "$llvm" | awk '/Build ID/ {print $3}')
    printf '{"who": "%s", "soname": "%s", "build_id": "%s"}\\n' "$who" "$soname" "$build_id"
done
sed 's/^{/{"who": "libEnzyme when it was built", /' /opt/holoenzyme/share/holoenzyme/enzyme-llvm.json
rustc --version --verbose
cargo --version
"""


@dataclass(frozen=True, kw_only=True)
class LlvmIdentity:
    """The libLLVM that something in an image loads, or was built against."""

    who: str
    soname: str
    build_id: str


def read_identity(output: str) -> tuple[tuple[LlvmIdentity, ...], dict[str, str]]:
    """Who is on which libLLVM, and the versions that an image states; raises nothing for a wrong image."""
    found: list[LlvmIdentity] = []
    versions: dict[str, str] = {}
    for line in output.splitlines():
        if line.startswith("{"):
            # What an image has wrong there is missing in what was found, and `compare_identity` says so.
            with suppress(json.JSONDecodeError, KeyError):
                data = json.loads(line)
                found.append(LlvmIdentity(who=data["who"], soname=data["soname"], build_id=data["build_id"]))
        elif line.startswith(("rustc ", "cargo ")):
            versions[line.split()[0]] = line
        elif ": " in line:
            key, value = line.split(": ", 1)
            versions[f"rustc {key.lower()}"] = value
    return tuple(found), versions


def compare_identity(found: Sequence[LlvmIdentity]) -> tuple[str, ...]:
    """The faults of the identities of libLLVM, in words; none where all are of one build."""
    if len(found) < 3:
        have = ", ".join(item.who for item in found) or "nothing"
        return (f"libLLVM's identity is known for {have}; rustc, libEnzyme and libEnzyme's build are needed",)
    if any(not item.build_id or not item.soname for item in found):
        return (f"a libLLVM has no build-id or soname: {list(found)}",)
    if len({(item.soname, item.build_id) for item in found}) > 1:
        words = "; ".join(f"{item.who}: {item.soname} {item.build_id}" for item in found)
        return (f"different builds of libLLVM meet in one process, and Enzyme would hang: {words}",)
    return ()
