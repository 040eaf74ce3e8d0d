"""The device images in a file: for which devices, with which kernels, and how each kernel takes its arguments.

The file is a linked program, an object file, an archive, or an image file of a device pass (`host.out`). Nothing is
run, and no tool is needed: what is read are LLVM's offload binaries and the ELF files in them.

    inspection = inspect(Path("target/release/saxpy"))
    inspection.problems                       # () where everything fits together
    image = inspection.device_image("sm_90")  # by architecture, or by the kind of device: "cuda", "amdgpu", "host"
    image.kernel("saxpy").arguments           # offset, size and kind of each
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from holoenzyme.errors import UserError
from holoenzyme.execute.inspect_container import OFFLOAD_KINDS, OffloadBinaries, Packed, find_packed
from holoenzyme.execute.inspect_kernels import Argument, Device, Kernel, kernel_name, read_device

__all__ = ["Argument", "Device", "DeviceImage", "Format", "Inspection", "Kernel", "inspect", "inspect_images"]

#: How LLVM's bitcode begins, alone and in a wrapper.
_BITCODE = (b"BC\xc0\xde", b"\xde\xc0\x17\x0b")
_ELF = b"\x7fELF"
#: The architecture that is written into an image for the host's own processor.
_NO_ARCH = ("", "generic")
_DEVICE_OF_TRIPLE = {"nvptx64": Device.CUDA, "nvptx": Device.CUDA, "amdgcn": Device.AMDGPU, "x86_64": Device.HOST}


class Format(StrEnum):
    """The form of an image's content. Only linked images, ELF files, tell their kernels."""

    ELF = "elf"
    BITCODE = "bitcode"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class DeviceImage:
    """One image: what its label says (`triple`, `arch`, `kind`, `producer`), and what its content is.

    `device`, `machine` (of ELF), `processor` and `kernels` come from the content; they are none, none, none and empty
    where that is not a linked image. `processor` is `sm_90` or `gfx90a`, and none for the host's own.
    """

    number: int
    triple: str
    arch: str
    kind: str
    producer: str
    format: Format
    size: int
    device: Device | None = None
    machine: int | None = None
    flags: int | None = None
    processor: str | None = None
    kernels: tuple[Kernel, ...] = ()

    @property
    def name(self) -> str:
        """How messages name it."""
        return f"image {self.number} ({self.triple} {self.arch or 'without architecture'})"

    @property
    def problems(self) -> tuple[str, ...]:
        """Contradictions of content and label; the runtime goes by the label, the device by the content."""
        found = []
        wanted = _DEVICE_OF_TRIPLE.get(self.triple.split("-")[0])
        if self.device is not None and wanted is not None and self.device is not wanted:
            found.append(f"{self.name}: its content is for {self.device}")
        elif self.processor is not None and self.arch.split(":")[0] not in (*_NO_ARCH, self.processor):
            found.append(f"{self.name}: its content is for {self.processor}")
        if self.producer != OFFLOAD_KINDS[1]:
            found.append(f"{self.name}: it is for {self.producer}, and libomptarget takes {OFFLOAD_KINDS[1]}")
        return tuple(found)

    def kernel(self, name: str) -> Kernel:
        """A kernel by its symbol; raises `UserError` where there is none."""
        for kernel in self.kernels:
            if kernel.name == name:
                return kernel
        have = ", ".join(kernel.name for kernel in self.kernels) or "none"
        raise UserError(f"{self.name} has no kernel {name!r}", why=f"its kernels: {have}")


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """The images of a file, in its order, and the kernels that its host side launches (`entries`).

    The order decides the numbers of devices. Entries are known in object files and linked programs alone.
    """

    path: Path
    images: tuple[DeviceImage, ...]
    entries: tuple[str, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """Contradictions in words: of labels and contents, and kernels that an image lacks."""
        found = [problem for image in self.images for problem in image.problems]
        for image in self.images:
            if image.format is Format.ELF:
                there = {kernel.name for kernel in image.kernels}
                missing = [entry for entry in self.entries if entry not in there]
                found += [f"{image.name}: no kernel {entry!r}, which the host launches" for entry in missing]
        return tuple(found)

    def device_image(self, wanted: str) -> DeviceImage:
        """The image for an architecture (`sm_90`) or a kind of device (`cuda`, `amdgpu`, `host`).

        Raises `UserError` unless there is exactly one.
        """
        found = [image for image in self.images if wanted in (image.arch.split(":")[0], image.processor, image.device)]
        if len(found) == 1:
            return found[0]
        have = ", ".join(image.name for image in self.images)
        raise UserError(f"{self.path}: {len(found) or 'no'} images for {wanted!r}", why=f"it has {have}")


def inspect(path: Path) -> Inspection:
    """Read all images of a file.

    Raises `UserError` where the file has none, or where one is damaged or of a version that is not known.
    """
    found = find_packed(path)
    images = tuple(_image(path, number, packed, found) for number, packed in enumerate(found.packed))
    return Inspection(path=path, images=images, entries=tuple(kernel_name(entry) for entry in found.entries))


def inspect_images(path: Path) -> tuple[DeviceImage, ...]:
    """The images of a file alone; see `inspect`."""
    return inspect(path).images


def _image(path: Path, number: int, packed: Packed, found: OffloadBinaries) -> DeviceImage:
    image = DeviceImage(
        number=number,
        triple=packed.strings.get("triple", ""),
        arch=packed.strings.get("arch", ""),
        kind=packed.image_kind,
        producer=packed.offload_kind,
        format=Format.BITCODE if packed.content.startswith(_BITCODE) else Format.OTHER,
        size=len(packed.content),
    )
    if not packed.content.startswith(_ELF):
        return image
    device = read_device(f"{path}: image {number}", packed.content)
    kernels = device.kernels
    if device.device is Device.HOST and found.entries:
        # Of an ELF file for the host only the functions are known; which of them are kernels, the host's side tells.
        kernels = tuple(kernel for kernel in kernels if kernel.name in found.entries)
    return replace(
        image,
        format=Format.ELF,
        device=device.device,
        machine=device.machine,
        flags=device.flags,
        processor=device.processor,
        kernels=tuple(replace(kernel, name=kernel_name(kernel.name)) for kernel in kernels),
    )
