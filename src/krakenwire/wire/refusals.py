"""Kraken's error texts, and what kind of refusal each is.

The texts are for people and change in detail, so they are matched by prefix, longest first, and the raw text
is always kept. Engine errors read `E<category>:<text>[:<detail>]`; errors of the WebSocket layer are plain
sentences.
"""

from __future__ import annotations

from enum import StrEnum


class ErrorKind(StrEnum):
    """What a refusal means for whoever asked."""

    RATE = "rate"
    """Too much, too fast; the same request may succeed later."""
    AUTH = "auth"
    """The token or key is not accepted; a new token may be."""
    PERMISSION = "permission"
    """The key or the account may not do this."""
    MAINTENANCE = "maintenance"
    """The engine does not take this now."""
    UNKNOWN_SYMBOL = "unknown_symbol"
    ALREADY_SUBSCRIBED = "already_subscribed"
    NOT_SUBSCRIBED = "not_subscribed"
    WRONG_HOST = "wrong_host"
    """The channel is served by another of Kraken's hosts."""
    INVALID_REQUEST = "invalid_request"
    """The request is wrong as it stands; the same one will be refused again."""
    CAPACITY = "capacity"
    """The connection holds as much as it may; another one may take it."""
    UNKNOWN_ORDER = "unknown_order"
    """There is no such order, or no longer."""
    ORDER = "order"
    """The engine refuses this order: funds, minimum, limits, position."""
    DEADLINE = "deadline"
    """The deadline of the request passed before the engine saw it."""
    UNKNOWN = "unknown"
    """A text we do not know."""


PAIR_NOT_SUPPORTED = "Currency pair not supported"
"""Followed by a space and the symbol."""
ALREADY_SUBSCRIBED = "Already subscribed"
SUBSCRIPTION_NOT_FOUND = "Subscription Not Found"
DEPTH_NOT_SUPPORTED = "Subscription depth not supported"
PRIVATE_ON_PUBLIC_HOST = "Private data and trading are unavailable on this endpoint. Try ws-auth.kraken.com"
PUBLIC_ON_PRIVATE_HOST = (
    "Public market data subscriptions are unavailable on this endpoint. Try ws.kraken.com"
)
INVALID_SESSION = "ESession:Invalid session"
TOKEN_NOT_FOUND = "Token(s) not found"  # noqa: S105 - an error text, no token
PERMISSION_DENIED = "EGeneral:Permission denied"
UNSUPPORTED_EVENT = "Unsupported event"
UNSUPPORTED_FIELD = "Unsupported field: '{field}' for the given msg type: {method}"
"""To be formatted with `field` and `method`."""
NOT_A_NUMBER = "{field} field must be a number_float"
"""To be formatted with `field`, whose first letter Kraken writes large."""
MALFORMED_REQUEST = "Malformed request"
MESSAGE_RATE = "Exceeded msg rate"
TOO_MANY_SYMBOLS = "Exceeded maximum number of symbols"
"""The limit of level3 is documented, its text is not [U]."""
INVALID_ARGUMENTS = "EGeneral:Invalid arguments"
"""Often followed by a colon and a detail."""
INDEX_UNAVAILABLE = "EGeneral:Invalid arguments:Index unavailable"
VOLUME_MINIMUM = "EGeneral:Invalid arguments:volume minimum not met"
SERVICE_UNAVAILABLE = "EService:Unavailable"
CANCEL_ONLY_MODE = "EService:Market in cancel_only mode"
POST_ONLY_MODE = "EService:Market in post_only mode"
DEADLINE_ELAPSED = "EService:Deadline elapsed"
INSUFFICIENT_FUNDS = "EOrder:Insufficient funds"
ORDER_MINIMUM = "EOrder:Order minimum not met"
COST_MINIMUM = "EOrder:Cost minimum not met"
TICK_SIZE = "EOrder:Tick size check failed"
INVALID_PRICE = "EOrder:Invalid price"
ORDER_RATE_LIMIT = "EOrder:Rate limit exceeded"
DOMAIN_RATE_LIMIT = "EOrder:Domain rate limit exceeded"
ORDERS_LIMIT = "EOrder:Orders limit exceeded"
SCHEDULED_ORDERS_LIMIT = "EOrder:Scheduled orders limit exceeded"
POSITIONS_LIMIT = "EOrder:Positions limit exceeded"
CANNOT_OPEN_POSITION = "EOrder:Cannot open position"
CANNOT_OPEN_OPPOSING_POSITION = "EOrder:Cannot open opposing position"
MARGIN_ALLOWANCE = "EOrder:Margin allowance exceeded"
MARGIN_LEVEL = "EOrder:Margin level too low"
MARGIN_POSITION_SIZE = "EOrder:Margin position size exceeded"
INSUFFICIENT_MARGIN = "EOrder:Insufficient margin"
REDUCE_ONLY_NO_POSITION = "EOrder:Reduce only:No position exists"
REDUCE_ONLY_CLOSED = "EOrder:Reduce only:Position is closed"
REDUCE_ONLY_NON_PC = "EOrder:Reduce only:Non-PC"
UNKNOWN_POSITION = "EOrder:Unknown position"
UNKNOWN_ORDER = "EOrder:Unknown order"
INVALID_ORDER = "EOrder:Invalid order"
CALENDAR_LIMIT = "EBM:limit exceeded:CAL"
INVALID_PERMISSIONS = "EAccount:Invalid permissions"
ACCOUNT_DISABLED = "EAuth:Account temporary disabled"
ACCOUNT_UNCONFIRMED = "EAuth:Account unconfirmed"
AUTH_RATE_LIMIT = "EAuth:Rate limit exceeded"
AUTH_TOO_MANY = "EAuth:Too many requests"
INVALID_TRADE_REQUEST = "ETrade:Invalid request"
INTERNAL_ERROR = "EGeneral:Internal error"
"""May be followed by a colon and a code."""
TEMPORARY_LOCKOUT = "EGeneral:Temporary lockout"

