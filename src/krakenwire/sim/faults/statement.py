"""What a fault script says, as values. `str()` of each is its text, and `text.parse` reads that text back to the same value."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from krakenwire.sim.feeds.feed import Label
from krakenwire.sim.requests import Request

NO_DATA = frozenset({"status", "heartbeat", "reply"})
"""Channels of frames that tell nothing of a market or an account."""

FOREVER = float("inf")


class Verb(StrEnum):
    """What an action does; the package says it in full."""

    DROP = "drop"
    DUPLICATE = "duplicate"
    SWAP = "swap"
    DELAY = "delay"
    HOLD = "hold"
    TRUNCATE = "truncate"
    CORRUPT = "corrupt"
    REPLACE = "replace"
    SPLIT = "split"
    STALL = "stall"
    BREAK = "break"
    IGNORE = "ignore"
    REFUSE = "refuse"
    REFUSE_CONNECTS = "refuse connects"
    REFUSE_HTTP = "refuse http"
    SPOIL_CONNECTS = "spoil connects"
    END = "end"
    GOODBYE = "goodbye"
    GARBAGE = "garbage"
    FRAME = "frame"
    BYTES = "bytes"
    LATE = "late"
    SLOW = "slow"
    FRAGMENT = "fragment"
    DEAF = "deaf"
    CLOSE = "close"
    CUT = "cut"
    RENUMBER = "renumber"
    REPEAT = "repeat"
    SEND = "send"
    STATUS = "status"
    PAIR = "pair"
    CROSS = "cross"
    EXPIRE = "expire tokens"


IN_PARTS = frozenset({Verb.SPLIT, Verb.STALL, Verb.BREAK})
"""What takes the bytes of one frame apart."""

ON_FRAMES = IN_PARTS | frozenset(
    {
        Verb.DROP,
        Verb.DUPLICATE,
        Verb.SWAP,
        Verb.DELAY,
        Verb.HOLD,
        Verb.TRUNCATE,
        Verb.CORRUPT,
        Verb.REPLACE,
    }
)
ON_REQUESTS = frozenset({Verb.IGNORE, Verb.REFUSE})
ON_ATTEMPTS = frozenset({Verb.REFUSE_CONNECTS, Verb.REFUSE_HTTP, Verb.SPOIL_CONNECTS})
WAITING = ON_FRAMES | ON_REQUESTS | ON_ATTEMPTS
"""Verbs that wait for something to act on; all others happen by themselves."""

ON_BYTES = frozenset(
    {
        Verb.END,
        Verb.GOODBYE,
        Verb.GARBAGE,
        Verb.FRAME,
        Verb.BYTES,
        Verb.LATE,
        Verb.SLOW,
        Verb.FRAGMENT,
        Verb.DEAF,
    }
)
"""Happenings below the frames of a connection."""


class Target(Struct, frozen=True):
    """Which frames, or which requests."""

    channel: str = "anything"
    """A channel, `reply`, `data` or `anything`."""
    kind: str | None = None
    """`snapshot` or `update`; of replies and requests the method."""
    symbol: str | None = None

    def covers(self, label: Label) -> bool:
        """Whether it means a frame of this kind."""
        if self.channel not in {label.channel, "anything"} and not (
            self.channel == "data" and label.channel not in NO_DATA
        ):
            return False
        return self.kind in {None, label.type} and self.symbol in {None, label.symbol}

    def asks(self, request: Request, symbol: str | None) -> bool:
        """Whether it means a request, or what it says of one symbol. None: all of the request."""
        params = request.params if isinstance(request.params, dict) else {}
        if self.kind not in {None, request.method} or self.channel not in {
            "anything",
            params.get("channel"),
        }:
            return False
        named = params.get("symbol") if symbol is None else [symbol]
        return self.symbol is None or (isinstance(named, list) and self.symbol in named)

    def __str__(self) -> str:
        return " ".join([word for word in (self.channel, self.symbol, self.kind) if word])


class Action(Struct, frozen=True, kw_only=True):
    """What shall happen. Which of the fields count depends on the verb."""

    verb: Verb
    target: Target | None = None
    seconds: float | None = None
    """Of `delay`, `hold`, `stall` and `late`; of a refused attempt, `Retry-After`."""
    words: tuple[str, ...] = ()
    """The kind of damage, of frame or of end, a close code, a number of bytes, bytes, an HTTP status, a system status, or symbol, field and
    value."""
    host: str | None = None
    times: int = 1
    """Frames, requests or attempts; ignored with `lasts`."""
    lasts: float | None = None
    """Seconds in which it takes all that it can."""
    text: str | None = None

    def __str__(self) -> str:
        parts: list[str] = [self.verb]
        between = self.seconds is not None and self.verb not in ON_ATTEMPTS
        if between:
            parts.append(_time(self.seconds or 0.0))
        parts += self.words
        if self.target is not None:
            parts.append(_request(self.target) if self.verb in ON_REQUESTS else str(self.target))
        if self.verb is Verb.SEND:
            return " ".join([*parts, *self._suffixes(), self.text or ""])
        if self.seconds is not None and not between:
            parts.append(f"retry {_time(self.seconds)}")
        parts += self._suffixes()
        if self.text is not None:
            parts.append(f"with {self.text}")
        return " ".join(parts)

    def _suffixes(self) -> list[str]:
        return [
            text
            for text, given in (
                (f"on {self.host}", self.host is not None),
                (f"{self.times} times", self.times != 1),
                (f"for {_time(self.lasts or 0.0)}", self.lasts is not None),
            )
            if given
        ]


class At(Struct, frozen=True):
    """Once, so many seconds after the exchange began."""

    seconds: float

    def __str__(self) -> str:
        return f"at {_time(self.seconds)}"


class Every(Struct, frozen=True):
    """Again and again, the first time one period after the start of the window."""

    seconds: float
    start: float = 0.0
    end: float = FOREVER

    def __str__(self) -> str:
        return f"every {_time(self.seconds)}{_window(self.start, self.end)}"


class When(Struct, frozen=True):
    """Whenever such a frame goes out."""

    target: Target
    start: float = 0.0
    end: float = FOREVER

    def __str__(self) -> str:
        return f"when {self.target}{_window(self.start, self.end)}"


class Probability(Struct, frozen=True):
    """By chance, at each opportunity."""

    chance: float
    start: float = 0.0
    end: float = FOREVER

    def __str__(self) -> str:
        return f"probability {_number(self.chance)}{_window(self.start, self.end)}"


Trigger = At | Every | When | Probability


class Statement(Struct, frozen=True):
    """One line of a script."""

    trigger: Trigger
    action: Action

    def later(self, seconds: float) -> Statement:
        """The same, so much later."""
        trigger = self.trigger
        if isinstance(trigger, At):
            return replace(self, trigger=At(trigger.seconds + seconds))
        moved = replace(trigger, start=trigger.start + seconds, end=trigger.end + seconds)
        return replace(self, trigger=moved)

    def __str__(self) -> str:
        return f"{self.trigger}: {self.action}"


def _number(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".") or "0"


def _time(seconds: float) -> str:
    return f"{_number(seconds)} s"


def _window(start: float, end: float) -> str:
    return (f" from {_time(start)}" if start else "") + (f" to {_time(end)}" if end != FOREVER else "")


def _request(target: Target) -> str:
    channel = None if target.channel == "anything" else target.channel
    return " ".join([word for word in (target.kind, channel, target.symbol) if word])
