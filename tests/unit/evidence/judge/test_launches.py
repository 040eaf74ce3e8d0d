"""The runtime's own words about launches: what they prove, and what a wrong device looks like in them."""

from __future__ import annotations

import pytest

from holoenzyme.evidence.judge.launches import judge_launches, read_launches
from holoenzyme.evidence.judge.output import DeviceLine

PREFIX = "__offload_kernel_"
HOST = [DeviceLine(device=0, uid="x86_64-0"), DeviceLine(device=1, uid="x86_64-1")]
GPU = [DeviceLine(device=0, uid="CUDA-GPU-0123"), DeviceLine(device=1, uid="x86_64-0")]


def launched(device: int, kernel: str, *, inner: int = 0, grid: str = "[1,1,1]", mode: str = "Generic") -> str:
    """What LIBOMPTARGET_INFO=17 prints for one launch; `inner` is the plugin's own number for the device."""
    return (
        f"omptarget device {device} info: Entering OpenMP kernel at unknown:0:0 with 2 arguments:\n"
        f"omptarget device {device} info: firstprivate(unknown)[8] (implicit)\n"
        f'"PluginInterface" device {inner} info: Launching kernel {kernel} with {grid} blocks and [32,1,1] threads in '
        f"{mode} mode\n"
    )


def test_launches_are_counted_by_kernel_and_device() -> None:
    text = launched(0, "saxpy") + "another line\n" + launched(1, "saxpy", inner=1) + launched(0, "saxpy")
    found = read_launches(text, HOST, PREFIX)
    assert [(one.kernel, one.device, one.uid, one.count) for one in found] == [
        ("saxpy", 0, "x86_64-0", 2),
        ("saxpy", 1, "x86_64-1", 1),
    ]
    assert (found[0].blocks, found[0].threads, found[0].mode) == ("1,1,1", "32,1,1", "Generic")
    assert judge_launches(found, {"saxpy": 3}, "cpu") == ()
    assert judge_launches(found, {"saxpy": {0: 2, 1: 1}}, "cpu") == ()


def test_kernels_are_named_as_in_the_program() -> None:
    found = read_launches(launched(0, "__offload_kernel_exp") + launched(0, "exp"), HOST, PREFIX)
    assert [(one.kernel, one.count) for one in found] == [("exp", 2)]


def test_a_gpu_runs_bare_kernels() -> None:
    found = read_launches(launched(0, "saxpy", grid="[4,1,1]", mode="BARE"), GPU, PREFIX)
    assert judge_launches(found, {"saxpy": 1}, "cuda") == ()
    (problem,) = judge_launches(found, {"saxpy": 1}, "rocm")
    assert problem == "saxpy ran on the wrong device: 0 is CUDA-GPU-0123, and one of kind rocm is meant"


def test_the_virtual_host_device_does_not_pass_for_a_gpu() -> None:
    found = read_launches(launched(1, "saxpy"), GPU, PREFIX)
    wrong, mode = judge_launches(found, {"saxpy": 1}, "cuda")
    assert wrong == "saxpy ran on the wrong device: 1 is x86_64-0, and one of kind cuda is meant"
    assert mode == "saxpy ran in mode Generic on x86_64-0: kernels of Rust are bare"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the runtime launched saxpy 0 times, and 1 are expected"),
        (launched(0, "saxpy") * 2, "the runtime launched saxpy 2 times, and 1 are expected"),
        (launched(0, "saxpy") + launched(0, "other"), "the runtime launched other 1 times, and 0 are expected"),
        (launched(7, "saxpy"), "saxpy ran on device 7, which the program does not name"),
    ],
)
def test_what_differs_is_said(text: str, problem: str) -> None:
    assert judge_launches(read_launches(text, HOST, PREFIX), {"saxpy": 1}, "cpu") == (problem,)


def test_the_devices_may_matter() -> None:
    (problem,) = judge_launches(read_launches(launched(0, "mark") * 2, HOST, PREFIX), {"mark": {0: 1, 1: 1}}, "cpu")
    assert problem == "the runtime launched mark on device: times {0: 2}, and {0: 1, 1: 1} is expected"