_PREFIXES: dict[str, ErrorKind] = {
    PAIR_NOT_SUPPORTED: ErrorKind.UNKNOWN_SYMBOL,
    ALREADY_SUBSCRIBED: ErrorKind.ALREADY_SUBSCRIBED,
    SUBSCRIPTION_NOT_FOUND: ErrorKind.NOT_SUBSCRIBED,
    "Subscription depth": ErrorKind.INVALID_REQUEST,
    "Private data and trading are unavailable": ErrorKind.WRONG_HOST,
    "Public market data subscriptions are unavailable": ErrorKind.WRONG_HOST,
    "ESession:": ErrorKind.AUTH,
    "Token(s)": ErrorKind.AUTH,
    "EAuth:": ErrorKind.AUTH,
    "EAPI:": ErrorKind.AUTH,
    "EAPI:Rate limit": ErrorKind.RATE,
    AUTH_RATE_LIMIT: ErrorKind.RATE,
    AUTH_TOO_MANY: ErrorKind.RATE,
    ACCOUNT_UNCONFIRMED: ErrorKind.PERMISSION,
    ACCOUNT_DISABLED: ErrorKind.PERMISSION,
    "EAccount:": ErrorKind.PERMISSION,
    PERMISSION_DENIED: ErrorKind.PERMISSION,
    "EGeneral:": ErrorKind.UNKNOWN,
    INVALID_ARGUMENTS: ErrorKind.INVALID_REQUEST,
    VOLUME_MINIMUM: ErrorKind.ORDER,
    TEMPORARY_LOCKOUT: ErrorKind.RATE,
    "Exceeded msg rate": ErrorKind.RATE,
    "Exceeded max": ErrorKind.CAPACITY,
    "EService:": ErrorKind.MAINTENANCE,
    DEADLINE_ELAPSED: ErrorKind.DEADLINE,
    "EOrder:": ErrorKind.ORDER,
    ORDER_RATE_LIMIT: ErrorKind.RATE,
    DOMAIN_RATE_LIMIT: ErrorKind.RATE,
    UNKNOWN_ORDER: ErrorKind.UNKNOWN_ORDER,
    "EBM:": ErrorKind.ORDER,
    "ETrade:": ErrorKind.INVALID_REQUEST,
    UNSUPPORTED_EVENT: ErrorKind.INVALID_REQUEST,
    "Unsupported field": ErrorKind.INVALID_REQUEST,
    MALFORMED_REQUEST: ErrorKind.INVALID_REQUEST,
}
_LONGEST_FIRST = tuple(
    (prefix.lower(), kind) for prefix, kind in sorted(_PREFIXES.items(), key=lambda item: -len(item[0]))
)
_LONGEST_PREFIX = max(len(prefix) for prefix in _PREFIXES)


def classify_error(text: str) -> ErrorKind:
    """The kind of a refusal, by Kraken's text. Case and what follows a known prefix do not matter."""
    start = text[: _LONGEST_PREFIX + 1].lower()
    for prefix, kind in _LONGEST_FIRST:
        if start.startswith(prefix):
            return kind
    # The one family that begins with a name of ours: "Limit_price field must be a number_float".
    if " field must be " in text[:200]:
        return ErrorKind.INVALID_REQUEST
    return ErrorKind.UNKNOWN


_TEMPORARY = frozenset({ErrorKind.RATE, ErrorKind.MAINTENANCE, ErrorKind.DEADLINE})


def is_temporary(text: str) -> bool:
    """Whether a refusal is of the moment (the rate, the engine's state, a fault inside Kraken): the same request may be granted later."""
    return classify_error(text) in _TEMPORARY or text.lower().startswith(INTERNAL_ERROR.lower())
