"""The simulated exchange on a transport without sockets: links in memory, on the time of the loop, with faults a test can order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from krakenwire.net.transport import BODY_LIMIT, HttpReply, Link, LinkClosed
from krakenwire.sim import ConnectionId, Exchange, Host

HOSTS = {
    "ws.kraken.com": Host.PUBLIC,
    "ws-auth.kraken.com": Host.PRIVATE,
    "ws-l3.kraken.com": Host.LEVEL3,
}


class MemoryLink:
    """One connection to the exchange. What the exchange sends is there at once."""

    def __init__(self, transport: MemoryTransport, number: ConnectionId) -> None:
        self._transport = transport
        self.number = number
        self._frames: deque[bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._end: LinkClosed | None = None
        self.silent = False
        """Nothing arrives any more, and nobody says so."""
        self.deaf = False
        """What is sent never leaves."""
        self.sent: list[bytes] = []
        self.held: list[bytes] | None = None
        """Frames that are late: set to a list they wait in it, until `release`."""
        self.change: Callable[[bytes], bytes | None] = lambda frame: frame
        """What becomes of a frame on its way here; None: it is lost."""

    async def receive(self) -> bytes:
        while not self._frames:
            if self._end is not None:
                raise self._end
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._frames.popleft()

    async def send(self, frame: bytes) -> None:
        if self._end is not None:
            raise LinkClosed("closed")
        if self.deaf:
            await asyncio.get_running_loop().create_future()
        self.sent.append(frame)
        self._transport.told(self, frame)

    async def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        self.end("aborted")

    def end(self, reason: str, code: int | None = None) -> None:
        """The exchange, or whatever lies between, ends the link."""
        if self._end is None:
            self._end = LinkClosed(reason, code)
            self._transport.gone(self)
            self._wake()

    def give(self, frames: list[bytes]) -> None:
        """Frames of the exchange."""
        if self.silent or self._end is not None:
            return
        if self.held is not None:
            self.held += frames
            return
        kept = [changed for frame in frames if (changed := self.change(frame)) is not None]
        if kept:
            self._frames.extend(kept)
            self._wake()

    def release(self) -> None:
        """What was held up arrives, all at once."""
        frames, self.held = self.held or [], None
        self.give(frames)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class MemoryTransport:
    """Links to one exchange, which is advanced as the loop's time goes on."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.links: list[MemoryLink] = []
        """Those that stand."""
        self.opened: list[tuple[float, Host]] = []
        """Every attempt, with its time."""
        self.on_open: Callable[[MemoryLink], None] = lambda _: None
        """Called with each new link."""
        self.refuse: Callable[[Host], Exception | None] = lambda _: None
        """Why an attempt fails; None: it does not."""
        self.answer: Callable[[str, bytes | None], HttpReply | None] = lambda _url, _body: None
        """An HTTP answer instead of the exchange's; None: its own."""
        self.fetched: list[str] = []
        self.requests: list[bytes] = []
        """Everything that clients said."""
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None
        self._closed = False

    async def open(self, url: str) -> Link:
        host = HOSTS[str(urlsplit(url).hostname)]
        self.opened.append((self._loop.time(), host))
        await asyncio.sleep(0.02)
        failure = self.refuse(host)
        if failure is not None:
            raise failure
        link = MemoryLink(self, self.exchange.connect(host, now=self._loop.time()))
        self.links.append(link)
        self.on_open(link)
        self._pump()
        return link

    async def fetch(
        self,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int = BODY_LIMIT,
    ) -> HttpReply:
        self.fetched.append(url)
        await asyncio.sleep(0.05)
        own = self.answer(url, body)
        if own is not None:
            return own
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        now = self._loop.time()
        refused = self.exchange.refused_http(path, now=now)
        if refused is not None:
            return HttpReply(refused.status, refused.body, refused.retry_after)
        method = "GET" if body is None else "POST"
        status, text = self.exchange.rest(method, path, headers or {}, body or b"", now=now)
        return HttpReply(status, text)

    async def close(self) -> None:
        self._closed = True
        if self._handle is not None:
            self._handle.cancel()

    # ---------------------------------------------------------------- for links

    def told(self, link: MemoryLink, frame: bytes) -> None:
        """A client says something."""
        self.requests.append(frame)
        self.exchange.receive(link.number, frame, now=self._loop.time())
        self._pump()

    def gone(self, link: MemoryLink) -> None:
        """A link is over."""
        self.links.remove(link)
        self.exchange.disconnect(link.number)

    def _pump(self) -> None:
        """Let the exchange do what is due, hand out what it says, and come back at its next deadline."""
        now = self._loop.time()
        self.exchange.advance(now)
        for link in list(self.links):
            link.give(self.exchange.take_outgoing(link.number))
            closing = self.exchange.closing(link.number)
            if closing is not None:
                link.end(f"closed by the exchange ({closing.code})", closing.code)
        if self._handle is not None:
            self._handle.cancel()
        deadline = self.exchange.deadline
        if self.links and deadline is not None and not self._closed:
            self._handle = self._loop.call_at(max(now, deadline), self._pump)
