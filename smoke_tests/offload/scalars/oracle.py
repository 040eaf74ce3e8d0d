"""The bits of what `src/main.rs` sends, in the order of the kernel's table."""

from __future__ import annotations

from struct import pack, unpack


def _float(number: float, wide: bool) -> int:
    """The bits of an f64 or f32."""
    return int(unpack("<Q" if wide else "<I", pack("<d" if wide else "<f", number))[0])


def _halves(sent: list[int]) -> list[float]:
    """The lower and the upper 32 bits of each number, which is taken modulo 2^64."""
    return [float(half) for number in sent for half in (number & 0xFFFFFFFF, number >> 32 & 0xFFFFFFFF)]


_SENT: dict[str, list[int]] = {
    "negative": [
        *(1, -1, 0x81, -2, 0x8001, -3, 0x80000001, _float(-0.1, wide=False), -4, 0x8000000000000001),
        *(_float(-0.1, wide=True), 0x0123456789ABCDEF, 0x1F980),
    ],
    "extreme": [
        *(0, -(2**7), 2**8 - 1, -(2**15), 2**16 - 1, -(2**31), 2**32 - 1, 0x00800000, -(2**63), 2**64 - 1),
        *(0x0010000000000000, 2**64 - 1, 0x10FFFF),
    ],
    "not a number": [
        *(1, 2**7 - 1, 1, 2**15 - 1, 1, 2**31 - 1, 1, 0xFFC12345, 2**63 - 1, 1),
        *(0x7FF8DEADBEEFCAFE, 1, 0x61),
    ],
    "zero": [0, 0, 0, 0, 0, 0, 0, 0x80000000, 0, 0, 0x8000000000000000, 0, 0],
}

#: case -> what is printed
VALUES: dict[str, list[float]] = {**{name: _halves(sent) for name, sent in _SENT.items()}, "pair": [200.5]}
VALUES_TOLERANCE = "equal"
#: kernel -> how often it is launched
LAUNCHES = {"scalars": 4, "pair": 1}
