"""Whether what a panel shows is so now, how old it is, and why not: the words that stand in its title.

| word | meaning |
|---|---|
| `LIVE` | it is followed, and its connection is heard; books: proven by their checksum at every message |
| `WAITING` | nothing came yet |
| `RESYNCING` | it contradicted Kraken and is being taken anew |
| `DISPUTED` | it was wrong after every resync: nobody knows who is right |
| `UNVERIFIED` | nothing contradicts it and nothing proves it |
| `SILENT` | its connection has said nothing for longer than a heartbeat may take |
| `QUIET` | its connection lives, but it has said nothing for much longer than it used to, or although the market trades |
| `LATE` | what comes is old |
| `STALE` | its connection is lost |
| `CLOSED` | nobody follows it any more |
| `REFUSED` | Kraken does not serve it |
"""

from __future__ import annotations

from msgspec import Struct

from krakenwire.events import ConnectionState
from krakenwire.net.status import ConnectionInfo
from krakenwire.state.book import BookStatus
from krakenwire.text import seconds
from krakenwire.tui.cells import safe

SILENT_SECONDS = 2.5
"""Kraken's heart beats once a second; after so long the connection is not lost yet, but nothing it brought is called live."""

BEHIND_SECONDS = 2.0
"""How much later than a stream a trade may be told of that concerns it."""

ANSWER_SECONDS = 0.5
"""How long the word that is missing may take, if its stream only was not heard for a while: not all channels are equally fast."""

_STYLES = {"LIVE": "live", "WAITING": "wait", "CLOSED": "wait"}


class State(Struct, frozen=True):
    """What the title of a panel says."""

    word: str
    age: float | None = None
    """Seconds since the last word of the stream, or since it went wrong."""
    reason: str = ""

    @property
    def live(self) -> bool:
        """Whether its numbers may look alive."""
        return self.word == "LIVE"

    @property
    def style(self) -> str:
        """Calm if it is live, loud if not."""
        return _STYLES.get(self.word, "bad")

    @property
    def text(self) -> str:
        """`LIVE 0.2 s`, `STALE 4.0 s: connection lost`."""
        age = "" if self.age is None else f" {age_text(self.age)}"
        return self.word + age + (f": {safe(self.reason)}" if self.reason else "")


WAITING = State("WAITING")


def age_text(age: float) -> str:
    """An age with one decimal below a minute."""
    return f"{max(0.0, age):.1f} s" if age < 59.95 else seconds(age)


class Stream:
    """What is known of one channel of one symbol, or of a channel without symbols."""

    __slots__ = ("broken", "heard_at", "lost_at", "owed_at", "quiet", "refused")

    def __init__(self) -> None:
        self.heard_at: float | None = None
        """When it last said anything."""
        self.lost_at: float | None = None
        """When it broke; None while it is whole."""
        self.broken = ""
        """Why."""
        self.quiet = False
        self.owed_at: float | None = None
        """Since when it owes a word: another stream told of what concerns it, too. None: it owes none."""
        self.refused: str | None = None

    def hear(self, now: float) -> None:
        """Data came."""
        self.heard_at, self.lost_at, self.broken, self.refused = now, None, "", None
        self.quiet, self.owed_at = False, None

    def owe(self, now: float) -> None:
        """Another stream told of something that concerns this one."""
        if self.owed_at is None and self.heard_at is not None and now - self.heard_at > BEHIND_SECONDS:
            self.owed_at = now

    def behind(self, now: float) -> bool:
        """Whether what it owes does not come."""
        return self.owed_at is not None and now - self.owed_at > ANSWER_SECONDS

    def lose(self, now: float, reason: str) -> None:
        """Something may be missing; the first reason is the one that counts."""
        if self.lost_at is None:
            self.lost_at, self.broken = now, reason

    def state(self, now: float, link: ConnectionInfo | None, *, late: float | None = None) -> State:
        """As of now, on this connection. `late`: seconds that what it brings is late, if that was told."""
        return (
            self._gone(now, link)
            or (State("STALE", self.age(now), self.broken) if self.lost_at is not None else None)
            or (WAITING if self.heard_at is None else None)
            or self._flowing(now, link, late)
        )

    def book_state(
        self,
        status: BookStatus,
        reason: str,
        now: float,
        link: ConnectionInfo | None,
        *,
        late: float | None = None,
    ) -> State:
        """As `state`, for a book, which knows itself whether it can be read."""
        gone = self._gone(now, link)
        if gone is not None:
            return gone
        if status is BookStatus.WANTED:
            return WAITING
        if status in _OF_STATUS:
            since = self.heard_at if self.lost_at is None else self.lost_at
            # Why the book is stale is the name of a gap; the gap told it in words.
            why = self.broken or reason if status is BookStatus.STALE else reason
            return State(_OF_STATUS[status], None if since is None else now - since, why)
        flowing = self._flowing(now, link, late)
        if status is BookStatus.UNVERIFIED and flowing.live:
            return State("UNVERIFIED", flowing.age, reason)
        return flowing

    def age(self, now: float) -> float | None:
        """Seconds since its last word."""
        return None if self.heard_at is None else now - self.heard_at

    def _gone(self, now: float, link: ConnectionInfo | None) -> State | None:
        """Why nothing can come."""
        if self.refused is not None:
            return State("REFUSED", None, self.refused)
        if link is None or link.state in {ConnectionState.CONNECTED, ConnectionState.IDLE}:
            return None
        if link.connects == 0:
            return State("WAITING", None, link.reason or "connecting")
        return State("STALE", self.age(now), "connection lost")

    def _flowing(self, now: float, link: ConnectionInfo | None, late: float | None) -> State:
        """How well data comes."""
        if link is not None and link.heard_age is not None and link.heard_age > SILENT_SECONDS:
            return State("SILENT", link.heard_age, "no heartbeat")
        if late is not None:
            return State("LATE", late)
        return State("QUIET" if self.quiet else "LIVE", self.age(now))

    def still(self) -> Stream:
        """A copy that does not change any more."""
        made = Stream()
        for name in self.__slots__:
            setattr(made, name, getattr(self, name))
        return made


_OF_STATUS = {
    BookStatus.RESYNCING: "RESYNCING",
    BookStatus.DISPUTED: "DISPUTED",
    BookStatus.STALE: "STALE",
    BookStatus.CLOSED: "CLOSED",
}
