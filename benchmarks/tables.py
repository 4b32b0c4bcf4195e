"""Plain text tables and facts about the machine, for every benchmark's output."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

from krakenwire.state.side import COMPILED


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns; the first is left-aligned, the others to the right."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = []
    for row in [head, ["-" * width for width in widths], *rows]:
        first, *others = zip(row, widths, strict=True)
        cells = [cell.rjust(width) for cell, width in others]
        cells.insert(0, first[0].ljust(first[1]))
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def machine() -> dict[str, str | int]:
    """What the figures were made on; nothing that names the machine."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "processor": _processor(),
        "cpus": os.cpu_count() or 1,
        "books": "compiled" if COMPILED else "pure Python",
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
