"""The scenes that several tests look at, each played once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache

from krakenwire.tui.badge import LIVE, SIM
from krakenwire.tui.board import Ledger
from krakenwire.wire.enums import Side
from tests.tui.scene import Scene, Still, play

BADGES = {"SIM": SIM, "LIVE": LIVE}


async def _begin(scene: Scene) -> None:
    """A while of good times, with a few orders."""
    await scene.pass_(3.0)
    scene.order(Side.BUY, "BTC/USD", 500)
    scene.order(Side.SELL, "ETH/USD", 300)
    scene.order(Side.BUY, "BTC/USD", 500, away=-0.01)
    scene.order(Side.SELL, "SOL/USD", 800, away=0.02)
    await scene.pass_(6.0)


async def _live(scene: Scene) -> None:
    scene.fault("at 1 s: drop book BTC/USD update 3 times")
    await _begin(scene)


async def _resyncing(scene: Scene) -> None:
    await _begin(scene)
    scene.fault("at 0 s: corrupt checksum book BTC/USD update 1 times\nwhen reply: delay 3 s reply 9 times")
    await scene.pass_(1.5)


async def _stale(scene: Scene) -> None:
    await _begin(scene)
    for link in list(scene.transport.links):
        link.silent = True
    scene.transport.refuse = scene.refusal
    scene.fault("at 0 s: refuse connects 503 for 60 s")
    await scene.pass_(9.0)


async def _disputed(scene: Scene) -> None:
    await _begin(scene)
    scene.fault("at 0 s: corrupt checksum book BTC/USD for 600 s")
    await scene.pass_(15.0)


STORIES = {"LIVE": _live, "RESYNCING": _resyncing, "STALE": _stale, "DISPUTED": _disputed}


@cache
def scene(name: str, badge: str = "SIM") -> Still:
    """The picture at the end of a story. It is played in a thread: a test that has a loop cannot run another one."""
    with ThreadPoolExecutor(1) as threads:
        played = threads.submit(play, STORIES[name], private=True, depth=25, badge=BADGES[badge])
        board, moment = played.result()
    # How long the client took for its first snapshots is its own business, and no part of these pictures.
    began = [(board.began, board.began + 0.125)] * len(board.markets)
    board.ledger = Ledger(board.began, moment.now, len(board.markets), (*began, (1.0, 1.5)))
    return board, moment
