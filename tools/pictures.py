"""Writes the pictures of the dashboard in `docs/pictures/`: a client of the seeded simulated exchange on virtual time, after a bad day.

The same code writes the same pictures. They name no font and no address from elsewhere, so they look the same offline.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from krakenwire.tui.app import Dashboard
from krakenwire.tui.view import View
from krakenwire.wire.enums import Side
from tests.tui.scene import Scene, Still, play

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
SIZES = ((80, 24), (200, 60))
MINUTES = 8
FONTS = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"


async def _bad_day(scene: Scene) -> None:
    """Eight minutes: some orders, a book that fails its checksum, a connection that is cut."""
    scene.fault("at 4 min: drop book BTC/USD update 3 times\nat 6 min: cut on public")
    await scene.pass_(60.0, look=5.0)
    scene.order(Side.BUY, "BTC/USD", 900, away=-0.02)
    scene.order(Side.SELL, "SOL/USD", 800, away=0.05)
    for minute in range(1, MINUTES):
        side = Side.BUY if minute % 3 else Side.SELL
        scene.order(side, scene.symbols[minute % 3], 40 * minute)
        await scene.pass_(60.0 if minute < MINUTES - 1 else 58.3, look=5.0)
    await scene.pass_(1.0)


def painted(still: Still, size: tuple[int, int]) -> str:
    """A picture as SVG."""
    board, moment = still
    view = View(board, None, clock=lambda: moment.now, wall=lambda: moment.wall_ns)

    async def export() -> str:
        app = Dashboard(view, still=True)
        async with app.run_test(size=size):
            return app.export_screenshot(title="krakenwire demo", simplify=True)

    return tidy(asyncio.run(export()))


def tidy(svg: str) -> str:
    """Without fonts from elsewhere, without blanks at the ends of lines."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: Fira Code, monospace", f"font-family: {FONTS}", svg)
    svg = re.sub(r"<!-- .*? -->\s*", "", svg)
    return "\n".join(line.rstrip() for line in svg.strip().splitlines()) + "\n"


def pictures() -> dict[str, str]:
    """Every picture by the name of its file."""
    still = play(_bad_day, private=True, depth=25)
    return {f"dashboard-{width}x{height}.svg": painted(still, (width, height)) for width, height in SIZES}


def main() -> int:
    """Write them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pictures().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(f"wrote docs/pictures/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
