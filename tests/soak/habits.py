"""What happens on the client's side of the wire: the machine sleeps, sending gets stuck, names are not found, the program changes its mind.

Each is one line, `at TIME s: WHAT for TIME s`:

| what | |
|---|---|
| `stand still` | nothing in this process runs |
| `deaf` | nothing that is sent leaves |
| `name`, `unreachable` | no connection can be made, and the present ones break |
| `odd` | the same, and what is raised is nothing that a transport should raise |
| `resync SYMBOL` | the program wants the book anew |
| `leave SYMBOL` | the program unsubscribes the book, and subscribes it again at the end |
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from krakenwire.errors import ConnectFailed
from krakenwire.net import Client, ConnectFailure
from krakenwire.wire.subscriptions import BookSubscription
from tests.net.memory import MemoryLink, MemoryTransport
from tests.net.virtual import VirtualLoop

_LINE = re.compile(r"at ([\d.]+) s: ([a-z ]+?)(?: (\S+/\S+))? for ([\d.]+) s")
_FAILURES: dict[str, Exception] = {
    "name": ConnectFailed(ConnectFailure.NAME, "as ordered"),
    "unreachable": ConnectFailed(ConnectFailure.REFUSED, "as ordered"),
    "odd": LookupError("as ordered"),
}


class Habits:
    """Does what its lines say. `tell` is told of each, with the symbol that it concerns, or None: everything.

    `failure`: why no connection can be made now.
    """

    def __init__(
        self,
        lines: tuple[str, ...],
        client: Client,
        transport: MemoryTransport,
        depths: dict[str, int],
        tell: Callable[[str | None], None],
    ) -> None:
        self._client = client
        self._transport = transport
        self._depths = depths
        self._tell = tell
        self.failure: Exception | None = None
        self.woke_at = 0.0
        """When this process could run again."""
        self.tasks = [asyncio.ensure_future(self._do(line)) for line in lines]

    async def _do(self, line: str) -> None:
        read = _LINE.fullmatch(line)
        assert read is not None, line
        at, what, symbol, seconds = float(read[1]), read[2], read[3], float(read[4])
        loop = asyncio.get_running_loop()
        await asyncio.sleep(at - loop.time())
        self._tell(symbol)
        match what:
            case "stand still":
                assert isinstance(loop, VirtualLoop)
                loop.stand_still(seconds)
                self.woke_at = loop.time()
            case "deaf":
                links = list(self._transport.links)
                self._hear(links, deaf=True)
                await asyncio.sleep(seconds)
                self._tell(None)
                self._hear(links, deaf=False)
            case "resync":
                self._client.resync("book", symbol)
            case "leave":
                if self._client.unsubscribe("book", symbol):
                    await asyncio.sleep(seconds)
                    self._tell(symbol)
                    self._client.subscribe(BookSubscription(symbol=(symbol,), depth=self._depths[symbol]))
            case _:
                self.failure = _FAILURES[what]
                for link in list(self._transport.links):
                    link.end("the network is gone")
                await asyncio.sleep(seconds)
                self.failure = None

    @staticmethod
    def _hear(links: list[MemoryLink], *, deaf: bool) -> None:
        for link in links:
            link.deaf = deaf
