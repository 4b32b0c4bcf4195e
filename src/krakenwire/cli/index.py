"""The streams of a capture, by channel and symbol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from krakenwire.cli.book_stream import BookStream
from krakenwire.cli.streams import NumberedStream, Stream
from krakenwire.text import shown

STREAMS_KEPT = 10_000
"""Streams that are told apart, ten times what Kraken has markets. What comes beyond them is counted together."""

OTHERS = "(others)"

_KINDS: dict[str, type[Stream]] = {
    "book": BookStream,
    "level3": BookStream,
    "trade": NumberedStream,
    "executions": NumberedStream,
    "balances": NumberedStream,
}


class Streams:
    """Every stream met, in the order met. Symbols that look alike when they are shown are one."""

    def __init__(self) -> None:
        self._by_name: dict[tuple[str, str | None], Stream] = {}
        self._found: dict[tuple[str, str | None], Stream] = {}

    def __iter__(self) -> Iterator[Stream]:
        return iter(self._by_name.values())

    def get(self, channel: str, symbol: str | None) -> Stream:
        """The stream of a symbol as received, or of the whole connection; made if there is none."""
        found = self._found.get((channel, symbol))
        if found is not None:
            return found
        name = None if symbol is None else shown(symbol)
        if len(self._found) >= STREAMS_KEPT:
            name = OTHERS
        stream = self._by_name.get((channel, name))
        if stream is None:
            stream = self._by_name[channel, name] = _KINDS.get(channel, Stream)(channel, name)
        if name != OTHERS:
            self._found[channel, symbol] = stream
        return stream

    def book(self, channel: str, symbol: str | None) -> BookStream:
        """The stream of a book."""
        return cast("BookStream", self.get(channel, symbol))

    def numbered(self, channel: str, symbol: str | None) -> NumberedStream:
        """The stream of a channel that numbers what it sends."""
        return cast("NumberedStream", self.get(channel, symbol))
