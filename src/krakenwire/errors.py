"""Every exception krakenwire raises.

KrakenWireError
├── UsageError          the caller broke a rule of this library (also a ValueError)
├── DecodeError         a frame is not what Kraken documents
├── RequestRejected     Kraken answered a request with success: false
├── BookNotLive         a book was read while it does not equal a state the exchange had
├── CallbackFailed      a callback of the caller raised
│   └── CallbackTimeout     it took longer than it was given
├── CallbackSlow        a callback of the caller kept everything else waiting
├── RequestsIgnored     requests wait, and nobody sends them
├── TokenUnavailable    private requests wait, and no token is to be had
├── AuthFailed          the key is not accepted, or may not do this; asking again would not help
├── ConnectFailed       an attempt to connect came to nothing
├── CapacityExceeded    more is subscribed than the connections allowed may carry
└── ConnectionLost      the socket is gone and retrying is over

Facts are attributes; the text is for people. What Kraken does wrong while we are connected is an event, not
an exception.
"""

from __future__ import annotations

SHOWN = 200
"""Characters of a foreign text that an error shows at most. The attribute beside it holds all of it."""


def shown(text: str) -> str:
    """A foreign text for people: cut, and what does not print is escaped, so that no log and no terminal obeys it."""
    cut = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)


class KrakenWireError(Exception):
    """Anything krakenwire raises. Catch it to catch all of them."""


class UsageError(KrakenWireError, ValueError):
    """The caller broke a rule of this library; the same call will fail again.

    It is a `ValueError` too, so that a wrong request met while decoding counts as a bad frame.
    """

    def __init__(self, rule: str, *, field: str | None = None) -> None:
        super().__init__(rule if field is None else f"{field}: {rule}")
        self.rule = rule
        self.field = field


class DecodeError(KrakenWireError):
    """A frame is not what Kraken documents. `where` is the path inside it, e.g. `$.data[0].price`.

    `json` tells whether it is JSON at all.
    """

    def __init__(self, reason: str, where: str | None = None, *, json: bool = False) -> None:
        super().__init__(shown(reason) if where is None else f"{shown(reason)} at {shown(where)}")
        self.reason = reason
        self.where = where
        self.json = json


class RequestRejected(KrakenWireError):
    """Kraken refused a request. `reason` is Kraken's own text, for people."""

    def __init__(self, method: str, req_id: int | None, reason: str, symbol: str | None = None) -> None:
        number = "" if req_id is None else f" #{req_id}"
        about = "" if symbol is None else f" for {shown(symbol)}"
        super().__init__(f"{method}{number}{about} rejected: {shown(reason)}")
        self.method = method
        self.req_id = req_id
        self.reason = reason
        self.symbol = symbol


class BookNotLive(KrakenWireError):
    """A book cannot be read now: what we hold is not proven to be a state the exchange had."""

    def __init__(self, symbol: str, status: str, reason: str | None = None) -> None:
        why = "" if reason is None else f": {shown(reason)}"
        super().__init__(f"book {shown(symbol)} is {status}{why}")
        self.symbol = symbol
        self.status = status
        self.reason = reason


class CallbackFailed(KrakenWireError):
    """A callback raised. `__cause__` is what it raised, `where` the file and line.

    The text holds no value of the event and no text of the exception: either may be secret.
    """

    def __init__(self, callback: str, kind: str, reason: str, where: str | None = None) -> None:
        super().__init__(
            f"callback {callback} for {kind} {reason}" + ("" if where is None else f" at {where}")
        )
        self.callback = callback
        self.kind = kind
        self.reason = reason
        self.where = where


class CallbackTimeout(CallbackFailed):
    """A callback did not finish in `seconds`; it was cancelled, everything else is untouched."""

    def __init__(self, callback: str, kind: str, seconds: float) -> None:
        super().__init__(callback, kind, f"took longer than {seconds:g} s")
        self.seconds = seconds


class CallbackSlow(KrakenWireError):
    """A callback ran for `seconds` without awaiting anything, so that nothing else could run.

    `count` is how often it has been so since this was last reported.
    """

    def __init__(self, callback: str, kind: str, seconds: float, count: int = 1) -> None:
        super().__init__(f"callback {callback} for {kind} kept everything waiting for {seconds:.3g} s")
        self.callback = callback
        self.kind = kind
        self.seconds = seconds
        self.count = count


class RequestsIgnored(KrakenWireError):
    """Requests of the session were not sent: nobody takes them, or sending failed (then `__cause__` says how)."""


class TokenUnavailable(KrakenWireError):
    """The token provider gave no token (`__cause__` says why, if it raised); it is asked again a little later."""


class AuthFailed(KrakenWireError):
    """Kraken does not accept the key, or the key lacks a permission. It is not tried again: too many attempts lock an account out.

    `reason` holds Kraken's own words.
    """

    def __init__(self, reason: str, hint: str | None = None) -> None:
        super().__init__(shown(reason) if hint is None else f"{shown(reason)}: {hint}")
        self.reason = reason
        self.hint = hint


class ConnectFailed(KrakenWireError):
    """An attempt to connect came to nothing. `kind` tells how (a `ConnectFailure`); `status` is that of an HTTP answer, if there was
    one.
    """

    def __init__(
        self,
        kind: str,
        reason: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{kind}: {shown(reason)}")
        self.kind = kind
        self.reason = reason
        self.status = status
        self.retry_after = retry_after


class CapacityExceeded(KrakenWireError):
    """More is subscribed than the connections allowed may carry. What was subscribed before is not touched."""


class ConnectionLost(KrakenWireError):
    """The socket is gone and retrying is over. `attempts` counts the tries to get it back."""

    def __init__(self, reason: str, *, attempts: int = 0) -> None:
        super().__init__(reason if attempts == 0 else f"{reason} (after {attempts} attempts)")
        self.reason = reason
        self.attempts = attempts
