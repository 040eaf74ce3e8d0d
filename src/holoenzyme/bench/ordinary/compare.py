"""Artefacts of two compilers for the same crate, compared byte for byte; a difference is looked at more closely."""

from __future__ import annotations

import difflib
import hashlib
import io
import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

#: Lines of a difference that are kept.
_DIFFERENCE_LINES = 40
#: Hashes in symbols that say which build of a crate (std's, for one) something is from: rustc's old mangling, the new
#: one's disambiguators of crates, and the names of constants, which are hashes of their content.
_HASHES = re.compile(r"(17h)[0-9a-f]{16}(E)|(Cs)[0-9a-zA-Z]+(_)|((?:alloc|anon|vtable)[_.])[0-9a-f]{32}(\b)")


class Likeness(StrEnum):
    """The likeness of two outputs."""

    IDENTICAL = "identical"
    HASHES = "identical but for hashes in symbols"
    DIFFERS = "differs"


@dataclass(frozen=True, kw_only=True)
class Output:
    """One output of both compilers: SHA-256 and size (bytes) of each, and how they differ, where they do."""

    crate: str
    configuration: str
    kind: str
    base: str
    patched: str
    bytes: int
    verdict: Likeness
    difference: tuple[str, ...] = ()


def compare(crate: str, configuration: str, kind: str, base: bytes, patched: bytes) -> Output:
    """Compare what the base's compiler made of a crate with what the patched one made."""
    verdict, difference = Likeness.IDENTICAL, list[str]()
    if base != patched:
        old, new = (_ir(base), _ir(patched)) if kind == "llvm-ir" else (_object(base), _object(patched))
        difference = list(
            islice(difflib.unified_diff(old, new, "base", "patched", n=1, lineterm=""), _DIFFERENCE_LINES)
        )
        verdict = Likeness.DIFFERS if difference else Likeness.HASHES
    return Output(
        crate=crate,
        configuration=configuration,
        kind=kind,
        base=hashlib.sha256(base).hexdigest(),
        patched=hashlib.sha256(patched).hexdigest(),
        bytes=len(base),
        verdict=verdict,
        difference=tuple(difference),
    )


def without_hashes(text: str) -> str:
    """Text with the hashes in its symbols replaced."""
    return _HASHES.sub(lambda match: "#".join(part for part in match.groups() if part is not None), text)


def _ir(data: bytes) -> list[str]:
    return without_hashes(data.decode(errors="replace")).splitlines()


def _object(data: bytes) -> list[str]:
    """The content of an object file, a line for each section and symbol: contents by their hashes."""
    elf = ELFFile(io.BytesIO(data))
    lines = []
    for section in elf.iter_sections():
        name = without_hashes(section.name)
        if isinstance(section, SymbolTableSection):
            for symbol in section.iter_symbols():
                size, info = symbol["st_size"], symbol["st_info"]
                lines.append(f"symbol {without_hashes(symbol.name)} {info['bind']} {info['type']} {size}")
        elif isinstance(section, RelocationSection):
            for item in section.iter_relocations():
                addend = item["r_addend"] if section.is_RELA() else 0
                kind, number = item["r_info_type"], item["r_info_sym"]
                lines.append(f"relocation {name} {item['r_offset']:#x} {kind} {number} {addend}")
        elif section["sh_type"] != "SHT_STRTAB":
            content = hashlib.sha256(section.data()).hexdigest()[:16]
            lines.append(f"section {name} {section['sh_type']} {section['sh_flags']:#x} {section['sh_size']} {content}")
    return lines
