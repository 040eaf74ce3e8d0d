"""What device images a file holds. The files in `images/` are real ones: `images/make.sh` made them."""

from __future__ import annotations

import json
import random
import re
import struct
from pathlib import Path

import pytest

from holoenzyme.cli import inspect as command
from holoenzyme.errors import UserError
from holoenzyme.execute import inspect_kernels
from holoenzyme.execute.inspect import Argument, Device, Format, Kernel, inspect, inspect_images
from holoenzyme.execute.inspect_kernels import amd_processor, cuda_processor

IMAGES = Path(__file__).parent / "images"
PROGRAM, HOST_OUT = IMAGES / "program", IMAGES / "host.out"
KERNELS = ("nothing", "saxpy", "widths")


def arguments(*pairs: tuple[int, int], kinds: str = "") -> tuple[Argument, ...]:
    """Arguments by offset and size; for AMD with their kinds, `v` by value and `b` a buffer."""
    names = {"v": "by_value", "b": "global_buffer"}
    told = [names[kind] for kind in kinds] if kinds else [None] * len(pairs)
    return tuple(Argument(offset=at, size=size, kind=kind) for (at, size), kind in zip(pairs, told, strict=True))


SAXPY = ((0, 8), (8, 8), (16, 8), (24, 8), (32, 8))
WIDTHS = ((0, 1), (2, 2), (4, 4), (8, 8), (16, 4), (24, 8))


def test_a_linked_program() -> None:
    inspection = inspect(PROGRAM)
    assert inspection.problems == ()
    assert sorted(inspection.entries) == sorted(KERNELS)
    found = [(image.triple, image.arch, image.device, image.machine, image.processor) for image in inspection.images]
    # The linker wrapper puts them into the order of their triples, the last one first.
    assert found == [
        ("x86_64-unknown-linux-gnu", "", Device.HOST, 62, None),
        ("nvptx64-nvidia-cuda", "sm_90", Device.CUDA, 190, "sm_90"),
        ("amdgcn-amd-amdhsa", "gfx90a", Device.AMDGPU, 224, "gfx90a"),
    ]
    for image in inspection.images:
        assert (image.kind, image.producer, image.format) == ("object", "openmp", Format.ELF)
        assert tuple(kernel.name for kernel in image.kernels) == KERNELS


def test_arguments_of_nvidias_kernels() -> None:
    image = inspect(PROGRAM).device_image("sm_90")
    assert image.kernel("saxpy") == Kernel(name="saxpy", size=40, arguments=arguments(*SAXPY))
    assert image.kernel("widths") == Kernel(name="widths", size=32, arguments=arguments(*WIDTHS))
    assert image.kernel("nothing") == Kernel(name="nothing", size=0, arguments=())


def test_arguments_of_amds_kernels() -> None:
    image = inspect(PROGRAM).device_image("amdgpu")
    assert image.kernel("saxpy") == Kernel(name="saxpy", size=40, arguments=arguments(*SAXPY, kinds="vbvbv"))
    assert image.kernel("widths") == Kernel(name="widths", size=32, arguments=arguments(*WIDTHS, kinds="vvvvvb"))
    assert image.kernel("nothing") == Kernel(name="nothing", size=0, arguments=())


def test_functions_of_the_host_are_kernels_where_the_host_launches_them() -> None:
    image = inspect(PROGRAM).device_image("host")
    assert image.kernel("saxpy") == Kernel(name="saxpy")
    with pytest.raises(UserError, match="has no kernel 'helper'") as caught:
        image.kernel("helper")
    assert caught.value.why == "its kernels: nothing, saxpy, widths"
    assert "helper" in {kernel.name for kernel in inspect(HOST_OUT).device_image("host").kernels}


def test_kernels_are_named_as_in_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect_kernels, "KERNEL_PREFIX", "sax")
    inspection = inspect(PROGRAM)
    assert inspection.problems == ()
    assert sorted(inspection.entries) == ["nothing", "py", "widths"]
    for image in inspection.images:
        assert sorted(kernel.name for kernel in image.kernels) == ["nothing", "py", "widths"]


def test_a_file_of_device_passes() -> None:
    inspection = inspect(HOST_OUT)
    assert inspection.entries == ()
    assert inspection.problems == ()
    found = [(image.triple, image.arch, image.format, image.device) for image in inspection.images]
    assert found == [
        ("nvptx64-nvidia-cuda", "sm_90", Format.BITCODE, None),
        ("amdgcn-amd-amdhsa", "gfx90a", Format.BITCODE, None),
        ("x86_64-unknown-linux-gnu", "generic", Format.ELF, Device.HOST),
    ]
    assert inspect_images(HOST_OUT) == inspection.images


def test_an_archive(tmp_path: Path) -> None:
    archive = tmp_path / "libkernels.a"
    content = b"odd" + HOST_OUT.read_bytes()
    archive.write_bytes(b"!<arch>\n" + f"{'a.o/':<48}{len(content):<10}`\n".encode() + content)
    assert inspect_images(archive) == inspect_images(HOST_OUT)


