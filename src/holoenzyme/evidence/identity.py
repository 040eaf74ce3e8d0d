"""Judging which libLLVM meet in one process: two builds of it hang in Enzyme. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from holoenzyme.execute.smoke import LlvmIdentity


def compare_identity(found: Sequence[LlvmIdentity]) -> tuple[str, ...]:
    """What is wrong with the identities of libLLVM, in words; nothing where all are of one build."""
    if len(found) < 3:
        have = ", ".join(item.who for item in found) or "nothing"
        return (f"libLLVM's identity is known for {have}; rustc, libEnzyme and libEnzyme's build are needed",)
    if any(not item.build_id or not item.soname for item in found):
        return (f"a libLLVM has no build-id or soname: {list(found)}",)
    if len({(item.soname, item.build_id) for item in found}) > 1:
        words = "; ".join(f"{item.who}: {item.soname} {item.build_id}" for item in found)
        return (f"different builds of libLLVM meet in one process, and Enzyme would hang: {words}",)
    return ()
