"""Finding LLVM's offload binaries in a file and taking them apart: llvm/Object/OffloadBinary.h, version 1."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.construct import ConstructError
from elftools.elf.elffile import ELFFile

from holoenzyme.errors import UserError

MAGIC = b"\x10\xff\x10\xad"
VERSION = 1
#: Where the images stand in object files and linked programs, and the names of the kernels that the host launches.
SECTION = ".llvm.offloading"
_NAMES_SECTION = ".llvm.rodata.offloading"
_ALIGNMENT = 8
_HEADER = struct.Struct("<4sIQQQ")
_ENTRY = struct.Struct("<HHIQQQQ")
_STRING = struct.Struct("<QQ")

#: The numbers of LLVM's enums `OffloadKind` and `ImageKind`.
OFFLOAD_KINDS = {0: "none", 1: "openmp", 2: "cuda", 4: "hip", 8: "sycl"}
_IMAGE_KINDS = {0: "none", 1: "object", 2: "bitcode", 3: "cubin", 4: "fatbinary", 5: "ptx", 6: "spirv"}

#: What pyelftools raises for a file that is cut off or nonsense.
ELF_ERRORS = (
    ELFError,
    ConstructError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, kw_only=True)
class Packed:
    """One offload binary: kinds, the label's strings (`triple`, `arch`, ...) and the image itself."""

    image_kind: str
    offload_kind: str
    strings: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, kw_only=True)
class OffloadBinaries:
    """The offload binaries of a file, in order, and the kernels that its host side names."""

    packed: tuple[Packed, ...]
    entries: tuple[str, ...] = ()


def find_packed(path: Path) -> OffloadBinaries:
    """The offload binaries in a linked program, an object file, an archive or an image file.

    Raises `UserError` where there are none, and for one that is damaged or of another version.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read", why=str(error), fix="name a file that is there") from error
    if data.startswith(MAGIC):
        return OffloadBinaries(packed=_unpack_all(path, "", data))
    if data.startswith(b"\x7fELF"):
        return _from_elf(path, data)
    if data.startswith(b"!<arch>\n"):
        return _from_archive(path, data)
    raise UserError(
        f"{path} is no program, object file, archive or image file",
        why=f"it begins with {data[:8]!r}",
        fix="name a linked program, or the host.out that the device pass wrote",
    )


def _from_elf(path: Path, data: bytes) -> OffloadBinaries:
    try:
        sections = [(section.name, section.data()) for section in ELFFile(io.BytesIO(data)).iter_sections()]
    except ELF_ERRORS as error:
        raise UserError(f"{path} is a damaged ELF file", why=str(error) or type(error).__name__) from error
    parts = [content for name, content in sections if name == SECTION]
    packed = tuple(item for part in parts for item in _unpack_all(path, f" in section {SECTION}", part))
    names = [content for name, content in sections if name == _NAMES_SECTION]
    entries = tuple(text.decode(errors="replace") for part in names for text in part.split(b"\0") if text)
    return _some(path, OffloadBinaries(packed=packed, entries=tuple(dict.fromkeys(entries))))


def _from_archive(path: Path, data: bytes) -> OffloadBinaries:
    # Members begin at even offsets alone, so what is aligned inside them is not aligned in the archive.
    packed, at = [], data.find(MAGIC)
    while at >= 0:
        item, size = _unpack(path, f" at byte {at}", memoryview(data)[at:])
        packed.append(item)
        at = data.find(MAGIC, at + size)
    return _some(path, OffloadBinaries(packed=tuple(packed)))


def _some(path: Path, found: OffloadBinaries) -> OffloadBinaries:
    if found.packed:
        return found
    raise UserError(
        f"{path} holds no device image",
        why=f"it has no section {SECTION}",
        fix="build it with `cargo offload build`, or with -Zoffload=Host=... and the linker offload-linker",
    )


def _unpack_all(path: Path, where: str, data: bytes) -> tuple[Packed, ...]:
    """All offload binaries of a run of bytes that holds nothing else, but for zeros that align them."""
    view, at, found = memoryview(data), 0, []
    while at < len(view):
        if not any(view[at : at + _ALIGNMENT]):
            at += _ALIGNMENT
            continue
        item, size = _unpack(path, f"{where} at byte {at}", view[at:])
        found.append(item)
        at += -(-size // _ALIGNMENT) * _ALIGNMENT
    return tuple(found)


def _unpack(path: Path, where: str, data: memoryview) -> tuple[Packed, int]:
    """The offload binary that `data` begins with, and its size."""

    def damaged(why: str) -> UserError:
        return UserError(
            f"{path}: the offload binary{where} is damaged", why=why, fix="make the file again; it may have been cut"
        )

    if len(data) < _HEADER.size:
        raise damaged(f"{len(data)} bytes are left, and a header has {_HEADER.size}")
    magic, version, size, entry_at, entry_size = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise damaged(f"it begins with {bytes(magic).hex()}, and must with {MAGIC.hex()}")
    if version != VERSION:
        raise UserError(
            f"{path}: the offload binary{where} is of version {version}",
            why=f"only version {VERSION}, of LLVM up to 22, is known",
            fix="build with the LLVM of matrix.yaml",
        )
    if size > len(data):
        raise damaged(f"it says that it has {size} bytes, and {len(data)} are there")
    if entry_size < _ENTRY.size or entry_at + _ENTRY.size > size:
        raise damaged(f"its entry ({entry_size} bytes at {entry_at}) is not inside its {size} bytes")
    image_kind, offload_kind, _, strings_at, count, image_at, image_size = _ENTRY.unpack_from(data, entry_at)
    if image_at + image_size > size:
        raise damaged(f"its image ({image_size} bytes at {image_at}) is not inside its {size} bytes")
    if strings_at + count * _STRING.size > size:
        raise damaged(f"its {count} strings (at {strings_at}) are not inside its {size} bytes")

    def text(at: int) -> str:
        if at >= size:
            raise damaged(f"a string (at {at}) is not inside its {size} bytes")
        return bytes(data[at:size]).split(b"\0", 1)[0].decode(errors="replace")

    pairs = [_STRING.unpack_from(data, strings_at + number * _STRING.size) for number in range(count)]
    return Packed(
        image_kind=_IMAGE_KINDS.get(image_kind, f"kind {image_kind}"),
        offload_kind=OFFLOAD_KINDS.get(offload_kind, f"kind {offload_kind}"),
        strings={text(key): text(value) for key, value in pairs},
        content=bytes(data[image_at : image_at + image_size]),
    ), size