def test_which_image() -> None:
    with pytest.raises(UserError, match="no images for 'gfx942'") as caught:
        inspect(PROGRAM).device_image("gfx942")
    assert "image 1 (nvptx64-nvidia-cuda sm_90)" in str(caught.value.why)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"\0sm_90\0", b"\0sm_80\0", "image 1 (nvptx64-nvidia-cuda sm_80): its content is for sm_90"),
        (
            b"amdgcn-amd-amdhsa\0",
            b"nvptx64-nvidia-x\0\0",
            "image 2 (nvptx64-nvidia-x gfx90a): its content is for amdgpu",
        ),
        (
            b"\0saxpy\0widths\0nothing\0",
            b"\0saxpy\0widthz\0nothing\0",
            "image 1 (nvptx64-nvidia-cuda sm_90): no kernel 'widthz', which the host launches",
        ),
    ],
)
def test_what_does_not_fit_together(tmp_path: Path, old: bytes, new: bytes, problem: str) -> None:
    data = PROGRAM.read_bytes()
    assert old in data
    changed = tmp_path / "changed"
    changed.write_bytes(data.replace(old, new))
    assert problem in inspect(changed).problems


def test_an_image_for_another_runtime(tmp_path: Path) -> None:
    data = bytearray(HOST_OUT.read_bytes())
    (entry,) = struct.unpack_from("<Q", data, 16)
    struct.pack_into("<H", data, entry + 2, 2)
    (tmp_path / "hip").write_bytes(data)
    assert inspect(tmp_path / "hip").problems == (
        "image 0 (nvptx64-nvidia-cuda sm_90): it is for cuda, and libomptarget takes openmp",
    )


@pytest.mark.parametrize(
    ("at", "value", "text"),
    [
        (4, 2, "is of version 2"),
        (8, 1 << 40, "says that it has 1099511627776 bytes"),
        (16, 1 << 40, "its entry"),
        (24, 8, r"its entry \(8 bytes at "),
    ],
)
def test_damaged_headers(tmp_path: Path, at: int, value: int, text: str) -> None:
    data = bytearray(HOST_OUT.read_bytes())
    struct.pack_into("<I" if at == 4 else "<Q", data, at, value)
    (tmp_path / "bad").write_bytes(data)
    with pytest.raises(UserError) as caught:
        inspect(tmp_path / "bad")
    assert str(tmp_path / "bad") in caught.value.what
    assert re.search(text, str(caught.value))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is no program, object file, archive or image file"),
        (b"#!/bin/sh\n", "is no program, object file, archive or image file"),
        (b"\x7fELF", "is a damaged ELF file"),
        (b"!<arch>\n", "holds no device image"),
        (b"\x10\xff\x10\xad\x01", "5 bytes are left, and a header has 32"),
    ],
)
def test_other_files(tmp_path: Path, content: bytes, text: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(UserError, match="file") as caught:
        inspect(tmp_path / "file")
    assert text in str(caught.value)


def test_a_program_without_images(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(PROGRAM.read_bytes().replace(b".llvm.offloading\0", b".llvm.something!\0"))
    with pytest.raises(UserError, match="holds no device image") as caught:
        inspect(tmp_path / "plain")
    assert "cargo offload build" in str(caught.value.fix)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing cannot be read"):
        inspect(tmp_path / "nothing")


@pytest.mark.parametrize("file", [PROGRAM, HOST_OUT], ids=lambda path: path.name)
def test_damage_is_never_a_surprise(tmp_path: Path, file: Path) -> None:
    """Cut off or changed anywhere, a file is read, or refused with a message."""
    data, chance = file.read_bytes(), random.Random(4)
    damaged = [data[: chance.randrange(len(data))] for _ in range(40)]
    for _ in range(300):
        changed = bytearray(data)
        for _ in range(3):
            changed[chance.randrange(len(changed))] = chance.choice((0, 1, 127, 255))
        damaged.append(bytes(changed))
    refused = 0
    for content in damaged:
        (tmp_path / "damaged").write_bytes(content)
        try:
            inspect(tmp_path / "damaged")
        except UserError:
            refused += 1
    assert refused > 30


def test_processors() -> None:
    assert cuda_processor(8, 0x6005A04) == "sm_90"
    assert cuda_processor(8, 0x6006402) == "sm_100"
    assert cuda_processor(7, 0x5A055A) == "sm_90"
    assert amd_processor(0x53F) == "gfx90a"
    assert amd_processor(0x4C) == "gfx942"
    assert amd_processor(0x5F) == "gfx9-4-generic"
    assert amd_processor(0x27) == "processor 0x27"


@pytest.mark.parametrize("machine", [243, 62])
def test_the_machine_decides(tmp_path: Path, machine: int) -> None:
    data = bytearray(PROGRAM.read_bytes())
    at = data.index(b"\x7fELF\x02\x01\x01\x40")
    struct.pack_into("<H", data, at + 18, machine)
    (tmp_path / "file").write_bytes(data)
    if machine == 62:
        assert "image 2 (amdgcn-amd-amdhsa gfx90a): its content is for host" in inspect(tmp_path / "file").problems
    else:
        with pytest.raises(UserError, match="image 2: its content is for the unknown ELF machine 243"):
            inspect(tmp_path / "file")


# The command


def test_the_command(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run([str(PROGRAM)], root) == 0
    shown = capsys.readouterr().out
    assert "0+8 by_value, 8+8 global_buffer" in shown
    assert "cuda (190)" in shown
    assert command.run([str(PROGRAM), "--json"], root) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["schema"], data["problems"], len(data["images"])) == (1, [], 3)
    assert data["images"][1]["kernels"][1]["arguments"][1] == {"offset": 8, "size": 8, "kind": None}


def test_the_command_says_what_does_not_fit(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "changed").write_bytes(PROGRAM.read_bytes().replace(b"\0sm_90\0", b"\0sm_80\0"))
    assert command.run([str(tmp_path / "changed")], root) == 1
    assert "image 1 (nvptx64-nvidia-cuda sm_80): its content is for sm_90" in capsys.readouterr().out
