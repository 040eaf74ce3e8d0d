"""The figures of `bench build`, as a file."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from holoenzyme.report.bench_table import SCHEMA, Part, as_data


def write(path: Path, cell: str, parts: Sequence[Part]) -> dict[str, object]:
    """Write the figures, and keep those of other parts that an earlier run measured for the same cell; returns all."""
    kept: dict[str, object] = {}
    with suppress(FileNotFoundError, json.JSONDecodeError, KeyError, TypeError):
        old = json.loads(path.read_text(encoding="utf-8"))
        if (old["schema"], old["cell"]) == (SCHEMA, cell):
            kept = dict(old["parts"])
    data = {
        "schema": SCHEMA,
        "cell": cell,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.platform(),
            "cores": os.cpu_count(),
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        },
        "parts": kept | as_data(parts),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    part.replace(path)
    return data
