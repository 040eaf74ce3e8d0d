"""Reading a linked device image: for which processor it is, which kernels it has, how they take their arguments.

NVIDIA's cubins say it in sections `.nv.info.KERNEL`, which are not documented by their maker: the numbers here are
those that `ptxas` writes. AMD's code objects say it in a note (https://llvm.org/docs/AMDGPUUsage.html, "Code Object V5
Metadata"). A shared library for the host says nothing about arguments.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgpack
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection, SymbolTableSection

from holoenzyme.errors import UserError
from holoenzyme.execute.inspect_container import ELF_ERRORS

#: What rustc puts before a kernel's name in its symbol (rustc's patch 0012), so that none is taken for libc's `exp`.
KERNEL_PREFIX = "__offload_kernel_"
#: Numbers of ELF machines.
EM_X86_64, EM_CUDA, EM_AMDGPU = 62, 190, 224
_ELFCLASS64 = 2
#: Where `st_other` stands in a symbol of a 64-bit ELF file.
_ST_OTHER = 5


class Device(StrEnum):
    """The device of an image, by its ELF machine."""

    CUDA = "cuda"
    AMDGPU = "amdgpu"
    HOST = "host"


_DEVICES = {EM_CUDA: Device.CUDA, EM_AMDGPU: Device.AMDGPU, EM_X86_64: Device.HOST}


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One argument, in bytes from the beginning of the argument buffer.

    `kind` is AMD's `value_kind` (`by_value`, `global_buffer`, ...); NVIDIA's images do not tell it.
    """

    offset: int
    size: int
    kind: str | None = None


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """A kernel: its symbol, the size of its argument buffer, and its arguments in order.

    In an `Inspection`, its name in the program stands for its symbol. Size and arguments are none where the image does
    not tell. `hidden` are those that the runtime fills in on its own.
    """

    name: str
    size: int | None = None
    arguments: tuple[Argument, ...] | None = None
    hidden: tuple[Argument, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DeviceFile:
    """An ELF file for a device. `machine` and `flags` are those of its header."""

    device: Device
    machine: int
    flags: int
    processor: str | None
    kernels: tuple[Kernel, ...]


def kernel_name(symbol: str) -> str:
    """The name in the program of the kernel with this symbol."""
    return symbol.removeprefix(KERNEL_PREFIX)


def read_device(name: str, content: bytes) -> DeviceFile:
    """Read the ELF file in an image; `name` is how messages name it.

    Raises `UserError` for a file that is damaged, and for a machine that is not known.
    """
    if len(content) < 64 or content[4] != _ELFCLASS64:
        raise UserError(f"{name}: its content is no 64-bit ELF file", why=f"it has {len(content)} bytes")
    (machine,) = struct.unpack_from("<H", content, 18)
    (flags,) = struct.unpack_from("<I", content, 48)
    try:
        elf = ELFFile(io.BytesIO(content))
        processor, kernels = _read(name, elf, machine, content[8], flags)
    except (*ELF_ERRORS, msgpack.exceptions.UnpackException, struct.error) as error:
        raise UserError(
            f"{name}: its content is a damaged ELF file",
            why=f"{type(error).__name__}: {error}",
            fix="link the program again",
        ) from error
    return DeviceFile(
        device=_DEVICES[machine], machine=machine, flags=flags, processor=processor, kernels=tuple(kernels)
    )


def _read(name: str, elf: ELFFile, machine: int, abi: int, flags: int) -> tuple[str | None, list[Kernel]]:
    if machine == EM_CUDA:
        return cuda_processor(abi, flags), _cuda_kernels(name, elf)
    if machine == EM_AMDGPU:
        return _amd(name, elf, flags)
    if machine == EM_X86_64:
        return None, _host_functions(elf)
    known = ", ".join(f"{number} ({device})" for number, device in _DEVICES.items())
    raise UserError(f"{name}: its content is for the unknown ELF machine {machine}", why=f"known: {known}")


def _functions(elf: ELFFile, *, dynamic: bool = False) -> dict[str, int]:
    """The defined, global functions of a symbol table, in the order of their names, each with its `st_other`."""
    wanted, found = "SHT_DYNSYM" if dynamic else "SHT_SYMTAB", {}
    for table in elf.iter_sections():
        if not isinstance(table, SymbolTableSection) or table["sh_type"] != wanted:
            continue
        # pyelftools drops the bits of st_other that NVIDIA uses.
        others = table.data()[_ST_OTHER :: table["sh_entsize"]]
        for symbol, other in zip(table.iter_symbols(), others, strict=True):
            info = symbol["st_info"]
            defined = symbol["st_shndx"] != "SHN_UNDEF"
            if defined and info["type"] == "STT_FUNC" and info["bind"] in ("STB_GLOBAL", "STB_WEAK"):
                found[symbol.name] = other
    return dict(sorted(found.items()))


def _host_functions(elf: ELFFile) -> list[Kernel]:
    """Every function that a library exports; for an object file, every global one."""
    return [Kernel(name=symbol) for symbol in _functions(elf, dynamic=True) or _functions(elf)]


# NVIDIA

#: The ABI version from which on the processor stands in the second byte of the flags, not in the first.
_CUDA_ABI_2 = 8
#: The bit in a symbol's `st_other` that tells a kernel from other functions.
_CUDA_ENTRY = 0x10
#: Attributes of `.nv.info.KERNEL`, and the format of those that have a size.
_SIZED, _KNOWN_FORMATS = 4, (1, 2, 3, 4)
_PARAMETER, _PARAMETERS_SIZE = 0x17, 0x19
#: Index, ordinal, offset; then alignment, space, bank and, in the 14 uppermost bits, the size.
_PARAMETER_INFO = struct.Struct("<IHHI")


def cuda_processor(abi: int, flags: int) -> str:
    """`sm_90`, from the ABI version and the flags of a cubin's header."""
    return f"sm_{(flags >> 8 if abi >= _CUDA_ABI_2 else flags) & 0xFF}"


def _cuda_kernels(name: str, elf: ELFFile) -> list[Kernel]:
    kernels = []
    for symbol, other in _functions(elf).items():
        if not other & _CUDA_ENTRY:
            continue
        section = elf.get_section_by_name(f".nv.info.{symbol}")
        if section is None:
            kernels.append(Kernel(name=symbol))
            continue
        parameters, size = [], 0
        for attribute, payload in _attributes(f"{name}: {section.name}", section.data()):
            if attribute == _PARAMETERS_SIZE:
                (size,) = struct.unpack("<H", payload)
            elif attribute == _PARAMETER:
                _, ordinal, offset, packed = _PARAMETER_INFO.unpack(payload)
                parameters.append((ordinal, Argument(offset=offset, size=packed >> 18)))
        arguments = tuple(argument for _, argument in sorted(parameters, key=lambda item: item[0]))
        # Without a record of any parameter, those that fill the buffer are told in a way that is not known here.
        kernels.append(Kernel(name=symbol, size=size, arguments=None if size and not arguments else arguments))
    return kernels


def _attributes(where: str, data: bytes) -> Iterator[tuple[int, bytes]]:
    """The attributes of a section `.nv.info`: a number, and what belongs to it."""
    at = 0
    while at < len(data):
        if at + 4 > len(data) or data[at] not in _KNOWN_FORMATS:
            raise UserError(
                f"{where} has an attribute of the unknown format {data[at]}",
                why=f"known: {_KNOWN_FORMATS}; byte {at} of {len(data)}",
                fix="use the ptxas of matrix.lock",
            )
        size = struct.unpack_from("<H", data, at + 2)[0] if data[at] == _SIZED else -2
        yield data[at + 1], data[at + 4 : at + 4 + size] if size >= 0 else data[at + 2 : at + 4]
        at += 4 + max(size, 0)


# AMD

_METADATA_NOTE = 32
#: EF_AMDGPU_MACH, all that LLVM 22 knows (llvm/BinaryFormat/ELF.h), so that a new target needs nothing here.
_AMD_MASK = 0xFF
_AMD_PROCESSORS = {
    0x20: "gfx600",
    0x21: "gfx601",
    0x22: "gfx700",
    0x23: "gfx701",
    0x24: "gfx702",
    0x25: "gfx703",
    0x26: "gfx704",
    0x28: "gfx801",
    0x29: "gfx802",
    0x2A: "gfx803",
    0x2B: "gfx810",
    0x2C: "gfx900",
    0x2D: "gfx902",
    0x2E: "gfx904",
    0x2F: "gfx906",
    0x30: "gfx908",
    0x31: "gfx909",
    0x32: "gfx90c",
    0x33: "gfx1010",
    0x34: "gfx1011",
    0x35: "gfx1012",
    0x36: "gfx1030",
    0x37: "gfx1031",
    0x38: "gfx1032",
    0x39: "gfx1033",
    0x3A: "gfx602",
    0x3B: "gfx705",
    0x3C: "gfx805",
    0x3D: "gfx1035",
    0x3E: "gfx1034",
    0x3F: "gfx90a",
    0x41: "gfx1100",
    0x42: "gfx1013",
    0x43: "gfx1150",
    0x44: "gfx1103",
    0x45: "gfx1036",
    0x46: "gfx1101",
    0x47: "gfx1102",
    0x48: "gfx1200",
    0x49: "gfx1250",
    0x4A: "gfx1151",
    0x4C: "gfx942",
    0x4E: "gfx1201",
    0x4F: "gfx950",
    0x51: "gfx9-generic",
    0x52: "gfx10-1-generic",
    0x53: "gfx10-3-generic",
    0x54: "gfx11-generic",
    0x55: "gfx1152",
    0x58: "gfx1153",
    0x59: "gfx12-generic",
    0x5A: "gfx1251",
    0x5F: "gfx9-4-generic",
}


def amd_processor(flags: int) -> str:
    """`gfx90a`, from the flags of a code object's header; the number where its name is not known here."""
    return _AMD_PROCESSORS.get(flags & _AMD_MASK, f"processor {flags & _AMD_MASK:#x}")


def _amd(name: str, elf: ELFFile, flags: int) -> tuple[str, list[Kernel]]:
    for section in elf.iter_sections():
        if not isinstance(section, NoteSection):
            continue
        note: Any  # pyelftools gives a number that it has no name for as it is
        for note in section.iter_notes():
            if note["n_name"] == "AMDGPU" and note["n_type"] == _METADATA_NOTE:
                return _amd_metadata(name, msgpack.unpackb(note["n_descdata"], strict_map_key=False), flags)
    raise UserError(
        f"{name}: an AMD code object without metadata",
        why=f"it has no note AMDGPU of type {_METADATA_NOTE}, which tells the kernels",
        fix="link the program again",
    )


def _amd_metadata(name: str, metadata: Any, flags: int) -> tuple[str, list[Kernel]]:
    processor = amd_processor(flags)
    told = str(metadata.get("amdhsa.target", processor)).rsplit("--", 1)[-1].split(":")[0]
    if told != processor and flags & _AMD_MASK in _AMD_PROCESSORS:
        raise UserError(f"{name}: its header says {processor}, its metadata says {told}", fix="link the program again")
    kernels = []
    for kernel in metadata["amdhsa.kernels"]:
        arguments = [
            Argument(offset=item[".offset"], size=item[".size"], kind=item[".value_kind"])
            for item in kernel.get(".args", ())
        ]
        kernels.append(
            Kernel(
                name=kernel[".name"],
                size=kernel[".kernarg_segment_size"],
                arguments=tuple(item for item in arguments if not str(item.kind).startswith("hidden_")),
                hidden=tuple(item for item in arguments if str(item.kind).startswith("hidden_")),
            )
        )
    return told, sorted(kernels, key=lambda kernel: kernel.name)
