"""The offload runtime's own record of kernel launches, which proves where kernels ran. Pure.

A program may say what it likes, and `OMP_TARGET_OFFLOAD=MANDATORY` is satisfied by the virtual host device too. What
the runtime prints when it launches a kernel (`LIBOMPTARGET_INFO`) is the proof: kernel, device and grid.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from holoenzyme.evidence.judge.output import DeviceLine

#: What makes the runtime say what it launches, where (1: entry with the device's number, 16: the kernel's name), and
#: refuse to run a kernel on the host instead of a device.
ENVIRONMENT = {"LIBOMPTARGET_INFO": "17", "OMP_TARGET_OFFLOAD": "MANDATORY"}

_LINE = re.compile(
    r"omptarget device (?P<device>\d+) info: Entering OpenMP kernel"
    r"|Launching kernel (?P<kernel>\S+) with \[(?P<blocks>[\d,]+)\] blocks and \[(?P<threads>[\d,]+)\] threads"
    r" in (?P<mode>\S+) mode"
)
#: What the runtime's name for a device begins with, by the kind of target.
_UID = {"cpu": ("x86_64-", "aarch64-"), "cuda": ("CUDA-",), "rocm": ("AMDGPU-",)}


class Launch(BaseModel):
    """One kernel on one device, `count` times with this grid: the runtime's words for all of it.

    The virtual host device is said to have one block and one thread in mode `Generic`: the grid is the program's own
    there. `mode` is `BARE` on a GPU.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kernel: str
    device: int
    uid: str
    blocks: str
    threads: str
    mode: str
    count: int


def read_launches(messages: str, devices: Sequence[DeviceLine], prefix: str) -> tuple[Launch, ...]:
    """The launches that the runtime reports; `devices` are the program's, for the names.

    `prefix` is what a kernel's symbol has before its name in the program.
    """
    uids = {line.device: line.uid for line in devices}
    device = -1
    found: Counter[tuple[str, int, str, str, str]] = Counter()
    for match in _LINE.finditer(messages):
        if match["device"] is not None:
            device = int(match["device"])
        else:
            name = match["kernel"].removeprefix(prefix)
            found[name, device, match["blocks"], match["threads"], match["mode"]] += 1
    return tuple(
        Launch(
            kernel=kernel,
            device=number,
            uid=uids.get(number, ""),
            blocks=blocks,
            threads=threads,
            mode=mode,
            count=count,
        )
        for (kernel, number, blocks, threads, mode), count in found.items()
    )


def judge_launches(
    launches: Sequence[Launch], expected: Mapping[str, int | Mapping[int, int]], kind: str
) -> tuple[str, ...]:
    """The faults of launches, in device and number, for a target of this kind; none where they are right.

    `expected` has for each kernel how often it is launched, altogether or on each device.
    """
    problems = []
    counts: dict[str, Counter[int]] = {}
    for launch in launches:
        counts.setdefault(launch.kernel, Counter())[launch.device] += launch.count
        if not launch.uid:
            problems.append(f"{launch.kernel} ran on device {launch.device}, which the program does not name")
        elif not launch.uid.startswith(_UID[kind]):
            problems.append(
                f"{launch.kernel} ran on the wrong device: {launch.device} is {launch.uid}, and one of kind {kind} is "
                f"meant"
            )
        if kind != "cpu" and launch.mode != "BARE":
            problems.append(f"{launch.kernel} ran in mode {launch.mode} on {launch.uid}: kernels of Rust are bare")
    for kernel in sorted({*expected, *counts}):
        wanted, found = expected.get(kernel, 0), counts.get(kernel, Counter())
        if isinstance(wanted, int):
            if found.total() != wanted:
                problems.append(f"the runtime launched {kernel} {found.total()} times, and {wanted} are expected")
        elif dict(found) != dict(wanted):
            problems.append(
                f"the runtime launched {kernel} on device: times {dict(sorted(found.items()))}, and "
                f"{dict(sorted(wanted.items()))} is expected"
            )
    return tuple(problems)
