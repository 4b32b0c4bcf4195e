"""What a hostile line does to frames, and what a listener then takes for proven."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from krakenwire import BookNotLive, KrakenV2MessageHandler, Level3Update, OrderBookUpdate
from tests.session.exchange import TopTen
from tests.session.order_exchange import TopQueues

EVERY_BYTE = bytes(range(256))
# What JSON and numbers are made of: these change the meaning of a frame and leave it readable.
TELLING = b'0.e"'
MEANINGFUL = b'0123456789.-+eE"{}[],: \\/tfnabx_\x00\x7f\xff'


def edits(frame: bytes, replacements: bytes, insertions: bytes) -> Iterator[bytes]:
    """The frame with each byte replaced, removed, swapped with the next one, and with a byte put in at each place."""
    for at, old in enumerate(frame):
        before, after = frame[:at], frame[at + 1 :]
        for new in replacements:
            if new != old:
                yield before + bytes((new,)) + after
        yield before + after
        if after and after[0] != old:
            yield before + after[:1] + frame[at : at + 1] + after[1:]
    for at in range(len(frame) + 1):
        for new in insertions:
            yield frame[:at] + bytes((new,)) + frame[at:]


def top_of(view: Any) -> TopTen:
    """The ten best levels of a Level 2 view."""
    bids, asks = (tuple((x.price, x.qty) for x in side[:10]) for side in (view.bids, view.asks))
    return bids, asks


def queues_of(view: Any) -> TopQueues:
    """The ten best levels of a level3 view."""
    bids, asks = (
        tuple((x.price, tuple(o.order_qty for o in x.orders)) for x in side[:10])
        for side in (view.bids, view.asks)
    )
    return bids, asks


class Listener:
    """A program that trusts the handler: it notes every state of a book that the handler calls verified."""

    def __init__(self, frames: Iterable[bytes], *, parsed: bool = False) -> None:
        self.handler = KrakenV2MessageHandler(clock=lambda: 0.0)
        self.handler.register_callback("*", self._note)
        self._parsed = parsed
        self._symbols: set[str] = set()
        self.proven: set[Any] = set()
        for frame in frames:
            self.hear(frame)

    def hear(self, frame: bytes) -> bool:
        """Take a frame, as it is or parsed with floats, and look at every book that can be read afterwards."""
        given: Any = frame
        if self._parsed:
            try:
                given = json.loads(frame)
            except (ValueError, RecursionError):
                given = frame
        handled = self.handler.process(given)
        assert type(handled) is bool
        for symbol in self._symbols:
            try:
                view = self.handler.book(symbol)
            except BookNotLive:
                continue
            assert view.verified
            self.proven.add(top_of(view))
        return handled

    def _note(self, event: Any) -> None:
        if isinstance(event, OrderBookUpdate):
            self._symbols.add(event.symbol)
            if not event.verified:
                self._refuses(event.book)
                return
            view = event.book.view()
            assert (event.best_bid, event.best_ask) == (view.best_bid, view.best_ask)
            self.proven.add(top_of(view))
        elif isinstance(event, Level3Update):
            if event.verified:
                self.proven.add(queues_of(event.book.view()))
            else:
                self._refuses(event.book)

    @staticmethod
    def _refuses(book: Any) -> None:
        try:
            book.view()
        except BookNotLive:
            return
        raise AssertionError("a book that is not verified could be read")
