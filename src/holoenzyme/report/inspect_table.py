"""Device images and their kernels for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from holoenzyme.execute.inspect import Argument, Inspection, Kernel


def tables(inspection: Inspection) -> list[Table]:
    """A table of the images, and one of the kernels of those that tell them."""
    images = _table("image", "triple", "architecture", "label", "content", "machine", "processor", "bytes")
    kernels = _table("image", "kernel", "bytes", "arguments: offset+size kind")
    for image in inspection.images:
        images.add_row(
            str(image.number),
            image.triple,
            image.arch or "-",
            f"{image.producer} {image.kind}",
            image.format.value,
            "-" if image.machine is None else f"{image.device} ({image.machine})",
            image.processor or "-",
            f"{image.size:,}",
        )
        for kernel in image.kernels:
            size = "not told" if kernel.size is None else str(kernel.size)
            kernels.add_row(str(image.number), kernel.name, size, _arguments(kernel))
    return [images, kernels] if kernels.row_count else [images]


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if column == "bytes" else "left")
    return table


def _arguments(kernel: Kernel) -> str:
    if kernel.arguments is None:
        return "not told"
    told = _list(kernel.arguments)
    return f"{told}; hidden: {_list(kernel.hidden)}" if kernel.hidden else told


def _list(arguments: Sequence[Argument]) -> str:
    return ", ".join(f"{item.offset}+{item.size} {item.kind or ''}".strip() for item in arguments) or "none"
