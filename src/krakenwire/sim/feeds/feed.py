"""What all streams have: subscribers, and one encoding for all of them."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from krakenwire.sim.market import Market


class Label(NamedTuple):
    """What a frame is, for whoever sits between the exchange and its clients: faults, the truth log."""

    channel: str
    """The channel; of replies, `reply`."""
    type: str
    """`snapshot`, `update`, or the method of a reply."""
    symbol: str | None = None


class Subscriber(Protocol):
    """Takes frames: a connection."""

    def send(self, frame: bytes, label: Label, at: int) -> None: ...


class Feed:
    """One channel, of one market where the channel has symbols, under one set of parameters."""

    channel: str

    def __init__(self, symbol: str | None) -> None:
        self.subscribers: list[Subscriber] = []
        self.snapshot_label = Label(self.channel, "snapshot", symbol)
        self.update_label = Label(self.channel, "update", symbol)

    def snapshot(self, at: int) -> bytes:
        """The present state as a frame."""
        raise NotImplementedError

    def publish(self, market: Market, at: int) -> None:
        """Send what happened in the market since the last time, if it concerns this stream."""
        raise NotImplementedError

    def rescaled(self) -> None:
        """Numbers have other digits now. Nothing is said; the next update is in the new digits."""

    def send(self, frame: bytes, at: int) -> None:
        """An update to everybody."""
        for subscriber in self.subscribers:
            subscriber.send(frame, self.update_label, at)
