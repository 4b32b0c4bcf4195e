"""The pictures in the documents: what they show, and that the same code draws the same ones."""

from __future__ import annotations

import html
import re
from xml.etree import ElementTree as ET

import pytest

from tests.tui.scene import Scene, play
from tools.pictures import FOLDER, SIZES, painted

PANELS = {
    (80, 24): ("BTC/USD · depth 25", "trades"),
    (200, 60): ("markets", "trades", "candles", "health", "open orders", "balances", "fills", "log"),
}


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_pictures_of_the_documents(size: tuple[int, int]) -> None:
    """Each picture is marked SIM, has every panel of its size, all of them live, and names nothing from elsewhere."""
    svg = (FOLDER / f"dashboard-{size[0]}x{size[1]}.svg").read_text(encoding="utf-8")
    ET.fromstring(svg)  # noqa: S314 (our own file)
    words = html.unescape(" ".join(re.findall(r">([^<>]+)</text>", svg))).replace("\xa0", " ")
    assert " SIM " in words
    for panel in PANELS[size]:
        assert panel in words
    assert words.count("LIVE") >= len(PANELS[size])
    for word in ("STALE", "RESYNCING", "FROZEN"):
        assert word not in words
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")


def test_the_same_twice() -> None:
    """The same seed gives the same picture, to the last byte."""

    async def story(scene: Scene) -> None:
        await scene.pass_(3.0)

    first, second = (
        painted(play(story, symbols=("BTC/USD",), private=True, depth=25), (80, 24)) for _ in range(2)
    )
    assert first == second
    assert not re.search(r"[ \t]$", first, re.MULTILINE)
