"""`wire/refusals.py`: every error text of Kraken that is known has a kind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.wire import refusals
from krakenwire.wire.refusals import ErrorKind, classify_error, is_temporary

TEXTS = {
    name: value
    for name, value in vars(refusals).items()
    if name.isupper() and isinstance(value, str) and name[0] != "_"
}

KINDS = {
    ErrorKind.UNKNOWN_SYMBOL: ["PAIR_NOT_SUPPORTED"],
    ErrorKind.ALREADY_SUBSCRIBED: ["ALREADY_SUBSCRIBED"],
    ErrorKind.NOT_SUBSCRIBED: ["SUBSCRIPTION_NOT_FOUND"],
    ErrorKind.WRONG_HOST: ["PRIVATE_ON_PUBLIC_HOST", "PUBLIC_ON_PRIVATE_HOST"],
    ErrorKind.AUTH: ["INVALID_SESSION", "TOKEN_NOT_FOUND"],
    ErrorKind.CAPACITY: ["TOO_MANY_SYMBOLS"],
    ErrorKind.PERMISSION: [
        "PERMISSION_DENIED",
        "INVALID_PERMISSIONS",
        "ACCOUNT_DISABLED",
        "ACCOUNT_UNCONFIRMED",
    ],
    ErrorKind.RATE: [
        "MESSAGE_RATE",
        "ORDER_RATE_LIMIT",
        "DOMAIN_RATE_LIMIT",
        "AUTH_RATE_LIMIT",
        "AUTH_TOO_MANY",
        "TEMPORARY_LOCKOUT",
    ],
    ErrorKind.MAINTENANCE: ["SERVICE_UNAVAILABLE", "CANCEL_ONLY_MODE", "POST_ONLY_MODE"],
    ErrorKind.DEADLINE: ["DEADLINE_ELAPSED"],
    ErrorKind.UNKNOWN_ORDER: ["UNKNOWN_ORDER"],
    ErrorKind.UNKNOWN: ["INTERNAL_ERROR"],
    ErrorKind.INVALID_REQUEST: [
        "DEPTH_NOT_SUPPORTED",
        "UNSUPPORTED_EVENT",
        "UNSUPPORTED_FIELD",
        "NOT_A_NUMBER",
        "MALFORMED_REQUEST",
        "INVALID_ARGUMENTS",
        "INDEX_UNAVAILABLE",
        "INVALID_TRADE_REQUEST",
    ],
    ErrorKind.ORDER: [
        "VOLUME_MINIMUM",
        "INSUFFICIENT_FUNDS",
        "ORDER_MINIMUM",
        "COST_MINIMUM",
        "TICK_SIZE",
        "INVALID_PRICE",
        "ORDERS_LIMIT",
        "SCHEDULED_ORDERS_LIMIT",
        "POSITIONS_LIMIT",
        "CANNOT_OPEN_POSITION",
        "CANNOT_OPEN_OPPOSING_POSITION",
        "MARGIN_ALLOWANCE",
        "MARGIN_LEVEL",
        "MARGIN_POSITION_SIZE",
        "INSUFFICIENT_MARGIN",
        "REDUCE_ONLY_NO_POSITION",
        "REDUCE_ONLY_CLOSED",
        "REDUCE_ONLY_NON_PC",
        "UNKNOWN_POSITION",
        "INVALID_ORDER",
        "CALENDAR_LIMIT",
    ],
}


def test_every_text_has_a_kind_here() -> None:
    """The table names every text of the module once, and every kind."""
    named = [name for names in KINDS.values() for name in names]
    assert sorted(named) == sorted(TEXTS)
    assert set(KINDS) == set(ErrorKind)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in KINDS.items() for name in names])
def test_kinds(kind: ErrorKind, name: str) -> None:
    """Each text of Kraken has its kind, in any case and with any detail behind it."""
    text = TEXTS[name].format(field="Limit_price", method="add_order") if "{" in TEXTS[name] else TEXTS[name]
    assert classify_error(text) is kind
    assert classify_error(text + ":more detail") is kind
    assert classify_error(text.lower()) is kind


@pytest.mark.fault("J17")
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Currency pair not supported XBT/USD", ErrorKind.UNKNOWN_SYMBOL),
        ("Cash_order_qty field must be a number_float", ErrorKind.INVALID_REQUEST),
        ("EAPI:Invalid nonce", ErrorKind.AUTH),
        ("EAPI:Rate limit exceeded", ErrorKind.RATE),
        ("EOrder:Something Kraken adds", ErrorKind.ORDER),
        ("EService:Something Kraken adds", ErrorKind.MAINTENANCE),
        ("EGeneral:Something Kraken adds", ErrorKind.UNKNOWN),
        ("", ErrorKind.UNKNOWN),
        ("E", ErrorKind.UNKNOWN),
        ("eat more vegetables", ErrorKind.UNKNOWN),
    ],
)
def test_families(text: str, kind: ErrorKind) -> None:
    """A text nobody has seen gets the kind of its family, or none."""
    assert classify_error(text) is kind


@given(text=st.text())
def test_any_text_has_a_kind(text: str) -> None:
    """Whatever the text, there is an answer."""
    assert isinstance(classify_error(text), ErrorKind)


@pytest.mark.parametrize(
    ("text", "temporary"),
    [
        ("EService:Unavailable", True),
        ("EService:Busy", True),
        ("EService:Market in cancel_only mode", True),
        ("EService:Deadline elapsed", True),
        ("Exceeded msg rate", True),
        ("EGeneral:Temporary lockout", True),
        ("EGeneral:Internal error", True),
        ("egeneral:internal error:7", True),
        ("EGeneral:Invalid arguments", False),
        ("EGeneral:Permission denied", False),
        ("ESession:Invalid session", False),
        ("Currency pair not supported XBT/USD", False),
        ("", False),
    ],
)
def test_refusals_of_the_moment(text: str, temporary: bool) -> None:
    """Only what is due to the rate, to the state of the engine or to a fault inside Kraken may be granted later."""
    assert is_temporary(text) is temporary
